"""Decides whom the tokens speak of."""

from __future__ import annotations

from apogee_idp import InvalidGrant, Principal, ProcessSignIn


async def build_principal(event: ProcessSignIn) -> None:
    """A client acting for itself is its own subject, by its client_id (RFC 9068 §2.2).

    Whom a redeemed grant speaks of has been decided before: without one, nobody is spoken of.
    """
    if event.principal is not None:
        return
    if event.request.grant_type != "client_credentials":
        raise InvalidGrant("There is no such grant.")
    client = event.known_client()
    event.principal = Principal(subject=client.client_id, name=client.client_id, roles=client.roles)
