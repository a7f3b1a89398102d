"""Every metric that there is; labels take their values from what the code and the plugins name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BOUNDS = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Of all histograms, in seconds."""

OTHER = "other"
"""Whatever callers may choose and nobody has named beforehand."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A gauge of several processes is their ``sum``, or, where all see the same, the ``largest``.

    ``name`` is without the suffix ``_total`` that counters have when they are told.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()
    joined: Literal["sum", "largest"] = "sum"


REQUESTS = Metric(
    "apogee_requests",
    "counter",
    "Requests; the status is none where the caller went away.",
    ("route", "method", "status"),
)
REQUEST_SECONDS = Metric(
    "apogee_request_seconds", "histogram", "From a request's head to its answer.", ("route",)
)
REQUESTS_IN_FLIGHT = Metric(
    "apogee_requests_in_flight", "gauge", "Requests that have begun and are not answered yet."
)
REQUESTS_REFUSED = Metric(
    "apogee_requests_refused", "counter", "Refused before any endpoint saw them.", ("reason",)
)
GRANTS = Metric(
    "apogee_grants",
    "counter",
    "Requests at the token endpoint; the outcome is issued, or the error code.",
    ("grant_type", "outcome"),
)
HANDLER_SECONDS = Metric(
    "apogee_handler_seconds",
    "histogram",
    "Runs of a handler, with all that it awaits, nested events included.",
    ("event", "handler"),
)
CACHE_LOOKUPS = Metric(
    "apogee_cache_lookups",
    "counter",
    "Look-ups; a miss asks the store, stale is what is known of a lost store.",
    ("cache", "outcome"),
)
STORE_SECONDS = Metric(
    "apogee_store_seconds", "histogram", "Operations on the store.", ("collection", "operation")
)
STORE_FAILURES = Metric(
    "apogee_store_failures",
    "counter",
    "Operations that the store did not answer.",
    ("collection", "operation"),
)
KEYS = Metric("apogee_keys", "gauge", "Keys of the ring.", ("algorithm", "state"), joined="largest")
KEY_ACTIVE_SINCE = Metric(
    "apogee_key_active_since_timestamp_seconds",
    "gauge",
    "When the key that is in use took over.",
    ("algorithm",),
    joined="largest",
)
KEY_NEXT_ROTATION = Metric(
    "apogee_key_next_rotation_timestamp_seconds",
    "gauge",
    "When the next key takes over, made or planned.",
    ("algorithm",),
    joined="largest",
)

CATALOGUE = {
    metric.name: metric
    for metric in (
        REQUESTS,
        REQUEST_SECONDS,
        REQUESTS_IN_FLIGHT,
        REQUESTS_REFUSED,
        GRANTS,
        HANDLER_SECONDS,
        CACHE_LOOKUPS,
        STORE_SECONDS,
        STORE_FAILURES,
        KEYS,
        KEY_ACTIVE_SINCE,
        KEY_NEXT_ROTATION,
    )
}
