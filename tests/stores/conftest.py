"""Every store that the conformance suite is run on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TypeVar

import pytest

from apogee_idp.errors import StoreUnavailable
from apogee_idp.stores.base import Store
from apogee_idp.stores.mongo import MongoStore
from apogee_idp.stores.sqlite import SqliteStore
from tests.waiting import until

Answer = TypeVar("Answer")
NewStore = Callable[[], Store]
NOW = 1_800_000_000


@dataclass
class Clock:
    now: int = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def new_id() -> Callable[[], str]:
    numbers: Iterator[int] = count()
    return lambda: f"version-{next(numbers)}"


@pytest.fixture(params=["sqlite file", "sqlite memory", "mongodb"])
def kind(request: pytest.FixtureRequest) -> str:
    """Every kind of store there is."""
    return str(request.param)


@pytest.fixture
def new_store(
    kind: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    clock: Clock,
    new_id: Callable[[], str],
) -> NewStore:
    """Makes stores that stand on the same data, unless that is in memory."""
    if kind == "mongodb":
        url = request.getfixturevalue("databases").new()
        return lambda: MongoStore(url, now=clock, new_id=new_id)
    path = ":memory:" if kind == "sqlite memory" else str(tmp_path / "store.db")
    return lambda: SqliteStore(path, now=clock, new_id=new_id)


@asynccontextmanager
async def opened(store: Store) -> AsyncIterator[Store]:
    """The store, ready for use, and closed in the end."""
    try:
        await store.open()
        await store.upgrade()
        yield store
    finally:
        await store.close()


async def answered(question: Callable[[], Awaitable[Answer]]) -> Answer:
    """What the store says, once it is available."""

    async def ask() -> tuple[Answer] | None:
        try:
            return (await question(),)
        except StoreUnavailable:
            return None

    return (await until(ask, 30))[0]


@pytest.fixture
async def store(new_store: NewStore) -> AsyncIterator[Store]:
    async with opened(new_store()) as ready:
        yield ready
