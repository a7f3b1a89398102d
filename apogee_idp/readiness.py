"""Whether this process can answer, and if not, why."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

_REMIND_SECONDS = 60.0


class Readiness:
    """Ready once the store was opened and the keys were loaded.

    A store that is lost later leaves the process ready for ``grace`` seconds, for as long as the
    clients it knows still get tokens.
    """

    def __init__(self, *, grace: float, monotonic: Callable[[], float]) -> None:
        self._grace = grace
        self._monotonic = monotonic
        self._problem: str | None = "the store was not opened yet"
        self._lost_at: float | None = None
        self._told_at = -math.inf
        self._first = asyncio.Event()

    @property
    def problem(self) -> str | None:
        """What is wrong with the store or the keys, even where the process is ready."""
        return self._problem

    @property
    def is_ready(self) -> bool:
        """Whether requests should be sent here."""
        if self._problem is None:
            return True
        return self._lost_at is not None and self._monotonic() < self._lost_at + self._grace

    async def wait(self) -> None:
        """Until it is ready for the first time."""
        await self._first.wait()

    def restore(self) -> bool:
        """Store and keys are there; whether they weren't before."""
        changed = self._problem is not None
        self._problem = self._lost_at = None
        self._first.set()
        return changed

    def lose(self, problem: str) -> bool:
        """The store does not answer, or not as it should; whether to say so, again or anew."""
        now = self._monotonic()
        if self._problem is None:
            self._lost_at = now
        if problem == self._problem and now < self._told_at + _REMIND_SECONDS:
            return False
        self._problem, self._told_at = problem, now
        return True
