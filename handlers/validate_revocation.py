"""Asks whether a token was revoked, or its client was."""

from __future__ import annotations

from apogee_idp import NotYetKnown, Services, ValidateToken


class ValidateRevocation:
    """The store is asked each time, so a revocation holds for every process at once."""

    def __init__(self, services: Services) -> None:
        self._revocations = services.revocations

    async def __call__(self, event: ValidateToken) -> None:
        if event.validated is None:
            raise NotYetKnown("no token was read")
        await self._revocations.check(event.validated)
