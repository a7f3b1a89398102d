"""When requests should be sent to a process, and how often it says why not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from aiohttp.test_utils import TestClient, TestServer

from apogee_idp.readiness import Health, Readiness
from apogee_idp.web.health import create_health_application

GRACE = 60.0


@dataclass
class Clock:
    time: float = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def readiness(clock: Clock) -> Readiness:
    return Readiness(grace=GRACE, monotonic=clock)


async def test_it_begins_unready_and_says_so(readiness: Readiness) -> None:
    """A store that never came has no time of grace."""
    waiting = asyncio.create_task(readiness.wait())
    assert (readiness.is_ready, readiness.problem) == (False, "the store was not opened yet")
    readiness.lose("refused")
    assert (readiness.is_ready, readiness.problem) == (False, "refused")
    assert readiness.restore()
    await waiting
    assert (readiness.is_ready, readiness.problem) == (True, None)
    assert not readiness.restore()


async def test_a_lost_store_is_forgiven_for_a_while(readiness: Readiness, clock: Clock) -> None:
    """From the first moment it was lost, whatever is said of it later."""
    readiness.restore()
    readiness.lose("refused")
    clock.time += GRACE - 1
    readiness.lose("silent")
    assert (readiness.is_ready, readiness.problem) == (True, "silent")
    clock.time += 1
    assert not readiness.is_ready
    readiness.restore()
    readiness.lose("refused")
    assert readiness.is_ready


async def test_keys_that_work_keep_it_ready(readiness: Readiness, clock: Clock) -> None:
    """Those in the store may be damaged for as long as it takes to mend them."""
    readiness.restore()
    readiness.lose("refused")
    readiness.doubt_keys("gone")
    clock.time += 2 * GRACE
    assert (readiness.is_ready, readiness.problem) == (True, "gone")


async def test_a_problem_is_told_once_a_minute(readiness: Readiness, clock: Clock) -> None:
    """F-DB-13: however its words change; and at once if it came back."""
    assert readiness.lose("refused")
    assert not readiness.lose("refused")
    assert not readiness.lose("silent")
    assert readiness.problem == "silent"
    clock.time += 59
    assert not readiness.lose("silent")
    clock.time += 1
    assert readiness.lose("silent")
    readiness.restore()
    assert readiness.lose("silent")


async def test_a_process_that_is_to_stop_is_not_ready(readiness: Readiness) -> None:
    """Whatever becomes of its store."""
    readiness.restore()
    readiness.stop()
    assert (readiness.is_ready, readiness.problem) == (False, "stopping")
    readiness.restore()
    assert readiness.health == Health(is_ready=False, problem="stopping")


@pytest.mark.parametrize(
    ("health", "statuses"),
    [
        pytest.param(Health(True, None), {"startupz": 200, "livez": 200, "readyz": 200}, id="well"),
        pytest.param(
            Health(False, "starting", is_started=False),
            {"startupz": 503, "livez": 200, "readyz": 503},
            id="starting",
        ),
        pytest.param(
            Health(True, "no primary"),
            {"startupz": 200, "livez": 200, "readyz": 200},
            id="degraded",
        ),
        pytest.param(
            Health(True, None, silent="worker 2"),
            {"startupz": 200, "livez": 503, "readyz": 200},
            id="silent",
        ),
    ],
)
async def test_each_probe_has_its_own_question(health: Health, statuses: dict[str, int]) -> None:
    """Has it started, does it react, should requests be sent here."""
    client = TestClient(TestServer(create_health_application(lambda: health)))
    async with client:
        for probe, expected in statuses.items():
            answer = await client.get(f"/{probe}")
            assert answer.status == expected
            told = await answer.json()
            if probe == "readyz":
                assert told["problem"] == health.problem
                assert (told["status"] == "degraded") == (health.is_ready and bool(health.problem))
            if health.silent and probe == "livez":
                assert told["problem"] == "worker 2"
