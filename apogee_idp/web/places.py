"""So many at once, so many more in a line before them, and no more than that."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from ..errors import TemporarilyUnavailable


class Places:
    """``most`` places; whoever finds none waits in line, for ``patience`` seconds at most.

    The line has room for ``waiting``, and as many again may have lent their places for a while.
    """

    __slots__ = ("_free", "_lent", "_line", "_most", "_patience", "_waiting")

    def __init__(self, *, most: int, waiting: int, patience: float) -> None:
        self._most = self._free = most
        self._waiting = waiting
        self._patience = patience
        self._line: deque[asyncio.Future[None]] = deque()
        self._lent = 0

    @property
    def taken(self) -> int:
        """How many places are taken."""
        return self._most - self._free

    @property
    def waiting(self) -> int:
        """How many wait: in line, or for that for which they have lent their places."""
        return len(self._line) + self._lent

    async def enter(self) -> None:
        """A place, at once or in turn.

        Raises TemporarilyUnavailable if there is none in the line either, or none comes in time.
        """
        if self._free:
            self._free -= 1
            return
        if len(self._line) >= self._waiting:
            raise TemporarilyUnavailable(reason="too many requests at once")
        try:
            async with asyncio.timeout(self._patience):
                await self.enter_again()
        except TimeoutError:
            raise TemporarilyUnavailable(reason="too many requests at once") from None

    async def enter_again(self) -> None:
        """The same, however long the line is and it takes."""
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            self._give_up(turn)
            raise

    def leave(self) -> None:
        """The place goes to whoever has waited the longest."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    @contextmanager
    def lending(self) -> Iterator[bool]:
        """Counts one that is lent; yields whether it may be."""
        if self._lent >= self._waiting:
            yield False
            return
        self._lent += 1
        try:
            yield True
        finally:
            self._lent -= 1

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        if turn in self._line:
            self._line.remove(turn)
        elif not turn.cancelled():
            self.leave()  # it came in the very moment in which nobody waited for it any more


class Place:
    """What one request has of ``places``, and may lend."""

    __slots__ = ("_is_held", "_places")

    def __init__(self, places: Places) -> None:
        self._places = places
        self._is_held = False

    async def take(self) -> None:
        """At once or in turn; raises TemporarilyUnavailable as ``Places.enter``."""
        await self._places.enter()
        self._is_held = True

    def leave(self) -> None:
        """If it is held."""
        if self._is_held:
            self._is_held = False
            self._places.leave()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Somebody else may have it meanwhile; in the end it is waited for, and taken again."""
        with self._places.lending() as may_be_lent:
            if may_be_lent:
                self.leave()
            yield
        if may_be_lent:
            await self._places.enter_again()
            self._is_held = True
