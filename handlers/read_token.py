"""Reads a presented token: signature, encryption, kind and times."""

from __future__ import annotations

from apogee_idp import InvalidToken, Services, ValidateToken


class ReadToken:
    """RFC 8725: the algorithm is the key's, the key is ours, and no kind passes for another."""

    def __init__(self, services: Services) -> None:
        self._reader = services.reader

    async def __call__(self, event: ValidateToken) -> None:
        validated = await self._reader.read(event.token)
        if validated.kind not in event.kinds:
            raise InvalidToken(reason=f"a token of the kind {validated.kind}")
        event.validated = validated
