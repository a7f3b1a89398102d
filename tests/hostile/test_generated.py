"""Generated requests to every endpoint: valid ones, mutated; none is ever a fault of ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from .exchange import Exchange
from .mutations import Sent, mutated
from .raw import Raw, with_body
from .target import Target
from .traffic import ENDPOINTS, gathered, traffic

REQUESTS = 5_000
"""In `make test`, over all endpoints."""

TORTURE_SECONDS = 1_800
TORTURE_REQUESTS = 2_000
"""Behind so many, tokens and handles are made anew."""

WARMING = 100
GROWTH = 20 * 2**20
"""Bytes of memory that may be gone at most, once what is made once has been made."""


def explore(target: Target, endpoint: str, exchange: Exchange, *, seed: int, count: int) -> None:
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


@pytest.fixture(scope="module", autouse=True)
def _threads_that_hash(target: Target) -> None:
    """Each of them keeps the 19 MiB that argon2id works in, once it has hashed."""

    def fail(number: int) -> None:
        form = f"grant_type=client_credentials&client_id=nobody-{number}&client_secret=x"
        with Raw(target.port) as raw:
            raw.send(with_body(form.encode()))
            raw.answer()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fail, range(16)))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_generated_requests(
    target: Target, endpoint: str, long: Callable[[int, int], int], seed: int
) -> None:
    """No 500, no traceback, no answer after more than two seconds, no memory that is lost."""
    until = time.monotonic() + long(0, TORTURE_SECONDS) / len(ENDPOINTS)
    with closing(Exchange(target)) as exchange:
        explore(target, endpoint, exchange, seed=seed, count=WARMING)
        before, number = target.resident_bytes, seed + 1
        explore(target, endpoint, exchange, seed=number, count=REQUESTS // len(ENDPOINTS))
        while time.monotonic() < until:
            number += 1
            explore(target, endpoint, exchange, seed=number, count=TORTURE_REQUESTS)
    grown = target.resident_bytes - before
    count, told = exchange.statuses.total(), dict(sorted(exchange.statuses.items()))
    print(f"seed {seed}: {endpoint}: {count} requests, {told}, {grown // 2**10} KiB more")
    assert count >= REQUESTS // len(ENDPOINTS)
    assert grown < GROWTH
