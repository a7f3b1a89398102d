"""Every store that the conformance suite is run on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from apogee_idp.stores.base import Store
from apogee_idp.stores.sqlite import SqliteStore

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


@pytest.fixture(params=["sqlite file", "sqlite memory"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Clock, new_id: Callable[[], str]
) -> AsyncIterator[Store]:
    path = str(tmp_path / "store.db") if request.param == "sqlite file" else ":memory:"
    opened = SqliteStore(path, now=clock, new_id=new_id)
    await opened.open()
    yield opened
    await opened.close()
