"""Every store tells how long it takes, in the same words."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from apogee_idp.stores.base import Collection
from apogee_idp.telemetry.observed_store import ObservedCollection
from tests.conftest import copy_store
from tests.mongodb import Databases
from tests.waiting import until
from tests.wire_proxy import WireProxy

from .conftest import Observed, StartObserved


class TestBothStores:
    @pytest.fixture(params=["sqlite", "mongodb"])
    def backend(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    async def test_operations_are_timed(self, observed: Observed) -> None:
        """By the collection and what was done there, each once."""
        secret = await observed.idp.add_client()
        before = await observed.scrape()
        assert (await observed.idp.grant("billing", secret)).status == 200
        after = await observed.scrape()
        labels = {"collection": "applications", "operation": "get"}
        name = "apogee_store_seconds_count"
        assert after.value(name, **labels) - before.value(name, **labels) == 1
        written = {"collection": "audit", "operation": "insert"}
        assert after.value(name, **written) == 1
        assert after.value("apogee_store_seconds_sum", **written) > 0


async def test_a_lost_store_is_counted_and_whoever_is_known_is_stale(
    start_observed: StartObserved,
    databases: Databases,
    proxy: WireProxy,
    prepared_database: Path,
) -> None:
    """So that an alert can tell the one from the other."""
    url = databases.new()
    await copy_store(prepared_database, url)
    observed = await start_observed(
        store=proxy.in_front_of(url), cache_seconds=0.1, handler_timeout=2.0
    )
    secret = await observed.idp.add_client()
    assert (await observed.idp.grant("billing", secret)).status == 200
    await proxy.refuse()

    async def counted() -> bool:
        assert (await observed.idp.grant("billing", secret)).status == 200
        found = await observed.scrape()
        lost = {"collection": "applications", "operation": "get"}
        stale = {"cache": "applications", "outcome": "stale"}
        return (
            found.value("apogee_store_failures_total", **lost) >= 1
            and found.value("apogee_cache_lookups_total", **stale) >= 1
        )

    await until(counted, 10)


def test_every_operation_of_a_collection_is_timed() -> None:
    """With the arguments that the protocol has."""
    operations = {
        name: inspect.signature(method)
        for name, method in vars(Collection).items()
        if inspect.iscoroutinefunction(method)
    }
    assert operations == {
        name: inspect.signature(method)
        for name, method in vars(ObservedCollection).items()
        if inspect.iscoroutinefunction(method) and not name.startswith("_")
    }
