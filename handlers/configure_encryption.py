"""Decides how this request's access token is written."""

from __future__ import annotations

from apogee_idp import ProcessSignIn


async def configure_encryption(event: ProcessSignIn) -> None:
    """Resource servers that can't decrypt (AWS STS) get a plain JWS.

    The profile says the rest: to whom it is encrypted, algorithm, lifetime, claims.
    The choice lives on this event and ends with it; no other request can see it.
    """
    client = event.known_client()
    event.token_profile = client.token_profile
    event.encrypt_access_token = not client.skip_token_encryption
