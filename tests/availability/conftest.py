"""What is promised of absent, lost and shared stores holds for every kind of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def until(question: Callable[[], Awaitable[object]], seconds: float) -> None:
    """Asks until the answer is true; fails if that takes longer."""
    deadline = time.monotonic() + seconds
    while not (answer := await question()):
        assert time.monotonic() < deadline, answer
        await asyncio.sleep(0.02)
