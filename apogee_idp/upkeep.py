"""What a server does beside answering: it follows its store, and looks after it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from .errors import KeyringError
from .following import StoreFollower
from .foundation import Foundation
from .housekeeping import Housekeeper
from .key_keeping import KeyKeeper
from .management.audit import Audit
from .readiness import Readiness
from .services import Services
from .stores.directory import Directory
from .stores.values import EXPIRING


@asynccontextmanager
async def kept_in_step(
    foundation: Foundation, keeper: KeyKeeper, services: Services, audit: Audit
) -> AsyncIterator[tuple[Readiness, Housekeeper, asyncio.Task[None]]]:
    """Follows the store and looks after it meanwhile."""
    store, grace = foundation.store, foundation.settings.cache_stale_seconds
    readiness = Readiness(grace=grace, monotonic=time.monotonic)
    follower = StoreFollower(store, keeper, directories_of(services), readiness)
    every_minute = (
        *(getattr(store, name).expire for name in EXPIRING),
        follower.mend_schema,
        foundation.usage.flush,
        foundation.refusals.flush,
        lambda: audit.settle(store),
    )
    housekeeper = Housekeeper(keeper, every_minute, monotonic=time.monotonic)
    async with _running(housekeeper), _running(follower) as following:
        yield readiness, housekeeper, following


def directories_of(services: Services) -> dict[str, Directory[Any]]:
    """The caches, by the collection that they stand before."""
    return {
        "applications": services.clients,
        "scopes": services.scopes,
        "resources": services.resources,
    }


@asynccontextmanager
async def _running(worker: StoreFollower | Housekeeper) -> AsyncIterator[asyncio.Task[None]]:
    running = asyncio.create_task(worker.run())
    try:
        yield running
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError, KeyringError):
            await running
