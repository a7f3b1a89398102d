"""Has the token signed and, if it has an encryption key, encrypted."""

from __future__ import annotations

from apogee_idp import GenerateToken, Services


class WriteToken:
    """Hands the event to the minter, which checks once more all that it is told."""

    def __init__(self, services: Services) -> None:
        self._minter = services.minter

    async def __call__(self, event: GenerateToken) -> None:
        event.token = await self._minter.mint(event)
