"""Opaque access tokens: what they stand for is kept here, under the hash of the token."""

from __future__ import annotations

from .crypto.secrets import generate_reference_token
from .errors import UnreadableDocument
from .stores.base import Collection


class ReferenceTokens:
    """Every method raises StoreUnavailable if the store does not answer."""

    def __init__(self, tokens: Collection) -> None:
        self._tokens = tokens

    async def keep(self, payload: str, *, expires_at: int) -> str:
        """A new token that stands for ``payload`` until ``expires_at``, in Unix seconds."""
        token, reference = generate_reference_token()
        await self._tokens.insert(reference, {"payload": payload}, expires_at=expires_at)
        return token

    @staticmethod
    def void() -> str:
        """One like them that stands for nothing."""
        token, _ = generate_reference_token()
        return token

    async def find(self, reference: str) -> str | None:
        """What the token of this hash stands for, or None if there is none, or no longer."""
        stored = await self._tokens.get(reference)
        if stored is None:
            return None
        payload = stored.document.get("payload")
        if not isinstance(payload, str):
            raise UnreadableDocument("a stored token can't be read")
        return payload

    async def end(self, reference: str) -> None:
        """From now on the token stands for nothing."""
        await self._tokens.delete(reference)
