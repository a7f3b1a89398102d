"""Finding out what changed where a store doesn't tell: by comparing versions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

from .base import ANYTHING, Change

Versions = Mapping[Change, str]
"""The version of every document there is."""

_POLL_SECONDS = 0.5


async def poll_versions(
    read: Callable[[], Awaitable[Versions]],
) -> AsyncGenerator[Sequence[Change], None]:
    """The stream that ``Store.changes`` promises, by a reading twice a second."""
    known = await read()
    yield (ANYTHING,)
    while True:
        await asyncio.sleep(_POLL_SECONDS)
        found = await read()
        written = {*known, *found}
        yield [change for change in written if known.get(change) != found.get(change)]
        known = found
