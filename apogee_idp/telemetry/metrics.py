"""What is counted, and who tells of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

from .. import errors
from .catalogue import (
    CACHE_LOOKUPS,
    GRANTS,
    HANDLER_SECONDS,
    KEY_ACTIVE_SINCE,
    KEY_NEXT_ROTATION,
    KEYS,
    OTHER,
    REQUEST_SECONDS,
    REQUESTS,
    REQUESTS_IN_FLIGHT,
    REQUESTS_REFUSED,
    STORE_FAILURES,
    STORE_SECONDS,
)
from .counts import Counts, Snapshot, joined
from .key_gauges import KeyGauges
from .slots import Slot, read_slots

Refusal = Literal["malformed_http", "overload"]
Expose = Callable[[str], Awaitable[tuple[bytes, str]]]
"""The page for whoever sends this Accept header, and its media type."""

_PUBLISH_SECONDS = 1.0
_ERROR_CODES = {
    kind.code
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.OAuthError)
}


class Metrics:
    """The metrics of this process; with a ``directory``, of all that share it.

    ``token_route`` is where grants are asked for.
    """

    def __init__(self, token_route: str, *, directory: Path | None = None) -> None:
        self._token_route = token_route
        self._slot = None if directory is None else Slot(directory)
        self._counts = Counts()

    def request_finished(self, event: Mapping[str, Any]) -> None:
        """Counts a request by what its event in the log says."""
        route, method, status = event["route"], event["method"], event["status"]
        self._counts.count(REQUESTS, route, method, f"{status // 100}xx" if status else "none")
        self._counts.time(REQUEST_SECONDS, event["duration_ms"] / 1000, route)
        if route == self._token_route and method == "POST":
            self._counts.count(GRANTS, event.get("grant_type", OTHER), _outcome_of(event))

    def request_refused(self, reason: Refusal) -> None:
        """Counts what never came to an endpoint."""
        self._counts.count(REQUESTS_REFUSED, reason)

    def handler_timer(self, event: str, handler: str) -> Callable[[float], None]:
        """Takes the seconds of each run of a handler."""
        return self._counts.timer(HANDLER_SECONDS, event, handler)

    def store_timer(self, collection: str, operation: str) -> Callable[[float], None]:
        """Takes the seconds of each such operation."""
        return self._counts.timer(STORE_SECONDS, collection, operation)

    def store_failed(self, collection: str, operation: str) -> None:
        """Counts an operation that the store did not answer."""
        self._counts.count(STORE_FAILURES, collection, operation)

    def watch_in_flight(self, count: Callable[[], int]) -> None:
        """Asks for the number of requests in progress."""
        self._counts.sample(REQUESTS_IN_FLIGHT, lambda: {(): float(count())})

    def watch_cache(self, cache: str, lookups: Mapping[str, int]) -> None:
        """Follows what a cache counts, by outcome."""
        self._counts.sample(
            CACHE_LOOKUPS, lambda: {(cache, outcome): float(n) for outcome, n in lookups.items()}
        )

    def watch_keys(self, gauges: KeyGauges) -> None:
        """Asks how the keys are."""
        self._counts.sample(KEYS, gauges.keys)
        self._counts.sample(KEY_ACTIVE_SINCE, gauges.active_since)
        self._counts.sample(KEY_NEXT_ROTATION, gauges.next_rotation)

    async def exposed(self, accept: str) -> tuple[bytes, str]:
        """The page for whoever sends this Accept header, and its media type."""
        return await asyncio.to_thread(_exposed, self._all(self._counts.snapshot()), accept)

    async def run(self) -> None:
        """Shows the other processes what this one counts, until it is cancelled.

        A disk that is full costs them these numbers, and nothing else.
        """
        while True:
            if self._slot is not None:
                with suppress(OSError):
                    await asyncio.to_thread(self._slot.write, self._counts.snapshot())
            await asyncio.sleep(_PUBLISH_SECONDS)

    def _all(self, snapshot: Snapshot) -> Iterator[Snapshot]:
        if self._slot is None:
            yield snapshot
        else:
            yield self._slot.counted(snapshot)
            yield from self._slot.others()

    def close(self) -> None:
        """Leaves to the others what was counted."""
        if self._slot is not None:
            with suppress(OSError):
                self._slot.write(self._counts.snapshot())
            self._slot.close()


async def exposed_slots(directory: Path, accept: str) -> tuple[bytes, str]:
    """The page of all processes with this directory, for one that is none of them."""
    return await asyncio.to_thread(_exposed, read_slots(directory), accept)


def _outcome_of(event: Mapping[str, Any]) -> str:
    if "error" in event:
        return event["error"] if event["error"] in _ERROR_CODES else OTHER
    return "issued" if event["status"] == HTTPStatus.OK else OTHER


def _exposed(snapshots: Iterable[Snapshot], accept: str) -> tuple[bytes, str]:
    # Not before somebody asks: where metrics are off, prometheus-client is not loaded.
    from .exposition import exposed  # noqa: PLC0415

    return exposed(joined(snapshots), accept)
