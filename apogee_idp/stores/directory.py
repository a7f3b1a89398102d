"""A bounded cache in front of one kind of entity: what the hot path reads instead of a store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from cachetools import TTLCache

Entity = TypeVar("Entity")

_UNKNOWN_SECONDS = 5.0
_UNKNOWN_SIZE = 10_000


class Directory(Generic[Entity]):
    """Looks entities up by key and remembers them for ``seconds``.

    At most ``size`` known entities are kept. Unknown keys are remembered apart, for 5 seconds at
    most, so that a flood of them drives no known entity out. Any number of simultaneous misses
    of one key are one read.
    """

    __slots__ = ("_fetch", "_fetching", "_known", "_unknown")

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[Entity | None]],
        *,
        size: int,
        seconds: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._fetch = fetch
        self._fetching: dict[str, asyncio.Task[Entity | None]] = {}
        self._known: TTLCache[str, Entity] = TTLCache(size, seconds, monotonic)
        self._unknown: TTLCache[str, bool] = TTLCache(
            _UNKNOWN_SIZE, min(seconds, _UNKNOWN_SECONDS), monotonic
        )

    async def get(self, key: str) -> Entity | None:
        """The entity, or None if there is none; raises StoreUnavailable on a miss."""
        known = self._known.get(key)
        if known is not None or key in self._unknown:
            return known
        fetching = self._fetching.get(key)
        if fetching is None:
            fetching = asyncio.ensure_future(self._remember(key))
            self._fetching[key] = fetching
            fetching.add_done_callback(lambda _: self._fetching.pop(key, None))
        # Shielded: one caller's time-out must not fail the others who wait for the same read.
        return await asyncio.shield(fetching)

    async def _remember(self, key: str) -> Entity | None:
        found = await self._fetch(key)
        if found is None:
            self._unknown[key] = True
        else:
            self._known[key] = found
        return found
