"""What has to be done from time to time: keys that are due, documents that have expired, audit."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence

from .errors import StoreUnavailable
from .key_keeping import KeyKeeper
from .logs import log_fault

TICK_SECONDS = 2.0
_MINUTE = 60.0
_REMIND_SECONDS = 60.0


class Housekeeper:
    """Maintains the ring of keys, and does ``every_minute`` what else there is, in every process.

    Nothing of that is done before the keys are there. ``monotonic`` gives seconds.
    """

    def __init__(
        self,
        keys: KeyKeeper,
        every_minute: Sequence[Callable[[], Awaitable[object]]],
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._keys = keys
        self._every_minute = every_minute
        self._monotonic = monotonic
        self._cleaned_at = -math.inf
        self._complained_at = -math.inf

    async def run(self) -> None:
        """Until it is cancelled; what fails is tried again."""
        while True:
            await self.tidy()
            await asyncio.sleep(TICK_SECONDS)

    async def tidy(self) -> None:
        """Does what is due now; what fails keeps nothing else from being done."""
        for work in (self._keys.maintain, self._clean):
            try:
                await work()
            except StoreUnavailable:
                return  # the follower of the store reports it
            except Exception as error:
                self._complain(error)

    async def _clean(self) -> None:
        if not self._keys.has_loaded or self._monotonic() < self._cleaned_at + _MINUTE:
            return
        for work in self._every_minute:
            await work()
        self._cleaned_at = self._monotonic()

    def _complain(self, error: Exception) -> None:
        if self._monotonic() >= self._complained_at + _REMIND_SECONDS:
            self._complained_at = self._monotonic()
            log_fault("housekeeping_failed", error)
