"""Why clients got no token: the latest reasons of each, counted in memory, kept in the store.

Only clients that are registered have a document, one each, however often anyone is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from .errors import AlreadyExists, Conflict, InvalidDocument, UnreadableDocument
from .model import Client
from .stores.base import Collection, Stored
from .stores.members import text, whole

KEPT_SECONDS = 30 * 86_400
MAXIMUM_REASONS = 5
"""So many reasons of one client are kept: those that came up last."""

_MAXIMUM_CLIENTS = 1_000
_MAXIMUM_TEXT = 200
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a client was refused, how often, and when last (Unix seconds)."""

    error: str
    reason: str
    count: int
    last_at: int


@dataclass(slots=True)
class _Tally:
    count: int = 0
    last_at: int = 0


_Tallies = dict[tuple[str, str], _Tally]
"""By error and reason."""


class Refusals:
    """Every process adds its own to those in the store; ``now`` gives Unix seconds.

    A count may be a little too high: where the store has taken it and the answer was lost, it is
    added once more.
    """

    def __init__(self, collection: Collection, *, now: Callable[[], int]) -> None:
        self._collection = collection
        self._now = now
        self._noted: dict[str, _Tallies] = {}
        self._of_nobody: _Tallies = {}
        self._flushing = asyncio.Lock()

    def note(self, client: Client | None, error: str, reason: str) -> None:
        """Counts a refusal of whoever called itself like this registered client, in memory alone.

        Of more clients than fit between two flushes, those that come last are not counted. Nobody's
        are not kept, but cost the same, or the time would tell who is registered.
        """
        tallies = self._tallies_of("" if client is None else client.client_id)
        name = error, _short(reason)
        tally = tallies.get(name)
        if tally is None:
            if len(tallies) >= MAXIMUM_REASONS:
                del tallies[min(tallies, key=lambda name: tallies[name].last_at)]
            tally = tallies[name] = _Tally()
        tally.count += 1
        tally.last_at = self._now()

    def _tallies_of(self, client_id: str) -> _Tallies:
        known = self._noted.get(client_id)
        if known is not None:
            return known
        if not client_id or len(self._noted) >= _MAXIMUM_CLIENTS:
            return self._of_nobody
        return self._noted.setdefault(client_id, {})

    async def flush(self) -> None:
        """Adds what was noted to the store; raises StoreUnavailable, and keeps the rest then.

        What no store can hold is forgotten, and a damaged document keeps nobody else's out.
        """
        async with self._flushing:
            for client_id in list(self._noted):
                noted = self._noted_of(client_id)
                try:
                    await self._write(client_id, noted)
                except UnreadableDocument:
                    continue
                except InvalidDocument:
                    pass
                self._forget(client_id, noted)

    async def of(self, client_id: str) -> tuple[Refusal, ...]:
        """Those of this client, the latest first; what others hold in memory comes later."""
        stored = await self._collection.get(client_id)
        return _merged(_read(stored), self._noted_of(client_id))

    async def since(self, second: int) -> dict[str, tuple[Refusal, ...]]:
        """Those of all clients that were refused from ``second`` on."""
        found: dict[str, tuple[Refusal, ...]] = {}
        after: str | None = None
        while True:
            page = await self._collection.list(after=after)
            found |= {stored.key: _read(stored) for stored in page.items}
            after = page.after
            if after is None:
                break
        merged = {
            client_id: _merged(found.get(client_id, ()), self._noted_of(client_id))
            for client_id in found.keys() | self._noted.keys()
        }
        return {
            client_id: refusals
            for client_id, refusals in merged.items()
            if refusals and refusals[0].last_at >= second
        }

    async def _write(self, client_id: str, noted: Sequence[Refusal]) -> None:
        expires_at = self._now() + KEPT_SECONDS
        for _ in range(_TRIES):
            stored = await self._collection.get(client_id)
            merged = _merged(_read(stored), noted)
            document = {"refusals": [asdict(refusal) for refusal in merged]}
            try:
                if stored is None:
                    await self._collection.insert(client_id, document, expires_at=expires_at)
                else:
                    await self._collection.replace(client_id, document, version=stored.version)
            except (AlreadyExists, Conflict):
                continue
            return

    def _noted_of(self, client_id: str) -> tuple[Refusal, ...]:
        tallies = self._noted.get(client_id, {})
        return tuple(Refusal(*name, tally.count, tally.last_at) for name, tally in tallies.items())

    def _forget(self, client_id: str, written: Sequence[Refusal]) -> None:
        """What was noted meanwhile stays."""
        tallies = self._noted[client_id]
        for refusal in written:
            name = refusal.error, refusal.reason
            tallies[name].count -= refusal.count
            if not tallies[name].count:
                del tallies[name]
        if not tallies:
            del self._noted[client_id]


def _merged(known: Sequence[Refusal], noted: Sequence[Refusal]) -> tuple[Refusal, ...]:
    """The latest of both, each reason once."""
    by_reason = {(refusal.error, refusal.reason): refusal for refusal in known}
    for new in noted:
        old = by_reason.get((new.error, new.reason), replace(new, count=0))
        count, last_at = old.count + new.count, max(old.last_at, new.last_at)
        by_reason[new.error, new.reason] = replace(new, count=count, last_at=last_at)
    latest = sorted(by_reason.values(), key=lambda r: (-r.last_at, r.error, r.reason))
    return tuple(latest[:MAXIMUM_REASONS])


def _read(stored: Stored | None) -> tuple[Refusal, ...]:
    """What a document says; one that is damaged says nothing."""
    if stored is None:
        return ()
    try:
        return tuple(
            Refusal(text(m["error"]), text(m["reason"]), whole(m["count"]), whole(m["last_at"]))
            for m in stored.document["refusals"]
        )
    except (ValueError, TypeError, KeyError):
        return ()


def _short(reason: str) -> str:
    printable = reason if reason.isprintable() else "".join(filter(str.isprintable, reason))
    return printable[:_MAXIMUM_TEXT]
