"""What is promised of absent, lost and shared stores holds for every kind of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.process import free_port, serving


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@contextmanager
def servers(count: int, env: Mapping[str, str], cwd: Path) -> Iterator[list[int]]:
    """The ports of ``count`` servers on one store, all of them ready."""
    with ExitStack() as stack:
        ports = [free_port() for _ in range(count)]
        for port in ports:
            server = serving(env={**env, "APOGEE_PORT": str(port)}, cwd=cwd)
            stack.enter_context(server).wait_for("serving")
        yield ports


async def until(question: Callable[[], Awaitable[object]], seconds: float) -> None:
    """Asks until the answer is true; fails if that takes longer."""
    deadline = time.monotonic() + seconds
    while not (answer := await question()):
        assert time.monotonic() < deadline, answer
        await asyncio.sleep(0.02)
