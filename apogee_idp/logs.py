"""Logs: one event a request; never a secret, a token or a local variable."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO

import structlog
from structlog.types import EventDict

from .log_format import IS_EVENT, EventFormatter, RequestRecord, describe_exception
from .settings import Settings

_IDS = ("request_id", "trace_id")
_MAXIMUM_WAITING = 10_000
_CLOSE_SECONDS = 1.0
_GATHER_SECONDS = 0.01
_REQUEST: ContextVar[dict[str, Any] | None] = ContextVar("request", default=None)
_logger = logging.getLogger("apogee_idp")
_log = structlog.stdlib.get_logger("apogee_idp")


@contextmanager
def logging_to(stream: TextIO, settings: Settings, **always: object) -> Iterator[None]:
    """Sends our events and those of every library to ``stream``, from a thread of its own.

    ``always`` is said in each of them. Whoever reads the stream slowly, or not at all, loses events
    but does not stop the server.
    """
    outlet = Outlet(stream)
    configure_logging(settings, outlet, colors=stream.isatty(), **always)
    try:
        yield
    finally:
        outlet.close()


def configure_logging(
    settings: Settings, handler: logging.Handler, *, colors: bool, **always: object
) -> None:
    """One format for our events and those of every library, all of them to ``handler``."""
    structlog.configure(
        processors=[describe_exception, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    console = structlog.dev.ConsoleRenderer(colors=colors)
    handler.setFormatter(EventFormatter(None if settings.log_format == "json" else console, always))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("apogee_idp").setLevel(settings.log_level.upper())
    # What the driver could not do, it raises; its own lines repeat that for each attempt.
    logging.getLogger("pymongo").setLevel(logging.CRITICAL)
    logging.raiseExceptions = False


class Outlet(logging.Handler):
    """Formats and writes in a thread, and counts what had to be dropped.

    The thread lets events gather for some milliseconds: waking it for each costs more than they do.
    The records of other libraries are formatted at once, as what they speak of may change.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._waiting: deque[logging.LogRecord | str] = deque()
        self._dropped = 0
        self._has_work, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._write, name="log-writer", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Never waits and never raises: a record that can't be formatted is dropped, too."""
        if len(self._waiting) >= _MAXIMUM_WAITING:
            self._dropped += 1
            return
        try:
            self._waiting.append(record if hasattr(record, IS_EVENT) else self.format(record))
        except Exception:
            self._dropped += 1
        if not self._has_work.is_set():
            self._has_work.set()

    def close(self) -> None:
        """Writes what is waiting, unless the reader makes that take more than a second."""
        self._closing.set()
        self._has_work.set()
        self._thread.join(_CLOSE_SECONDS)
        super().close()

    def _write(self) -> None:
        while self._waiting or not self._closing.is_set():
            self._has_work.wait()
            self._closing.wait(_GATHER_SECONDS)
            self._has_work.clear()
            lines = [self._next_line() for _ in range(len(self._waiting))]
            self._write_lines([line for line in lines if line is not None])

    def _next_line(self) -> str | None:
        waiting = self._waiting.popleft()
        try:
            return waiting if isinstance(waiting, str) else self.format(waiting)
        except Exception:
            self._dropped += 1
            return None

    def _write_lines(self, lines: Sequence[str]) -> None:
        if not lines:
            return
        try:
            self._stream.writelines(f"{line}\n" for line in lines)
            self._stream.flush()
        except (OSError, ValueError):  # the reader is gone, or the stream is closed
            self._dropped += len(lines)
            return
        dropped, self._dropped = self._dropped, 0
        if dropped:
            _log.warning("log_events_dropped", count=dropped)


def start_request(request_id: str) -> None:
    """Begins to collect what the one event of this request will say."""
    _REQUEST.set({"request_id": request_id})


def annotate_request(**fields: object) -> None:
    """Adds to the event of the request in progress."""
    event = _REQUEST.get()
    if event is not None:
        event.update(fields)


def log_timer(event: str, handler: str) -> Callable[[float], None]:
    """Adds a handler's timing to the event of the request in progress."""
    name = f"{event}.{handler}"

    def note(seconds: float) -> None:
        request = _REQUEST.get()
        if request is not None:
            request.setdefault("handlers_ms", {})[name] = round(seconds * 1000, 3)

    return note


def finish_request(**fields: object) -> Mapping[str, Any]:
    """Writes the event of the request in progress, and returns what it says."""
    event = (_REQUEST.get() or {}) | fields
    _REQUEST.set(None)
    if _logger.isEnabledFor(logging.INFO):
        _logger.handle(RequestRecord(_logger, {"event": "request_finished", **event}))
    return event


def log_fault(name: str, error: BaseException) -> None:
    """An error that is ours to mend: its type and place, and the handler if one is to blame."""
    event: EventDict = {
        **_ids_of_the_request(),
        "handler": getattr(error, "handler", None),
        "problem": getattr(error, "problem", None),
        "exc_info": error.__cause__ or error,
    }
    _log.error(name, **describe_exception(None, name, event))


def _ids_of_the_request() -> EventDict:
    request = _REQUEST.get() or {}
    return {"request_id": None} | {name: request[name] for name in _IDS if name in request}


def log_command_fault(error: BaseException) -> None:
    """A plugin failed when it was told of a change, which stands."""
    log_fault("command_handler_failed", error)


def log_lifecycle(name: str, **fields: object) -> None:
    """The server started, or stopped."""
    _log.info(name, **fields)


def log_configured_client(client_id: str, outcome: str, problem: str) -> None:
    """What became of a client that stands, or no longer stands, in a file."""
    if outcome in ("refuse", "remove"):
        _log.warning(
            "client_not_configured",
            client_id=client_id,
            problem=problem or "no longer in client_files: apogee-idp apply --prune deletes it",
        )
    elif outcome != "keep":
        _log.info("client_configured", client_id=client_id, outcome=outcome)


def log_logout_not_heard(client_id: str, problem: str) -> None:
    """A client could not be told that a session has ended."""
    _log.warning("backchannel_logout_failed", client_id=client_id, problem=problem)


def log_store_unavailable(problem: str) -> None:
    """The store does not answer, or its keys can't be opened."""
    _log.warning("store_unavailable", problem=problem)


def log_refused(count: int) -> None:
    """So many requests more than the server takes at once have been refused."""
    _log.warning("requests_refused", count=count)


def log_worker_ended(number: int, exit_code: int, seconds: float) -> None:
    """A process that serves has ended, and another takes its place after so many seconds."""
    _log.error("worker_ended", worker=number, exit_code=exit_code, restart_in=seconds)


def log_worker_silent(number: int, seconds: float) -> None:
    """A process that serves has not moved for so many seconds, and is killed."""
    _log.error("worker_silent", worker=number, seconds=seconds)


def log_store_available(problem: str | None) -> None:
    """The store answers, though something may have to be mended."""
    if problem is None:
        _log.info("store_available")
    else:
        _log.warning("store_available", problem=problem)


def log_malformed_http(problem: str) -> None:
    """Bytes that never became a request."""
    _log.info("malformed_http", problem=problem)


class LoopErrors:
    """An event loop's exception handler; asyncio's own prints the repr of whatever failed.

    At most one event a second, with the number of those that were left out.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._last = -math.inf
        self._left_out = 0

    def __call__(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        now = self._monotonic()
        if now - self._last < 1:
            self._left_out += 1
            return
        event: EventDict = {"exc_info": context.get("exception"), "left_out": self._left_out}
        self._last, self._left_out = now, 0
        _log.error("event_loop_error", **describe_exception(None, "", event))
