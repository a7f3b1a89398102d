"""A store whose process dies at a chosen write: done or not, nobody hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from apogee_idp.errors import StoreUnavailable
from apogee_idp.stores.base import Collection, Store
from apogee_idp.stores.values import COLLECTIONS


class Life:
    """Of one process; ``died`` tells that it has come to its last write."""

    def __init__(self) -> None:
        self.died = asyncio.Event()
        self._buried = asyncio.Event()
        self._writes_left: int | None = None
        self._does_last = False

    def doom(self, writes_left: int, *, does_last: bool) -> None:
        """So many more are done; at the next, which is done or not, it dies."""
        self._writes_left, self._does_last = writes_left, does_last

    def spare(self) -> None:
        """It goes on, if it has not died."""
        self._writes_left = None

    def bury(self) -> None:
        """Lets go of all that waits in it; none of that gets anything done."""
        self.died.set()
        self._buried.set()

    async def read(self, operation: Callable[[], Awaitable[Any]]) -> Any:
        await self._check_alive()
        return await operation()

    async def write(self, operation: Callable[[], Awaitable[Any]]) -> Any:
        await self._check_alive()
        if self._writes_left is None:
            return await operation()
        self._writes_left -= 1
        if self._writes_left >= 0:
            return await operation()
        self.died.set()
        if self._does_last:
            await operation()
        return await self._check_alive()

    async def _check_alive(self) -> None:
        if self.died.is_set():
            await self._buried.wait()
            raise StoreUnavailable("its process is dead")


class Mortal:
    """A collection, as a process with that life sees it."""

    def __init__(self, collection: Collection, life: Life) -> None:
        self._collection = collection
        self._life = life

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._collection, name)
        does_write = name in ("insert", "replace", "delete", "take", "expire")
        through = self._life.write if does_write else self._life.read
        return lambda *given, **named: through(lambda: method(*given, **named))


def make_mortal(store: Store, life: Life) -> Store:
    """The store, each collection of which ends with that life."""
    for name in COLLECTIONS:
        setattr(store, name, Mortal(getattr(store, name), life))
    return store
