"""Secrets that somebody found where none should be, and their end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from ..commands import EndLeakedSecret
from ..crypto.secrets import is_secret, secret_id_of
from ..errors import Conflict, StoreUnavailable, TemporarilyUnavailable, UnreadableDocument
from ..model import Client
from ..secret_usage import SecretUsage
from ..stores.base import Store
from ..stores.repositories import clients_in
from .changes import Trail

_SEARCH_SECONDS = 10
_TRIES = 20


class LeakedSecrets:
    """Ends the secrets of our own format that are reported; ``now`` gives Unix seconds.

    The id of a secret leads to its client. That of one which an earlier version made, and nobody
    used since, does not: then all clients are read, by one search at a time.
    """

    def __init__(
        self, store: Store, usage: SecretUsage, trail: Trail[Client], *, now: Callable[[], int]
    ) -> None:
        self._clients = clients_in(store)
        self._usage = usage
        self._trail = trail
        self._now = now
        self._is_searching = False
        self._searched_at: int | None = None

    async def report(self, secret: str) -> bool:
        """Whether ``secret`` was one of a client's, which has it no more.

        What can't be one of ours by its checksum is not looked up. Raises StoreUnavailable, or
        TemporarilyUnavailable if it would take a search so soon after the last one.
        """
        secret_id = secret_id_of(secret)
        if secret_id is None:
            return False
        client_id = await self._usage.client_of(secret_id)
        if client_id is not None and await self._end(client_id, secret_id, secret):
            return True
        holder = await self._search(secret_id, secret)
        return holder is not None and await self._end(holder, secret_id, secret)

    async def _end(self, client_id: str, secret_id: str, secret: str) -> bool:
        for _ in range(_TRIES):
            client = await self._clients.get(client_id)
            if client is None or not _has(client, secret_id, secret):
                return False
            rest = tuple(s for s in client.secrets if s.id != secret_id)
            bare = replace(client, secrets=rest)
            try:
                await self._update(client, bare)
            except Conflict:
                continue
            await self._usage.forget(client_id, secret_id)
            return True
        raise StoreUnavailable(f"{client_id} is being changed by too many at once")

    async def _update(self, before: Client, after: Client) -> None:
        recording = self._trail.recording(EndLeakedSecret, before=before, after=after)
        async with recording as change_id:
            await self._clients.update(replace(after, change_id=change_id))

    async def _search(self, secret_id: str, secret: str) -> str | None:
        now, last = self._now(), self._searched_at
        is_too_soon = last is not None and 0 <= now - last < _SEARCH_SECONDS
        if self._is_searching or is_too_soon:
            raise TemporarilyUnavailable(reason="another search for a leaked secret")
        self._is_searching, self._searched_at = True, now
        try:
            async for stored in self._clients.documents():
                with suppress(UnreadableDocument):  # whoever that is, he gets no token
                    if _has(self._clients.entity(stored), secret_id, secret):
                        return stored.key
            return None
        finally:
            self._is_searching = False


def _has(client: Client, secret_id: str, secret: str) -> bool:
    return any(known.id == secret_id and is_secret(known, secret) for known in client.secrets)
