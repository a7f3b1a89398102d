"""A server whose metrics are read as Prometheus reads them, and a collector for its spans."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.canary import findings_in
from tests.conftest import StartIdp
from tests.idp import Idp
from tests.process import free_port

from .collector import Collector

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
StartObserved = Callable[..., Awaitable["Observed"]]


class Scrape:
    """One reading of ``/metrics``, in which no secret may stand."""

    def __init__(self, text: str) -> None:
        assert findings_in(text) == []
        self.families = list(text_string_to_metric_families(text))
        self.samples: Samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        """0 for what nobody has counted yet, as Prometheus' ``or vector(0)`` has it."""
        return self.samples.get((name, frozenset(labels.items())), 0.0)

    def labels(self, name: str, label: str) -> set[str]:
        """All values of a label."""
        return {dict(labels)[label] for found, labels in self.samples if found == name}


class Observed:
    """A server, and the port of its metrics."""

    def __init__(self, idp: Idp, port: int, http: aiohttp.ClientSession) -> None:
        self.idp = idp
        self._url = f"http://127.0.0.1:{port}/metrics"
        self._http = http

    async def scrape(self) -> Scrape:
        async with self._http.get(self._url) as answer:
            assert answer.status == 200
            assert answer.headers["Cache-Control"] == "no-store"
            return Scrape(await answer.text())


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def start_observed(start_idp: StartIdp, http: aiohttp.ClientSession) -> StartObserved:
    async def start(**settings: Any) -> Observed:
        port = free_port()
        return Observed(await start_idp(health_port=port, **settings), port, http)

    return start


@pytest.fixture
async def observed(start_observed: StartObserved) -> Observed:
    return await start_observed()


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Collector]:
    """Takes the spans of whatever is started from now on, soon after they end.

    No secret may stand in them.
    """
    async with Collector() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
        yield running
        assert findings_in(running.text) == []
