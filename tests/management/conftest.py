"""Empty stores of both kinds, for what is done without a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from apogee_idp.app import opened_store
from apogee_idp.settings import Settings
from apogee_idp.stores.base import Store

NOW = 1_800_000_000


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if backend == "mongodb":
        return str(request.getfixturevalue("databases").new())
    return f"sqlite:///{tmp_path / 'apogee.db'}"


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    async with opened_store(Settings(store=store_url)) as store:
        yield store
