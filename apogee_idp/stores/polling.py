"""Finding out what changed where a store doesn't tell: by comparing versions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

from .base import ANYTHING, Change

Versions = Mapping[Change, str]
"""The version of every document there is."""


async def poll_versions(
    read: Callable[[], Awaitable[Versions | None]], *, every: float
) -> AsyncGenerator[Sequence[Change], None]:
    """The stream that ``Store.changes`` promises, by a reading ``every`` so many seconds.

    ``read`` may answer None for "the same as last time", but not the first time.
    """
    known = await read() or {}
    yield ANYTHING
    while True:
        await asyncio.sleep(every)
        found = await read()
        if found is None:
            yield ()
            continue
        yield [key for key in {*known, *found} if known.get(key) != found.get(key)]
        known = found
