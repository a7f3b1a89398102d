"""A bounded cache in front of one kind of entity: what the hot path reads instead of a store."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..errors import StoreUnavailable, UnreadableDocument
from ..waiting import for_store

Entity = TypeVar("Entity")

_UNKNOWN_SECONDS = 5.0
_UNKNOWN_SIZE = 10_000
_REST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Known(Generic[Entity]):
    entity: Entity
    read_at: float


class Outage:
    """That a store does not answer: whoever finds out, all others know who read from it, too."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0

    def begin(self) -> None:
        """It has not answered, to somebody."""
        self.number += 1


class Directory(Generic[Entity]):
    """Looks entities up by key and remembers them for ``seconds``.

    While the store does not answer, an entity is good for ``stale_seconds`` from its last reading,
    unless it is known to have changed; and the store is asked once a second at most, so that
    callers don't queue up before it. Directories of one store share its ``outage``.

    At most ``size`` known entities are kept. Unknown keys are remembered apart, for 5 seconds at
    most, so that a flood of them drives no known entity out. What ``could_be`` no key is neither
    looked up nor remembered: strangers send any text, of any length. Any number of simultaneous
    misses of one key are one read. ``lookups`` counts those that were answered, and how: stale are
    those that a store which is lost did not answer.
    """

    __slots__ = (
        "_could_be",
        "_doubted_at",
        "_fetch",
        "_fetching",
        "_known",
        "_monotonic",
        "_outage",
        "_rests_until",
        "_seconds",
        "_size",
        "_stale_seconds",
        "_survived",
        "_unknown",
        "_unknown_seconds",
        "lookups",
    )

    def __init__(  # noqa: PLR0913 (all that a cache is bound by)
        self,
        fetch: Callable[[str], Awaitable[Entity | None]],
        *,
        size: int,
        seconds: float,
        stale_seconds: float,
        monotonic: Callable[[], float],
        could_be: Callable[[str], bool] = bool,
        outage: Outage | None = None,
    ) -> None:
        self._could_be = could_be
        self._outage = outage or Outage()
        self._survived = 0
        self._fetch = fetch
        self._seconds = seconds
        self._stale_seconds = stale_seconds
        self._monotonic = monotonic
        self._fetching: dict[str, asyncio.Task[Entity | None]] = {}
        self._size = size
        self._known: dict[str, _Known[Entity]] = {}
        self._unknown: dict[str, float] = {}
        self._unknown_seconds = min(seconds, _UNKNOWN_SECONDS)
        self.lookups = {"hit": 0, "miss": 0, "stale": 0}
        self._doubted_at = -math.inf
        self._rests_until = -math.inf

    async def get(self, key: str) -> Entity | None:
        """The entity, or None if there is none; raises StoreUnavailable if nobody can tell."""
        if not self._could_be(key):
            return None
        known = self._known.get(key)
        if known is not None and self._is_fresh(known):
            self.lookups["hit"] += 1
            return known.entity
        if self._is_unknown(key):
            self.lookups["hit"] += 1
            return None
        if self._is_lost:
            return await self._get_while_lost(key)
        try:
            return await self._asked(key)
        except UnreadableDocument:
            raise
        except StoreUnavailable:
            return self._stale(key)

    def prefetch(self, keys: Iterable[str]) -> None:
        """Begins to read whatever is not known of ``keys``: save the first that is asked for.

        Whoever then asks for one after the other waits once, not once for each.
        """
        for key in keys:
            known = self._known.get(key)
            is_known = known is not None and self._is_fresh(known)
            is_asked = not is_known and self._could_be(key) and not self._is_unknown(key)
            if is_asked and not self._is_lost:
                self._reading(key)

    def forget(self, key: str | None) -> None:
        """An entity has changed: what is known of it, or being read, is not used any more.

        If nobody can tell which, that holds for all of them.
        """
        memories: tuple[dict[str, Any], ...]
        memories = (self._known, self._unknown, self._fetching)
        for memory in memories:
            if key is None:
                memory.clear()
            else:
                memory.pop(key, None)

    def doubt(self) -> None:
        """Any entity may have changed: each is read anew before it is used, if that is possible."""
        self._doubted_at = self._monotonic()
        self._unknown.clear()
        self._fetching.clear()

    def trust_store(self) -> None:
        """The store answers again: it is asked, and waited for, as ever."""
        self._survived = self._outage.number

    @property
    def _is_lost(self) -> bool:
        """Whether the store has not answered, to anybody, and nothing since to this one."""
        return self._outage.number > self._survived

    async def _get_while_lost(self, key: str) -> Entity | None:
        """One caller a second asks the store; he waits for it only if the cache can't answer."""
        if self._monotonic() >= self._rests_until:
            self._rests_until = self._monotonic() + _REST_SECONDS
            if not self._is_usable(key):
                return await self._asked(key)
            self._reading(key)
        return self._stale(key)

    async def _asked(self, key: str) -> Entity | None:
        # Shielded: one caller's time-out must not fail the others who wait for the same read.
        with for_store():
            found = await asyncio.shield(self._reading(key))
        self.lookups["miss"] += 1
        return found

    def _is_fresh(self, known: _Known[Entity]) -> bool:
        return (
            self._doubted_at < known.read_at and self._monotonic() < known.read_at + self._seconds
        )

    def _is_unknown(self, key: str) -> bool:
        read_at = self._unknown.get(key)
        return read_at is not None and self._monotonic() < read_at + self._unknown_seconds

    def _is_usable(self, key: str) -> bool:
        known = self._known.get(key)
        return known is not None and self._monotonic() < known.read_at + self._stale_seconds

    def _stale(self, key: str) -> Entity:
        if not self._is_usable(key):
            raise StoreUnavailable("the store does not answer, and the cache does not know")
        self.lookups["stale"] += 1
        return self._known[key].entity

    def _reading(self, key: str) -> asyncio.Task[Entity | None]:
        reading = self._fetching.get(key)
        if reading is None:
            reading = asyncio.ensure_future(self._read(key))
            self._fetching[key] = reading
            reading.add_done_callback(lambda done: self._finish(key, done))
        return reading

    async def _read(self, key: str) -> Entity | None:
        started = self._monotonic()
        try:
            found = await self._fetch(key)
        except UnreadableDocument:
            self.trust_store()
            raise
        except StoreUnavailable:
            self._outage.begin()
            self._rests_until = self._monotonic() + _REST_SECONDS
            raise
        self.trust_store()
        if self._fetching.get(key) is asyncio.current_task():
            self._remember(key, found, started)
        return found

    def _remember(self, key: str, found: Entity | None, read_at: float) -> None:
        self._known.pop(key, None)
        self._unknown.pop(key, None)
        if found is None:
            self._unknown[key] = read_at
            _shorten(self._unknown, _UNKNOWN_SIZE)
        else:
            self._known[key] = _Known(found, read_at)
            _shorten(self._known, self._size)

    def _finish(self, key: str, reading: asyncio.Task[Entity | None]) -> None:
        if self._fetching.get(key) is reading:
            del self._fetching[key]
        if not reading.cancelled():
            reading.exception()  # else asyncio complains that nobody waited for it


def _shorten(memory: dict[str, Any], size: int) -> None:
    """What is in use is read anew every few seconds, so what was read the longest ago goes."""
    if len(memory) > size:
        del memory[next(iter(memory))]
