"""Authenticates the client."""

from __future__ import annotations

from apogee_idp import (
    ProcessIntrospection,
    ProcessPushedAuthorization,
    ProcessRevocation,
    ProcessSignIn,
    Services,
)


class ValidateClient:
    """Leaves the proof of authentication (RFC 6749 §3.2.1), without which nothing is answered."""

    def __init__(self, services: Services) -> None:
        self._authenticator = services.authenticator

    async def __call__(
        self,
        event: ProcessSignIn
        | ProcessIntrospection
        | ProcessRevocation
        | ProcessPushedAuthorization,
    ) -> None:
        event.authentication = await self._authenticator.authenticate(event.request)
