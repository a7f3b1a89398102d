"""Signing in elsewhere: what other identity providers are asked, and what they say."""
