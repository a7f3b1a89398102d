"""Refuses what no client could be granted."""

from __future__ import annotations

from apogee_idp import (
    InvalidRequest,
    ProcessIntrospection,
    ProcessRevocation,
    ProcessSignIn,
    Services,
    UnsupportedGrantType,
)


class ValidateRequest:
    """Asks for a grant type that this server offers (RFC 6749 §5.2); compared to the letter."""

    def __init__(self, services: Services) -> None:
        self._grant_types = services.settings.grant_types

    async def __call__(self, event: ProcessSignIn) -> None:
        if event.request.grant_type is None:
            raise InvalidRequest("The grant_type parameter is missing.")
        if event.request.grant_type not in self._grant_types:
            raise UnsupportedGrantType("This server does not offer that grant type.")


async def require_token(event: ProcessIntrospection | ProcessRevocation) -> None:
    """RFC 7662 §2.1, RFC 7009 §2.1."""
    if event.request.token is None:
        raise InvalidRequest("The token parameter is missing.")
