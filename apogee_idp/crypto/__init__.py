"""Keys, tokens and secrets: the only place that touches jwcrypto and password hashing."""
