"""How log lines look, and what never stands in them."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

import structlog
from structlog.types import EventDict

_USUAL_LENGTH = 64

IS_EVENT = "_logger"
"""What structlog adds to a record whose message is an event."""

_SECRETS = re.compile(
    r"apogee_[0-9A-Za-z]{1,32}_[0-9A-Za-z]{20,}(_[0-9A-Za-z]*)*"  # our secrets, codes and tokens
    r"|eyJ[\w-]{5,}(\.[\w-]*){0,4}"  # JWS and JWE, whole or not
    r"|(?i:\b(basic|bearer) +[\w.~+/=-]{8,})"  # credentials in headers
    r"|(?<=://)[^/@\s:]*:[^/@\s]*(?=@)"  # credentials in URLs
)


class RequestRecord(logging.LogRecord):
    """The record of a request's event, as structlog makes them, without asking where it comes from.

    The standard one takes as long as formatting it.
    """

    _SAME = logging.LogRecord("", logging.INFO, "", 0, "", (), None).__dict__ | {"_name": "info"}

    def __init__(self, logger: logging.Logger, event: EventDict) -> None:
        own = {"name": logger.name, "created": time.time(), "msg": event, IS_EVENT: logger}
        self.__dict__.update(self._SAME, **own)


class EventFormatter(logging.Formatter):
    """One line a record, ours or another library's: JSON, or what ``console`` makes of it.

    ``always`` is said in each of them.
    """

    def __init__(
        self, console: structlog.dev.ConsoleRenderer | None, always: Mapping[str, object]
    ) -> None:
        super().__init__()
        self._always = always
        self._console = console
        self._json = json.JSONEncoder().encode

    def format(self, record: logging.LogRecord) -> str:
        """Struck out is what looks like a secret or a token: the last line of defence."""
        level = record.levelname.lower()
        event = {name: _redacted(value) for name, value in _event_of(record).items()}
        event |= {"level": level, "logger": record.name, "timestamp": _timestamp(record.created)}
        event |= self._always
        return self._json(event) if self._console is None else self._console(None, level, event)


def _event_of(record: logging.LogRecord) -> EventDict:
    if hasattr(record, IS_EVENT):
        return cast(EventDict, record.msg)
    message = {"event": record.getMessage(), "exc_info": record.exc_info}
    return describe_exception(None, "", message)


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


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


def _struck_out(text: str) -> str:
    return _SECRETS.sub("[redacted]", text)


_remembered = lru_cache(maxsize=512)(_struck_out)
"""The same: most texts stand in many lines, and looking through them takes longer than all else."""


def _redacted(value: object) -> object:
    match value:
        case str():
            # There is punctuation in each of them.
            if value.isalnum():
                return value
            return _remembered(value) if len(value) <= _USUAL_LENGTH else _struck_out(value)
        case None | int() | float():
            return value
        case dict():
            return {str(name): _redacted(item) for name, item in value.items()}
        case list() | tuple():
            return [_redacted(item) for item in value]
        case _:
            return f"<{type(value).__name__}>"  # a repr may hold anything
