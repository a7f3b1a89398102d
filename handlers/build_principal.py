"""Decides whom the tokens speak of."""

from __future__ import annotations

from apogee_idp import Principal, ProcessSignIn


async def build_principal(event: ProcessSignIn) -> None:
    """A client acting for itself is its own subject, by its client_id (RFC 9068 §2.2).

    Whom a redeemed grant speaks of has been decided before.
    """
    if event.principal is not None:
        return
    client = event.known_client()
    event.principal = Principal(subject=client.client_id, name=client.client_id, roles=client.roles)
