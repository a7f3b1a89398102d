"""The web console: what browsers load, as it stands. It talks to the management API alone."""
