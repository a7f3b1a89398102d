"""Commands and queries on clients, their secrets, and scopes."""
