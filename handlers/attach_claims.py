"""Adds what the client's profile says of every access token of his."""

from __future__ import annotations

from apogee_idp import GenerateToken


async def attach_claims(event: GenerateToken) -> None:
    """The profile's claims and session tags, but for names that a plugin has set already."""
    if event.kind != "access_token":
        return
    for name, value in event.sign_in.token_profile.extra_claims().items():
        event.claims.setdefault(name, value)
