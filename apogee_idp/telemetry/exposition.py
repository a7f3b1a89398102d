"""Numbers as Prometheus reads them; the only module that imports prometheus-client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from .catalogue import BOUNDS, CATALOGUE, Metric
from .counts import Labels, Snapshot

_LIMITS = [*map(floatToGoString, BOUNDS), "+Inf"]


def exposed(snapshot: Snapshot, accept: str) -> tuple[bytes, str]:
    """The page for whoever sends this Accept header, and its media type."""
    encode, content_type = choose_encoder(accept)
    registry = CollectorRegistry()
    registry.register(_Given(snapshot))
    return encode(registry), content_type


class _Given(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Family]:
        for metric in CATALOGUE.values():
            rows = ((key[1], row) for key, row in self._snapshot.items() if key[0] == metric.name)
            yield _family(metric, rows)


def _family(metric: Metric, rows: Iterable[tuple[Labels, list[float]]]) -> Family:
    if metric.kind == "histogram":
        histogram = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
        for labels, (*intervals, total) in rows:
            buckets = list(zip(_LIMITS, accumulate(intervals), strict=True))
            histogram.add_metric(labels, buckets, total)
        return histogram
    single = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = single(metric.name, metric.meaning, labels=metric.labels)
    for labels, (value,) in rows:
        family.add_metric(labels, value)
    return family
