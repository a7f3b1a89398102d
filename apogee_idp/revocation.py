"""Ending tokens before their time, without a row for each token that is issued.

A self-contained token is put on a deny-list until it would have expired; everything of one client
ends by its ``tokens_not_before``. All levels are asked, each time (RFC 7009 §3).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from .errors import AlreadyExists, InvalidToken
from .grants import Grants
from .model import CLOCK_JUMP_SECONDS, Client
from .reference_tokens import ReferenceTokens
from .requests import ValidatedToken
from .stores.base import Collection
from .stores.directory import Directory


class Revocations:
    """Every method raises StoreUnavailable if the store does not answer: never a wrong "no".

    ``now`` gives Unix seconds.
    """

    __slots__ = ("_clients", "_denied", "_grants", "_now", "_references")

    def __init__(
        self,
        denied: Collection,
        references: ReferenceTokens,
        clients: Directory[Client],
        grants: Grants,
        *,
        now: Callable[[], int],
    ) -> None:
        self._denied = denied
        self._references = references
        self._clients = clients
        self._grants = grants
        self._now = now

    async def check(self, token: ValidatedToken) -> None:
        """Raises InvalidToken for a revoked token, and for what it stands on having ended.

        That is its client and, if a person has allowed it, her authorization and herself.
        """
        # All at once: a handler's time is for one wait in vain, not for three.
        client, denied, _ = await asyncio.gather(
            self._clients.get(token.client_id),
            self._denied.get(token.id),
            self._grants.check(token.authorization_id, token.subject),
        )
        if client is None or not client.enabled:
            raise InvalidToken(reason="its client was deleted or disabled")
        if token.issued_at <= client.tokens_not_before:
            raise InvalidToken(reason="all tokens of its client were revoked")
        if denied is not None:
            raise InvalidToken(reason="revoked")

    async def revoke(self, token: ValidatedToken) -> None:
        """Ends this token; it may have ended before. With a refresh token ends all it led to."""
        if token.kind == "refresh_token":
            await self._grants.end(token.id)
            return
        if token.reference is not None:
            await self._references.end(token.reference)
            return
        entry = {"client_id": token.client_id, "revoked_at": self._now()}
        with suppress(AlreadyExists):
            expires_at = token.expires_at + CLOCK_JUMP_SECONDS
            await self._denied.insert(token.id, entry, expires_at=expires_at)
