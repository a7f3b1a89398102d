"""Logs: what is struck out, what is left out, and a reader that is slow or gone."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import threading
from contextlib import suppress

import pytest
import structlog

from apogee_idp import logs
from apogee_idp.crypto.secrets import generate_secret
from apogee_idp.logs import LoopErrors, Outlet, configure_logging, log_fault
from apogee_idp.settings import Settings

TOKEN = "eyJ" + "hbGciOiJSUzI1NiJ9." + "eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
SECRET = generate_secret().value


def events(output: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


@pytest.mark.plants_secrets
@pytest.mark.parametrize(
    "leak",
    [
        pytest.param(SECRET, id="a secret"),
        pytest.param(SECRET[:-3], id="a secret cut off"),
        pytest.param(TOKEN, id="a token"),
        pytest.param(f"x{TOKEN}.a.b", id="an encrypted token"),
        pytest.param("Authorization: Basic YmlsbGluZzpodXNo", id="a Basic header"),
        pytest.param("bearer some-opaque-token", id="a Bearer header"),
    ],
)
def test_what_looks_like_a_secret_is_struck_out(log_output: io.StringIO, leak: str) -> None:
    """In every field, in lists and maps, and in other libraries' messages."""
    log = structlog.stdlib.get_logger("apogee_idp")
    log.info("event", field=f"see {leak} here", many=[{"deep": leak}], leak=("x", leak))
    logging.getLogger("some.library").warning("got %s", leak)
    assert leak not in log_output.getvalue()
    assert log_output.getvalue().count("[redacted]") == 4


def test_exceptions_are_logged_without_message_and_locals(log_output: io.StringIO) -> None:
    """Type and place are enough to find it; the message may quote what it choked on."""
    hush = "hush-local"
    try:
        int(f"hush-{hush}")
    except ValueError as error:
        log_fault("failed", error)
        logging.getLogger("some.library").exception("it failed")
        loop = asyncio.new_event_loop()
        LoopErrors(lambda: 0.0)(loop, {"message": "hush", "exception": error, "future": hush})
        loop.close()
    assert "hush" not in log_output.getvalue()
    for event in events(log_output):
        assert event["exception"] == "ValueError"
        assert any("test_logs.py" in frame for frame in event["frames"])  # type: ignore[attr-defined]


def test_a_storm_of_loop_errors_is_one_event_a_second(log_output: io.StringIO) -> None:
    """Such as accepting connections without a file descriptor to spare."""
    time = 0.0
    handler = LoopErrors(lambda: time)
    loop = asyncio.new_event_loop()
    for _ in range(1000):
        handler(loop, {"message": "x"})
    time = 1.0
    handler(loop, {"message": "x"})
    loop.close()
    assert [event["left_out"] for event in events(log_output)] == [0, 999]


def test_a_record_that_cannot_be_formatted_fails_nobody() -> None:
    """A slip in a plugin's call of a logger is no fault of the request."""
    outlet = Outlet(io.StringIO())
    outlet.emit(logging.LogRecord("x", logging.INFO, "x", 1, "%s and %d", ("x",), None))
    outlet.close()
    assert outlet._dropped == 1


def test_unknown_objects_are_named_not_shown(log_output: io.StringIO) -> None:
    """A repr may hold anything, and may even fail."""

    class Unkind:
        def __repr__(self) -> str:
            raise RuntimeError("hush")

    structlog.stdlib.get_logger("apogee_idp").info("event", thing=Unkind())
    assert events(log_output)[0]["thing"] == "<Unkind>"


def test_A_DOS_04_one_event_is_one_line(log_output: io.StringIO) -> None:
    """No caller's text can begin a line of its own."""
    text = "a\nb\r\nc\u2028d\x1b[31m"
    structlog.stdlib.get_logger("apogee_idp").info("event", text=text)
    assert len(log_output.getvalue().splitlines()) == 1
    assert "\x1b" not in log_output.getvalue()


@pytest.fixture
def pipe() -> tuple[int, int]:
    return os.pipe()


def outlet_to(write_end: int) -> Outlet:
    outlet = Outlet(os.fdopen(write_end, "w"))
    outlet.setFormatter(logging.Formatter("%(message)s"))
    return outlet


def emit(outlet: Outlet, message: str) -> None:
    outlet.emit(logging.LogRecord("x", logging.INFO, "x", 1, message, None, None))


def test_F_PR_05_a_reader_that_sleeps_stops_nobody(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than the pipe and the queue can hold is dropped; emitting never waits."""
    monkeypatch.setattr(logs, "_MAXIMUM_WAITING", 100)
    read_end, write_end = pipe
    outlet = outlet_to(write_end)
    for _ in range(10_000):
        emit(outlet, "x" * 1000)
        if outlet._dropped:  # until the writer, which may not be stuck yet, has told of it
            break
    else:
        pytest.fail("nothing was dropped")

    def read_all() -> None:
        with os.fdopen(read_end) as reader:
            reader.read()

    reading = threading.Thread(target=read_all)
    reading.start()
    outlet.close()
    outlet._stream.close()
    reading.join()


def test_a_reader_that_is_gone_stops_nobody(pipe: tuple[int, int]) -> None:
    """A broken pipe is counted, not raised."""
    read_end, write_end = pipe
    os.close(read_end)
    outlet = outlet_to(write_end)
    for _ in range(10):
        emit(outlet, "x")
    outlet.close()
    assert outlet._dropped == 10
    with suppress(BrokenPipeError):
        outlet._stream.close()


def test_what_waits_is_written_at_the_end() -> None:
    """Closing flushes."""
    stream = io.StringIO()
    outlet = Outlet(stream)
    outlet.setFormatter(logging.Formatter("%(message)s"))
    for n in range(500):
        emit(outlet, str(n))
    outlet.close()
    assert stream.getvalue().split() == [str(n) for n in range(500)]


@pytest.mark.plants_secrets
def test_people_can_read_it_too(log_output: io.StringIO) -> None:
    """``log_format = "console"``."""
    stream = io.StringIO()
    settings = Settings(log_format="console")
    configure_logging(settings, logging.StreamHandler(stream), colors=False)
    structlog.stdlib.get_logger("apogee_idp").info("request_finished", status=200, secret=SECRET)
    assert "request_finished" in stream.getvalue()
    assert "status=200" in stream.getvalue()
    assert SECRET not in stream.getvalue()
