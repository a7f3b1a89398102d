"""Whether this process can answer, and if not, why."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

_REMIND_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Health:
    """What a probe is told: whether requests should be sent here, and what is wrong.

    ``silent`` names whatever does not react any more, if anything does.
    """

    is_ready: bool
    problem: str | None
    is_started: bool = True
    silent: str | None = None


class Readiness:
    """Ready once the store was opened and the keys were loaded, until the process is to stop.

    A store that is lost later leaves the process ready for ``grace`` seconds: for as long as the
    clients it knows still get tokens. ``monotonic`` gives seconds.
    """

    def __init__(self, *, grace: float, monotonic: Callable[[], float]) -> None:
        self._grace = grace
        self._monotonic = monotonic
        self._first = asyncio.Event()
        self._lost_at: float | None = None
        self._problem: str | None = "the store was not opened yet"
        self._told_at = -math.inf
        self._is_stopping = False

    @property
    def problem(self) -> str | None:
        """What is wrong, even where the process is ready all the same."""
        return "stopping" if self._is_stopping else self._problem

    @property
    def is_stopping(self) -> bool:
        """Whether the process is on its way out: no request should be sent here again."""
        return self._is_stopping

    @property
    def health(self) -> Health:
        """All of it, as it is now."""
        return Health(self.is_ready, self.problem)

    def stop(self) -> None:
        """From now on it is not ready, whatever the store says."""
        self._is_stopping = True

    @property
    def is_ready(self) -> bool:
        """Whether requests should be sent here."""
        if self._is_stopping or not self._first.is_set():
            return False
        return self._lost_at is None or self._monotonic() < self._lost_at + self._grace

    async def wait(self) -> None:
        """Until it is ready for the first time."""
        await self._first.wait()

    def restore(self, *, but: str | None = None) -> bool:
        """Notes that store and keys work, ``but`` for something; whether that is news."""
        news = self._problem != but
        self._problem, self._lost_at = but, None
        self._first.set()
        return news

    def lose(self, problem: str) -> bool:
        """Notes that the store does not answer; whether that is to be told, now or again."""
        if self._lost_at is None:
            self._lost_at = self._monotonic()
        return self._complain(problem)

    def doubt_keys(self, problem: str) -> bool:
        """Notes that only the keys that are loaded work, not those in the store; as ``lose``."""
        self._lost_at = None
        return self._complain(problem)

    def _complain(self, problem: str) -> bool:
        now = self._monotonic()
        was_well, self._problem = self._problem is None, problem
        if not was_well and now < self._told_at + _REMIND_SECONDS:
            return False
        self._told_at = now
        return True
