"""Generated requests to every endpoint: valid ones, mutated; none is ever a fault of ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import closing

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from .exchange import Exchange
from .mutations import Sent, mutated
from .target import Target
from .traffic import ENDPOINTS, gathered, traffic

REQUESTS = 5_000
"""In `make test`, over all endpoints."""

TORTURE_SECONDS = 1_800
AT_ONCE = REQUESTS // len(ENDPOINTS) + 1
GROWTH = 20 * 2**20
"""Bytes of memory that may be gone at most, once everything has been seen."""


def explored(target: Target, endpoint: str, exchange: Exchange, *, seed: int, count: int) -> None:
    """Sends so many requests, chosen under the seed, to the endpoint."""
    facts = asyncio.run(gathered(target))
    requests = st.sampled_from(traffic(facts)[endpoint])
    values = st.sampled_from(facts.secrets)

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(mutated(requests, values))
    def ask(sent: Sent) -> None:
        exchange.ask(sent)

    ask()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_generated_requests(
    target: Target, endpoint: str, long: Callable[[int, int], int], seed: int
) -> None:
    """No 500, no traceback, no answer after more than two seconds, no memory that is lost."""
    seconds = long(0, TORTURE_SECONDS) / len(ENDPOINTS)
    until = time.monotonic() + seconds
    with closing(Exchange(target.port)) as exchange:
        explored(target, endpoint, exchange, seed=seed, count=AT_ONCE)
        before, number = target.resident_bytes, seed
        while time.monotonic() < until:
            number += 1
            explored(target, endpoint, exchange, seed=number, count=2_000)
    grown = target.resident_bytes - before
    print(
        f"seed {seed}: {exchange.count} requests to {endpoint}, {grown / 2**20:.1f} MiB",
        time.monotonic() - t0,
    )
    assert exchange.count >= AT_ONCE
    assert grown < GROWTH
