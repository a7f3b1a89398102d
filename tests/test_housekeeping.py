"""What is done from time to time, and how often."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from apogee_idp.errors import KeyringError, StoreUnavailable, UnreadableDocument
from apogee_idp.housekeeping import Housekeeper
from apogee_idp.stores.values import EXPIRING
from tests.clock import NOW, Clock
from tests.conftest import StartIdp


class Keys:
    """A keeper that may fail."""

    def __init__(self) -> None:
        self.has_loaded = True
        self.maintained = 0
        self.error: Exception | None = None

    async def maintain(self) -> None:
        self.maintained += 1
        if self.error is not None:
            raise self.error


class Expiring:
    """Counts how often it is cleaned."""

    def __init__(self) -> None:
        self.cleaned = 0

    async def expire(self) -> int:
        self.cleaned += 1
        return 0


async def damaged() -> None:
    """A job that always fails: it finds a document that it can't read."""
    raise UnreadableDocument("refusals: a document is no JSON")


async def faulty() -> None:
    """Another."""
    raise ValueError("a fault of ours")


async def lost() -> None:
    """A job to which its store does not answer."""
    raise StoreUnavailable("gone")


def housekeeper(
    keys: Keys, expiring: Expiring, clock: list[float], *before: Callable[[], Awaitable[None]]
) -> Housekeeper:
    every_minute = [*before, expiring.expire]
    return Housekeeper(keys, every_minute, monotonic=lambda: clock[0])  # type: ignore[arg-type]


async def test_keys_are_maintained_each_time_and_rows_cleaned_each_minute() -> None:
    """By every process."""
    keys, expiring, clock = Keys(), Expiring(), [0.0]
    keeper = housekeeper(keys, expiring, clock)
    for clock[0] in (0.0, 30.0, 59.0):
        await keeper.tidy()
    assert (keys.maintained, expiring.cleaned) == (3, 1)
    clock[0] = 60.0
    await keeper.tidy()
    assert expiring.cleaned == 2


async def test_nothing_is_cleaned_before_the_store_is_there() -> None:
    """Its tables may not be made yet."""
    keys, expiring = Keys(), Expiring()
    keys.has_loaded = False
    await housekeeper(keys, expiring, [0.0]).tidy()
    assert expiring.cleaned == 0


async def test_keys_that_fail_stop_no_cleaning_and_are_told_once_a_minute(log_output: Any) -> None:
    """An operator has to see it, but not thirty times."""
    keys, expiring, clock = Keys(), Expiring(), [0.0]
    keys.error = KeyringError("a.pem: is damaged")
    keeper = housekeeper(keys, expiring, clock)
    for tick in range(30):
        clock[0] = tick * 2.0
        await keeper.tidy()
    assert expiring.cleaned == 1
    assert log_output.getvalue().count("housekeeping_failed") == 1


async def test_a_lost_store_is_told_by_who_follows_it(log_output: Any) -> None:
    """Not by the housekeeper, too."""
    keys = Keys()
    keys.error = StoreUnavailable("gone")
    await housekeeper(keys, Expiring(), [0.0]).tidy()
    assert "housekeeping_failed" not in log_output.getvalue()


@pytest.mark.parametrize("job", [damaged, faulty, lost])
async def test_a_job_that_fails_stops_no_other_and_waits_for_its_minute(
    job: Callable[[], Awaitable[None]],
) -> None:
    """It is in no haste, either."""
    expiring, clock = Expiring(), [0.0]
    keeper = housekeeper(Keys(), expiring, clock, job)
    for clock[0] in (0.0, 2.0, 4.0):
        await keeper.tidy()
    assert expiring.cleaned == 1


async def test_each_job_that_fails_is_told_once_a_minute(log_output: Any) -> None:
    """Also a damaged document, of which nobody else would speak."""
    clock = [0.0]
    keeper = housekeeper(Keys(), Expiring(), clock, damaged, faulty, lost)
    for clock[0] in (0.0, 2.0, 60.0):
        await keeper.tidy()
    told = [json.loads(line) for line in log_output.getvalue().splitlines()]
    assert [line["exception"] for line in told if line["event"] == "housekeeping_failed"] == [
        "UnreadableDocument",
        "ValueError",
    ] * 2


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
async def test_all_that_expires_is_cleaned_away(start_idp: StartIdp) -> None:
    """No collection that grows with the traffic was forgotten."""
    clock = Clock()
    idp = await start_idp(clock=clock)
    store, housekeeper = idp.installation.store, idp.installation.housekeeper
    for name in EXPIRING:
        await getattr(store, name).insert("expired", {}, expires_at=NOW + 60)
        await getattr(store, name).insert("alive", {}, expires_at=NOW + 3600)
    clock.now = NOW + 60
    housekeeper._cleaned_at = float("-inf")
    await housekeeper.tidy()
    for name in EXPIRING:
        assert await getattr(store, name).expire() == 0
        assert await getattr(store, name).get("alive")
