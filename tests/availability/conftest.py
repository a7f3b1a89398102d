"""What is promised of absent, lost and shared stores holds for every kind of them."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import lasting_store
from tests.process import Server, environment, free_port

PATIENCE = "10"
"""Seconds that a handler may take: the machine of the tests is busy, and a 503 would be right."""


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@contextmanager
def servers(count: int, env: Mapping[str, str], cwd: Path) -> Iterator[list[int]]:
    """The ports of ``count`` servers on one store, all of them ready; they start and stop at once.

    Each must end with 0.
    """
    ports = [free_port() for _ in range(count)]
    started = [Server(env={**env, "APOGEE_PORT": str(port)}, cwd=cwd) for port in ports]
    try:
        for server in started:
            server.wait_for("serving")
        yield ports
    except BaseException:
        for server in started:
            server.stop(signal.SIGKILL)
        raise
    for server in started:
        server.send(signal.SIGTERM)
    assert [server.wait() for server in started] == [0] * count


@pytest.fixture(scope="module", params=["sqlite", "mongodb"])
def lasting_store_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """That of a store on which the servers of a whole module stand."""
    with lasting_store(request) as url:
        yield url


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the servers of a whole module run."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def lasting_env(lasting_store_url: str, key_encryption_key: str) -> dict[str, str]:
    """Caches would last for minutes, so that only word of a change renews them."""
    return environment(
        APOGEE_ISSUER="https://idp.example",
        APOGEE_STORE=lasting_store_url,
        APOGEE_KEY_ENCRYPTION_KEY=key_encryption_key,
        APOGEE_HANDLER_TIMEOUT=PATIENCE,
        APOGEE_CACHE_SECONDS="300",
    )
