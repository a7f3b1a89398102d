"""When and how often each client secret is used: counted in memory, added up in the store."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from .errors import AlreadyExists, Conflict, InvalidDocument, StoreUnavailable, UnreadableDocument
from .model import Client
from .stores.base import Collection, Stored
from .stores.documents import OPENIDDICT_SECRET_ID

_LEAKED = "leaked/"
_MAXIMUM_TALLIES = 10_000
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Usage:
    """How a secret was used, as far as it is known.

    ``last_used_at`` is in Unix seconds, ``last_used_from`` the IP address of who used it then.
    """

    last_used_at: int | None = None
    uses: int = 0
    last_used_from: str = ""

    def latest_at(self, used_at: int, used_from: str) -> tuple[int, str]:
        """When and from where it was used last, if it was then."""
        if self.last_used_at is None or used_at >= self.last_used_at:
            return used_at, used_from
        return self.last_used_at, self.last_used_from


class _SecretOf(NamedTuple):
    client_id: str
    secret_id: str


@dataclass(slots=True)
class _Batch:
    """Uses on their way into the store; a document with its ``mark`` has them."""

    uses: int
    mark: str


@dataclass(slots=True)
class _Tally:
    """Uses that are not known to be in the store; the first of them may be in a ``batch``."""

    uses: int = 0
    last_used_at: int = 0
    last_used_from: str = ""
    batch: _Batch | None = field(default=None)

    def settle(self) -> None:
        """The batch is in the store."""
        if self.batch is not None:
            self.uses -= self.batch.uses
            self.batch = None

    def is_in(self, stored: Stored) -> bool:
        """Whether the document already has the batch, although its answer was lost."""
        return self.batch is not None and stored.document.get("mark") == self.batch.mark


class SecretUsage:
    """Counts the uses of secrets; every process adds its own to those in the store.

    ``now`` gives Unix seconds. A document stands under the id of its secret. Ids that several
    clients may have (OpenIddict's, or that of a secret which two of them share) are followed by
    ``/<client_id>`` there. Those that leaked are remembered for ever, under ``leaked/<id>``.
    """

    def __init__(
        self,
        collection: Collection,
        *,
        now: Callable[[], int],
        new_mark: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._collection = collection
        self._now = now
        self._new_mark = new_mark
        self._tallies: dict[_SecretOf, _Tally] = {}
        self._flushing = asyncio.Lock()

    def note(self, client_id: str, secret_id: str, source: str) -> None:
        """Counts one use by ``source``, an IP address; in memory alone.

        Of more secrets than fit between two flushes, those that come last are not counted.
        """
        of = _SecretOf(client_id, secret_id)
        tally = self._tallies.get(of)
        if tally is None:
            if len(self._tallies) >= _MAXIMUM_TALLIES:
                return
            tally = self._tallies[of] = _Tally()
        tally.uses += 1
        tally.last_used_at, tally.last_used_from = self._now(), source

    async def flush(self) -> None:
        """Adds what was counted to the store.

        Raises StoreUnavailable; then what is not known to be in the store is kept for the next
        time. What no store can hold is forgotten, and a damaged document keeps nobody else's out.
        """
        async with self._flushing:
            for of in list(self._tallies):
                try:
                    await self._write(of, self._tallies[of])
                except UnreadableDocument:
                    continue
                except InvalidDocument:
                    del self._tallies[of]

    async def register(self, client_id: str, secret_id: str) -> None:
        """Makes the document of a new secret, so that its id leads to the client."""
        of = _SecretOf(client_id, secret_id)
        for _ in range(_TRIES):
            key, stored = await self._find(of)
            if stored is not None:
                return
            try:
                await self._collection.insert(key, _document(of, Usage(), ""))
            except AlreadyExists:
                continue
            return
        raise StoreUnavailable("the use of a secret is written by too many at once")

    async def forget(self, client_id: str, secret_id: str) -> None:
        """Deletes the document of a secret that is no more."""
        key, stored = await self._find(_SecretOf(client_id, secret_id))
        if stored is not None:
            await self._collection.delete(key)

    async def mark_leaked(self, secret_id: str) -> None:
        """From now on ``has_leaked``."""
        with suppress(AlreadyExists):
            await self._collection.insert(_LEAKED + secret_id, {"leaked_at": self._now()})

    async def has_leaked(self, secret_id: str) -> bool:
        """Whether somebody has found it where none should be, so that nobody may have it again."""
        return await self._collection.get(_LEAKED + secret_id) is not None

    async def clients_of(self, secret_id: str) -> tuple[str, ...]:
        """The ids of clients that a secret was made for or seen with, as far as that is known."""
        stored = await self._collection.get(secret_id)
        client_id = None if stored is None else stored.document.get("client_id")
        prefix = f"{secret_id}/"
        sharing = await self._collection.list(after=prefix)
        keys = [other.key for other in sharing.items if other.key.startswith(prefix)]
        first = (client_id,) if isinstance(client_id, str) else ()
        return (*first, *(key.removeprefix(prefix) for key in keys))

    async def of(self, client: Client) -> Mapping[str, Usage]:
        """For each of the client's secrets, by id; the uses that others hold in memory come later.

        Raises StoreUnavailable.
        """
        ids = [secret.id for secret in client.secrets]
        return {id_: await self._of(_SecretOf(client.client_id, id_)) for id_ in ids}

    async def _of(self, of: _SecretOf) -> Usage:
        _, stored = await self._find(of)
        known, tally = _read(stored), self._tallies.get(of)
        if tally is None:
            return known
        written = tally.batch.uses if tally.batch and stored and tally.is_in(stored) else 0
        return _added(known, tally.uses - written, tally)

    async def _write(self, of: _SecretOf, tally: _Tally) -> None:
        """Compare-and-set, again if somebody else was faster.

        A batch keeps its size and its mark until it is known to be in the store. So one whose
        answer was lost is found there, unless another process has written in between.
        """
        for _ in range(_TRIES):
            key, stored = await self._find(of)
            if stored is not None and tally.is_in(stored):
                tally.settle()
            if not tally.uses:
                del self._tallies[of]
                return
            if tally.batch is None:
                tally.batch = _Batch(tally.uses, self._new_mark())
            usage = _added(_read(stored), tally.batch.uses, tally)
            document = _document(of, usage, tally.batch.mark)
            try:
                if stored is None:
                    await self._collection.insert(key, document)
                else:
                    await self._collection.replace(key, document, version=stored.version)
            except (AlreadyExists, Conflict):
                continue
            tally.settle()
            if not tally.uses:
                del self._tallies[of]
                return

    async def _find(self, of: _SecretOf) -> tuple[str, Stored | None]:
        """The key for the document of a secret, and the document if there is one."""
        if of.secret_id != OPENIDDICT_SECRET_ID:
            stored = await self._collection.get(of.secret_id)
            if stored is None or stored.document.get("client_id") == of.client_id:
                return of.secret_id, stored
        key = f"{of.secret_id}/{of.client_id}"
        return key, await self._collection.get(key)


def _document(of: _SecretOf, usage: Usage, mark: str) -> dict[str, object]:
    return {
        "client_id": of.client_id,
        "last_used_at": usage.last_used_at,
        "last_used_from": usage.last_used_from,
        "uses": usage.uses,
        "mark": mark,
    }


def _read(stored: Stored | None) -> Usage:
    """What a document says; of one that is damaged, what can be read."""
    if stored is None:
        return Usage()
    names = ("last_used_at", "uses", "last_used_from")
    last_used_at, uses, last_used_from = (stored.document.get(name) for name in names)
    return Usage(
        last_used_at if type(last_used_at) is int else None,
        uses if type(uses) is int else 0,
        last_used_from if isinstance(last_used_from, str) else "",
    )


def _added(usage: Usage, uses: int, tally: _Tally) -> Usage:
    used_at, used_from = usage.latest_at(tally.last_used_at, tally.last_used_from)
    return Usage(used_at, usage.uses + uses, used_from)
