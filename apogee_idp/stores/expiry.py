"""Cleaning away what has expired: a few documents at a time, so that nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

EXPIRED_AT_ONCE = 500
_PAUSE_SECONDS = 0.02


async def remove_in_batches(remove: Callable[[int], Awaitable[int]]) -> int:
    """Awaits ``remove``, given how many to remove at most, until it finds fewer; returns the sum.

    Between two batches others write, and another process has the time to see that it may.
    """
    removed = 0
    while True:
        batch = await remove(EXPIRED_AT_ONCE)
        removed += batch
        if batch < EXPIRED_AT_ONCE:
            return removed
        await asyncio.sleep(_PAUSE_SECONDS)
