"""Ends the token."""

from __future__ import annotations

from apogee_idp import ProcessRevocation, Services


class RevokeToken:
    """RFC 7009 §2.2: what is no valid token has ended already."""

    def __init__(self, services: Services) -> None:
        self._authenticator = services.authenticator
        self._reader = services.reader
        self._revocations = services.revocations

    async def __call__(self, event: ProcessRevocation) -> None:
        self._authenticator.vouch(event.authentication, event.request)
        if event.token is not None:
            self._reader.vouch(event.token, event.request.token)
            await self._revocations.revoke(event.token)
            event.is_revoked = True
