"""Refuses what no client could be granted."""

from __future__ import annotations

from apogee_idp import InvalidRequest, ProcessSignIn, Services, UnsupportedGrantType


class ValidateRequest:
    """Asks for a grant type that this server offers (RFC 6749 §5.2); compared to the letter."""

    def __init__(self, services: Services) -> None:
        self._grant_types = services.settings.grant_types

    async def __call__(self, event: ProcessSignIn) -> None:
        if event.request.grant_type is None:
            raise InvalidRequest("The grant_type parameter is missing.")
        if event.request.grant_type not in self._grant_types:
            raise UnsupportedGrantType("This server does not offer that grant type.")
