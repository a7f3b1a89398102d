"""A store whose operations are timed, whichever store it is."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar, cast

from ..errors import StoreUnavailable, UnreadableDocument
from ..stores.base import MAXIMUM_PAGE, Collection, Page, Store, Stored
from ..stores.values import COLLECTIONS, Document
from .metrics import Metrics

Result = TypeVar("Result")

_OPERATIONS = ("insert", "get", "replace", "delete", "take", "list", "expire")


def observed(store: Store, metrics: Metrics | None) -> Store:
    """``store``, with each operation on its collections told to ``metrics``, if they are on."""
    if metrics is None:
        return store
    collections = {
        name: ObservedCollection(name, getattr(store, name), metrics) for name in COLLECTIONS
    }
    return cast(Store, _ObservedStore(store, collections))


class _ObservedStore:
    """Has its own collections; everything else is the store's."""

    def __init__(self, store: Store, collections: Mapping[str, Collection]) -> None:
        self.__dict__ |= collections
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class ObservedCollection:
    """Does what the collection does."""

    __slots__ = ("_collection", "_metrics", "_name", "_timers")

    def __init__(self, name: str, collection: Collection, metrics: Metrics) -> None:
        self._name = name
        self._collection = collection
        self._metrics = metrics
        self._timers = {each: metrics.store_timer(name, each) for each in _OPERATIONS}

    async def insert(self, key: str, document: Document, *, expires_at: int | None = None) -> str:
        inserting = self._collection.insert(key, document, expires_at=expires_at)
        return await self._timed("insert", inserting)

    async def get(self, key: str) -> Stored | None:
        return await self._timed("get", self._collection.get(key))

    async def replace(self, key: str, changes: Document, *, version: str) -> str:
        replacing = self._collection.replace(key, changes, version=version)
        return await self._timed("replace", replacing)

    async def delete(self, key: str, *, version: str | None = None) -> bool:
        return await self._timed("delete", self._collection.delete(key, version=version))

    async def take(self, key: str) -> Stored | None:
        return await self._timed("take", self._collection.take(key))

    async def list(self, *, after: str | None = None, limit: int = MAXIMUM_PAGE) -> Page:
        return await self._timed("list", self._collection.list(after=after, limit=limit))

    async def expire(self) -> int:
        return await self._timed("expire", self._collection.expire())

    async def _timed(self, operation: str, doing: Awaitable[Result]) -> Result:
        started = time.perf_counter()
        try:
            return await doing
        except UnreadableDocument:
            raise
        except StoreUnavailable:
            self._metrics.store_failed(self._name, operation)
            raise
        finally:
            self._timers[operation](time.perf_counter() - started)
