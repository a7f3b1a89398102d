"""What has to be done from time to time: keys that are due, documents that have expired, audit."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from .errors import StoreUnavailable, UnreadableDocument
from .key_keeping import KeyKeeper
from .logs import log_fault

TICK_SECONDS = 2.0
_MINUTE = 60.0
_REMIND_SECONDS = 60.0

_Work = Callable[[], Awaitable[object]]


class Housekeeper:
    """Maintains the ring of keys, and does ``every_minute`` what else there is, in every process.

    Nothing of that is done before the keys are there. ``monotonic`` gives seconds.
    """

    def __init__(
        self,
        keys: KeyKeeper,
        every_minute: Sequence[_Work],
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._keys = keys
        self._every_minute = every_minute
        self._monotonic = monotonic
        self._cleaned_at = -math.inf
        self._complained_at: dict[_Work, float] = {}

    async def run(self) -> None:
        """Until it is cancelled; what fails is tried again."""
        while True:
            await self.tidy()
            await asyncio.sleep(TICK_SECONDS)

    async def tidy(self) -> None:
        """Does what is due now; what fails keeps nothing else from being done."""
        try:
            await self._attempt(self._keys.maintain)
        except StoreUnavailable:
            return
        await self._clean()

    async def _clean(self) -> None:
        if not self._keys.has_loaded or self._monotonic() < self._cleaned_at + _MINUTE:
            return
        for work in self._every_minute:
            with suppress(StoreUnavailable):
                await self._attempt(work)
        self._cleaned_at = self._monotonic()

    async def _attempt(self, work: _Work) -> None:
        """Raises StoreUnavailable, which the follower of the store reports; the rest is told."""
        try:
            await work()
        except UnreadableDocument as error:
            self._complain(work, error)
        except StoreUnavailable:
            raise
        except Exception as error:
            self._complain(work, error)

    def _complain(self, work: _Work, error: Exception) -> None:
        now = self._monotonic()
        if now >= self._complained_at.get(work, -math.inf) + _REMIND_SECONDS:
            self._complained_at[work] = now
            log_fault("housekeeping_failed", error)
