"""What keeps this process in step with its store, from before it is there until the end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from .errors import KeyringError, StoreUnavailable, UnreadableDocument
from .key_keeping import KeyKeeper
from .logs import log_fault, log_store_available, log_store_unavailable
from .readiness import Readiness
from .stores.base import ANYTHING, Change, Store
from .stores.directory import Directory
from .waiting import is_cancelled

_RETRY_SECONDS = 0.5


class StoreFollower:
    """Opens the store, loads the keys, and passes on what any process changes.

    ``directories`` are the caches to keep in step, by the name of their collection.
    """

    def __init__(
        self,
        store: Store,
        keys: KeyKeeper,
        directories: Mapping[str, Directory[Any]],
        readiness: Readiness,
    ) -> None:
        self._store = store
        self._keys = keys
        self._directories = directories
        self._readiness = readiness
        self._keys_problem: str | None = None
        self._schema_problem: str | None = None

    async def run(self) -> None:
        """Until it is cancelled; a store that is not there is tried again and again.

        Raises KeyringError if the keys of the store can't be opened at the start.
        """
        while True:
            try:
                await self._follow()
            except KeyringError:
                raise
            except Exception as error:
                if is_cancelled():
                    # A stream that fails to close has put its error in the cancellation's place.
                    raise asyncio.CancelledError from error
                self._lose(_problem_of(error))
            await asyncio.sleep(_RETRY_SECONDS)

    async def mend_schema(self) -> None:
        """Tries again what stood in the way of a step; raises StoreUnavailable."""
        if self._schema_problem is not None:
            await self._upgrade()

    async def _upgrade(self) -> None:
        self._schema_problem = "; ".join(await self._store.upgrade()) or None

    async def _follow(self) -> None:
        await self._store.open()
        await self._upgrade()
        async with aclosing(self._store.changes()) as stream:
            async for changes in stream:
                await self._apply(changes)

    async def _apply(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change == ANYTHING:
                self._begin_anew()
            elif change.collection in self._directories:
                self._directories[change.collection].forget(change.key)
        if any(change == ANYTHING or change.collection == "keys" for change in changes):
            self._keys_problem = await self._load_keys()
        problem = self._keys_problem or self._keys.problem
        if problem is None:
            if self._readiness.restore(but=self._schema_problem):
                log_store_available(self._schema_problem)
        elif self._readiness.doubt_keys(problem):
            log_store_unavailable(problem)

    def _begin_anew(self) -> None:
        for directory in self._directories.values():
            directory.doubt()
            directory.trust_store()

    async def _load_keys(self) -> str | None:
        """What is wrong with a changed key set; the keys that were loaded before go on working."""
        try:
            await self._keys.load()
        except (KeyringError, UnreadableDocument) as error:
            if not self._keys.has_loaded:
                raise
            return str(error)
        return None

    def _lose(self, problem: str) -> None:
        for directory in self._directories.values():
            directory.doubt()
        if self._readiness.lose(problem):
            log_store_unavailable(problem)


def _problem_of(error: Exception) -> str:
    if isinstance(error, StoreUnavailable):
        return str(error)
    log_fault("following_failed", error)
    return f"an unexpected {type(error).__name__}"
