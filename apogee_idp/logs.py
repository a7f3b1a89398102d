"""Logs: one event a request; never a secret, a token or a local variable."""

from __future__ import annotations

import asyncio
import logging
import math
import queue
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TextIO

import structlog
from structlog.types import EventDict, Processor

from .settings import Settings

_IDS = ("request_id", "trace_id")
_MAXIMUM_WAITING = 10_000
_CLOSE_SECONDS = 1.0
_REQUEST: ContextVar[dict[str, Any] | None] = ContextVar("request", default=None)
_SECRETS = re.compile(
    r"apogee_[0-9A-Za-z]{1,32}_[0-9A-Za-z]{20,}(_[0-9A-Za-z]*)*"  # our secrets, codes and tokens
    r"|eyJ[\w-]{5,}(\.[\w-]*){1,4}"  # JWS and JWE
    r"|(?i:\b(basic|bearer) +[\w.~+/=-]{8,})"  # credentials in headers
    r"|(?<=://)[^/@\s]*:[^/@\s]*(?=@)"  # credentials in URLs
)
_log = structlog.stdlib.get_logger("apogee_idp")


@contextmanager
def logging_to(stream: TextIO, settings: Settings) -> Iterator[None]:
    """Sends our events and those of every library to ``stream``, from a thread of its own.

    Whoever reads the stream slowly, or not at all, loses events but does not stop the server.
    """
    outlet = Outlet(stream)
    configure_logging(settings, outlet, colors=stream.isatty())
    try:
        yield
    finally:
        outlet.close()


def configure_logging(settings: Settings, handler: logging.Handler, *, colors: bool) -> None:
    """One format for our events and those of every library, all of them to ``handler``."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        describe_exception,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    as_json = settings.log_format == "json"
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=colors)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, renderer],
    )
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("apogee_idp").setLevel(settings.log_level.upper())
    # What the driver could not do, it raises; its own lines repeat that for each attempt.
    logging.getLogger("pymongo").setLevel(logging.CRITICAL)
    logging.raiseExceptions = False


class Outlet(logging.Handler):
    """Formats where it is called, writes in a thread, and counts what had to be dropped."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(_MAXIMUM_WAITING)
        self._dropped = 0
        self._thread = threading.Thread(target=self._write, name="log-writer", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Never waits and never raises: a record that can't be formatted is dropped, too."""
        try:
            self._lines.put_nowait(self.format(record))
        except Exception:
            self._dropped += 1

    def close(self) -> None:
        """Writes what is waiting, unless the reader makes that take more than a second."""
        with suppress(queue.Full):
            self._lines.put(None, timeout=_CLOSE_SECONDS)
            self._thread.join(_CLOSE_SECONDS)
        super().close()

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (OSError, ValueError):  # the reader is gone, or the stream is closed
                self._dropped += 1
                continue
            dropped, self._dropped = self._dropped, 0
            if dropped:
                _log.warning("log_events_dropped", count=dropped)


def describe_exception(_: Any, __: str, event: EventDict) -> EventDict:
    """Replaces an exception by its type and where it passed, without messages and values.

    The message of a foreign exception may quote what it choked on.
    """
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        event["exception"] = type(error).__qualname__
        event["frames"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def redact(_: Any, __: str, event: EventDict) -> EventDict:
    """The last line of defence: what looks like a secret or a token is struck out."""
    for name, value in event.items():
        event[name] = _redacted(value)
    return event


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
    """Writes the event of the request in progress, and returns it."""
    event = (_REQUEST.get() or {}) | fields
    _log.info("request_finished", **event)
    _REQUEST.set(None)
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


def _redacted(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return _SECRETS.sub("[redacted]", value)
        case dict():
            return {str(name): _redacted(item) for name, item in value.items()}
        case list() | tuple():
            return [_redacted(item) for item in value]
        case _:
            return f"<{type(value).__name__}>"  # a repr may hold anything
