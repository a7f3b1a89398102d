"""Following the changes of a store that does odd things."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from apogee_idp.crypto.sealing import KeyEncryptionKey
from apogee_idp.following import StoreFollower
from apogee_idp.readiness import Readiness
from apogee_idp.stores.base import Change
from apogee_idp.stores.directory import Directory
from apogee_idp.stores.repositories import clients_in
from apogee_idp.stores.sqlite import MEMORY, SqliteStore
from tests.keys import key_keeper
from tests.waiting import until


class BrokenStore(SqliteStore):
    """Its first stream of changes ends with an error that nobody expects."""

    streams = 0

    def changes(self) -> AsyncGenerator[Sequence[Change], None]:
        self.streams += 1
        return self._broken() if self.streams == 1 else super().changes()

    async def _broken(self) -> AsyncGenerator[Sequence[Change], None]:
        raise KeyError("a bug")
        yield ()


class UnclosableStore(SqliteStore):
    """Its streams of changes can't be closed without an error."""

    async def changes(self) -> AsyncGenerator[Sequence[Change], None]:
        try:
            async for changes in super().changes():
                yield changes
        finally:
            raise AttributeError("a bug of the driver")


@pytest.fixture
def backend() -> str:
    return "sqlite"


@asynccontextmanager
async def followed(store: SqliteStore, key: str) -> AsyncIterator[asyncio.Task[None]]:
    """A follower of ``store``, once it is ready; cancelled in the end."""
    keys = key_keeper(store, KeyEncryptionKey.parse(key), now=lambda: 0)
    clients = Directory(
        clients_in(store).get, size=1, seconds=1, stale_seconds=1, monotonic=lambda: 0.0
    )
    readiness = Readiness(grace=1, monotonic=lambda: 0.0)
    follower = StoreFollower(store, keys, {"applications": clients}, readiness)
    following = asyncio.create_task(follower.run())

    async def is_ready() -> bool:
        return readiness.is_ready

    await until(is_ready, 5)
    yield following
    following.cancel()
    await asyncio.wait({following}, timeout=5)
    await store.close()


async def test_an_unexpected_error_is_told_and_followed_by_another_try(
    key_encryption_key: str, log_output: Any
) -> None:
    """A bug must not leave the caches without word of changes for ever."""
    store = BrokenStore(MEMORY, now=lambda: 0, new_id=lambda: "v")
    async with followed(store, key_encryption_key):
        pass
    assert "following_failed" in log_output.getvalue()
    assert "an unexpected KeyError" in log_output.getvalue()


async def test_a_follower_that_is_cancelled_ends_whatever_closing_its_stream_raises(
    key_encryption_key: str,
) -> None:
    """PyMongo's change stream may fail so if a thread still uses it; the server must stop."""
    store = UnclosableStore(MEMORY, now=lambda: 0, new_id=lambda: "v")
    async with followed(store, key_encryption_key) as following:
        pass
    assert following.cancelled()
