"""Secrets that somebody found where none should be, and their end."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from ..commands import EndLeakedSecret
from ..crypto.secrets import is_secret, secret_id_of
from ..errors import Conflict, StoreUnavailable, UnreadableDocument
from ..model import Client
from ..requests import Actor
from ..secret_usage import SecretUsage
from ..stores.base import Store
from ..stores.repositories import clients_in
from .changes import Changes, Trail
from .facts import client_facts

_SEARCH_SECONDS = 10
_TRIES = 20


@dataclass(frozen=True, slots=True)
class _Search:
    """The clients that have each secret, by its id; ``begun_at`` is in Unix seconds."""

    holders: asyncio.Task[Mapping[str, list[str]]]
    begun_at: int

    def does_for(self, now: int) -> bool:
        """Whether there is no need for another one."""
        if not self.holders.done():
            return True
        has_failed = self.holders.cancelled() or self.holders.exception() is not None
        return not has_failed and 0 <= now - self.begun_at < _SEARCH_SECONDS


class LeakedSecrets:
    """Ends the secrets of our own format that are reported; ``now`` gives Unix seconds.

    The id of a secret leads to its clients. That of one which an earlier version made, and nobody
    used since, does not: for those all clients are read, once in ten seconds at most, however many
    are reported. So there is one of this class in a process.
    """

    def __init__(
        self, store: Store, usage: SecretUsage, changes: Changes, *, now: Callable[[], int]
    ) -> None:
        self._clients = clients_in(store)
        self._usage = usage
        self._changes = changes
        self._now = now
        self._search: _Search | None = None

    async def report(self, secret: str, actor: Actor) -> tuple[str, ...]:
        """The clients that ``secret`` was one of, which have it no more.

        ``actor`` needs no scope: he knows the secret. What can't be one of ours by its checksum is
        not looked up. Raises StoreUnavailable.
        """
        secret_id = secret_id_of(secret)
        if secret_id is None:
            return ()
        known = await self._usage.clients_of(secret_id)
        ended = await self._end_all(known, secret_id, secret, actor)
        return ended or await self._end_all(
            await self._holders_of(secret_id), secret_id, secret, actor
        )

    async def _end_all(
        self, client_ids: Iterable[str], secret_id: str, secret: str, actor: Actor
    ) -> tuple[str, ...]:
        return tuple(
            [
                client_id
                for client_id in client_ids
                if await self._end(client_id, secret_id, secret, actor)
            ]
        )

    async def _end(self, client_id: str, secret_id: str, secret: str, actor: Actor) -> bool:
        for _ in range(_TRIES):
            client = await self._clients.get(client_id)
            if client is None or not _has(client, secret_id, secret):
                return False
            # First: who brings it again, in a file or by hand, must not get it back.
            await self._usage.mark_leaked(secret_id)
            rest = tuple(s for s in client.secrets if s.id != secret_id)
            bare = replace(client, secrets=rest)
            try:
                await self._update(client, bare, actor)
            except Conflict:
                continue
            await self._usage.forget(client_id, secret_id)
            return True
        raise StoreUnavailable(f"{client_id} is being changed by too many at once")

    async def _update(self, before: Client, after: Client, actor: Actor) -> None:
        trail = Trail(self._changes, actor, "client", lambda c: c.client_id, client_facts)
        recording = trail.recording(EndLeakedSecret, before=before, after=after)
        async with recording as change_id:
            await self._clients.update(replace(after, change_id=change_id))

    async def _holders_of(self, secret_id: str) -> Iterable[str]:
        """By the last search, if it is not too old; whoever comes meanwhile waits for the same."""
        now = self._now()
        if self._search is None or not self._search.does_for(now):
            self._search = _Search(asyncio.create_task(self._all_holders()), now)
        # Shielded: one caller who goes away must not end it for the others.
        return (await asyncio.shield(self._search.holders)).get(secret_id, ())

    async def _all_holders(self) -> Mapping[str, list[str]]:
        holders: dict[str, list[str]] = defaultdict(list)
        async for stored in self._clients.documents():
            with suppress(UnreadableDocument):  # whoever that is, he gets no token
                client = self._clients.entity(stored)
                for secret in client.secrets:
                    holders[secret.id].append(client.client_id)
        return dict(holders)


def _has(client: Client, secret_id: str, secret: str) -> bool:
    return any(known.id == secret_id and is_secret(known, secret) for known in client.secrets)
