"""Adds what the client's profile says of every token of his."""

from __future__ import annotations

from apogee_idp import GenerateToken


async def attach_claims(event: GenerateToken) -> None:
    """The profile's claims and session tags, but for names that a plugin has set already."""
    for name, value in event.sign_in.token_profile.extra_claims().items():
        event.claims.setdefault(name, value)
