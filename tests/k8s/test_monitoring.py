"""What watches the server: expressions that Prometheus reads, of metrics and labels there are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import aiohttp
import promql_parser

from apogee_idp.telemetry.catalogue import CATALOGUE, Metric
from tests.conftest import StartIdp
from tests.process import free_port

from .rendering import rendered

SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def alerts() -> list[dict[str, Any]]:
    (group,) = rendered("overlays/production").one("PrometheusRule")["spec"]["groups"]
    return list(group["rules"])


def dashboard() -> dict[str, Any]:
    data = rendered("overlays/production").one("ConfigMap", "apogee-idp-dashboard")["data"]
    return dict(json.loads(data["dashboard.json"]))


def expressions() -> Iterator[str]:
    yield from (alert["expr"] for alert in alerts())
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            yield target["expr"].replace("$__rate_interval", "5m")  # Grafana's, as it fills it in


def nodes(node: Any) -> Iterator[Any]:
    """Every part of an expression."""
    yield node
    parts = (getattr(node, name, None) for name in ("lhs", "rhs", "expr", "vector_selector"))
    for part in (*parts, *(getattr(node, "args", None) or ())):
        if part is not None:
            yield from nodes(part)


def exposed_names() -> dict[str, Metric]:
    """Each name that a scrape could have."""
    return {
        f"{metric.name}{suffix}": metric
        for metric in CATALOGUE.values()
        for suffix in SUFFIXES[metric.kind]
    }


def test_every_expression_is_of_metrics_there_are() -> None:
    """With labels that they have, in conditions and in groups."""
    known = exposed_names()
    used = set()
    for text in expressions():
        parsed = list(nodes(promql_parser.parse(text)))
        selectors = [n for n in parsed if isinstance(n, promql_parser.VectorSelector)]
        assert selectors, text
        labels = {"le"}
        for selector in selectors:
            assert selector.name in known, text
            metric = known[selector.name]
            used.add(metric.name)
            labels |= set(metric.labels)
            assert {matcher.name for matcher in selector.matchers.matchers} <= labels, text
        for node in parsed:
            modifier = getattr(node, "modifier", None)
            if isinstance(node, promql_parser.AggregateExpr) and modifier is not None:
                assert set(modifier.labels) <= labels, text
    assert used == set(CATALOGUE), "each metric is shown, or watched"


def test_each_alert_says_what_to_do() -> None:
    """Its name once, how bad it is, and where to look."""
    rules = alerts()
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["for"]


def test_the_dashboard_is_one() -> None:
    """Panels that don't overlap, each with a title, a unit and the chosen source of data."""
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels})
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["fieldConfig"]["defaults"]["unit"]
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


async def test_the_monitor_scrapes_a_route(start_idp: StartIdp) -> None:
    """Where the server tells its metrics."""
    (endpoint,) = rendered("overlays/production").one("ServiceMonitor")["spec"]["endpoints"]
    port = free_port()
    await start_idp(health_port=port)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{endpoint['path']}") as answer,
    ):
        assert answer.status == 200
        assert "apogee_requests_in_flight" in await answer.text()
