"""What has to be done from time to time: keys that are due, documents that have expired."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence

from .errors import StoreUnavailable
from .key_keeping import KeyKeeper
from .logs import log_fault
from .stores.base import Collection

TICK_SECONDS = 2.0
_EXPIRE_SECONDS = 60.0
_REMIND_SECONDS = 60.0


class Housekeeper:
    """Maintains the ring of keys and cleans away what has expired, in every process.

    ``monotonic`` gives seconds.
    """

    def __init__(
        self,
        keys: KeyKeeper,
        expiring: Sequence[Collection],
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._keys = keys
        self._expiring = expiring
        self._monotonic = monotonic
        self._expired_at = -math.inf
        self._complained_at = -math.inf

    async def run(self) -> None:
        """Until it is cancelled; what fails is tried again."""
        while True:
            await self.tidy()
            await asyncio.sleep(TICK_SECONDS)

    async def tidy(self) -> None:
        """Does what is due now; what fails keeps nothing else from being done."""
        for work in (self._keys.maintain, self._expire):
            try:
                await work()
            except StoreUnavailable:
                return  # the follower of the store reports it
            except Exception as error:
                self._complain(error)

    async def _expire(self) -> None:
        if not self._keys.has_loaded or self._monotonic() < self._expired_at + _EXPIRE_SECONDS:
            return
        for collection in self._expiring:
            await collection.expire()
        self._expired_at = self._monotonic()

    def _complain(self, error: Exception) -> None:
        if self._monotonic() >= self._complained_at + _REMIND_SECONDS:
            self._complained_at = self._monotonic()
            log_fault("housekeeping_failed", error)
