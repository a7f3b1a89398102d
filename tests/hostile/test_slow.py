"""Whoever sends slowly, or nothing, or doesn't read, is cut off."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from apogee_idp.settings import Settings
from tests.idp import Answer

from .conftest import SECONDS
from .raw import Raw, chunked, head, many
from .target import Target

LATEST = SECONDS + 5.0
"""What a machine that has much to do may take; the server's own clock is exact."""

JWKS = "GET /.well-known/jwks HTTP/1.1"
BODY = head("Content-Length: 1000")
CHUNKS = head("Transfer-Encoding: chunked")
LOGOUT = head("Content-Length: 1000", start="POST /connect/logout HTTP/1.1")

HEADS = {
    "not a byte": (b"", b""),
    "half a line": (b"POST", b""),
    "empty lines for ever": (b"\r\n", b"\r\n"),
    "no end": (b"POST /connect/token HTTP/1.1\r\nHost: a\r\n", b""),
    "a header in drops": (b"GET / HTTP/1.1\r\nX: ", b"a"),
    "header after header": (b"GET / HTTP/1.1\r\n", b"X: y\r\n"),
}
BODIES = {
    "no body": (BODY, b""),
    "a body in drops": (BODY + b"a", b"a"),
    "no chunk": (CHUNKS, b""),
    "chunk after chunk": (CHUNKS, b"1\r\na\r\n"),
    "a chunk extension in drops": (CHUNKS + b"1;", b"a"),
    "trailer on trailer": (CHUNKS + b"0\r\n", b"X: y\r\n"),
    "a form of a browser": (LOGOUT + b"a=", b"a"),
}


class End(NamedTuple):
    """How a connection ended: after so many seconds, with this answer ``lingering`` before it."""

    seconds: float
    answer: Answer | None
    lingering: float


@pytest.fixture(scope="module")
def ends(target: Target) -> dict[str, End]:
    """Of all slow ones, who come together: what takes time is their slowness alone."""

    def end_of(sent: tuple[bytes, bytes]) -> End:
        first, more = sent
        with Raw(target.port) as raw:
            raw.send(first)
            seconds = raw.seconds_until_closed(sending=more)
            lingering = time.monotonic() - raw.heard_at
            return End(seconds, raw.answer(), lingering)

    kinds = HEADS | BODIES
    with ThreadPoolExecutor(len(kinds)) as pool:
        return dict(zip(kinds, pool.map(end_of, kinds.values()), strict=True))


def test_the_shipped_patience_is_ten_seconds() -> None:
    """For the head, for the body, and for the answer; here it is shorter."""
    assert Settings().request_timeout == 10


@pytest.mark.parametrize("kind", HEADS)
def test_A_HTTP_12_a_head_that_is_not_there_in_time(ends: dict[str, End], kind: str) -> None:
    """The connection ends without a word."""
    seconds, answer, _ = ends[kind]
    assert SECONDS / 2 < seconds < LATEST
    assert answer is None


@pytest.mark.parametrize("kind", BODIES)
def test_A_HTTP_12_a_body_that_is_not_there_in_time(ends: dict[str, End], kind: str) -> None:
    """408, and the connection ends at once: what still trickles in isn't waited for."""
    seconds, answer, lingering = ends[kind]
    assert SECONDS / 2 < seconds < LATEST
    assert answer is not None
    assert answer.status == 408
    assert lingering < 1


def test_A_HTTP_12_a_body_that_nobody_reads(target: Target) -> None:
    """Of a request that needs none: it is answered at once, and the rest not waited for long."""
    with Raw(target.port) as raw:
        raw.send(head("Content-Length: 1000", start=JWKS))
        assert status_of(raw) == 200
        assert raw.seconds_until_closed(sending=b"a") < 2 + LATEST


def test_A_HTTP_12_a_second_head_has_the_same_time(target: Target) -> None:
    """From when it begins; until then a connection is kept for longer."""
    with Raw(target.port) as raw:
        raw.send(head(start=JWKS))
        assert status_of(raw) == 200
        with pytest.raises(TimeoutError):
            raw.seconds_until_closed(within=2 * SECONDS)
        raw.send(b"GET / HTTP/1.1\r\n")
        assert SECONDS / 2 < raw.seconds_until_closed(sending=b"a") < LATEST


def test_A_HTTP_12_a_second_head_that_came_with_the_first_request(target: Target) -> None:
    """It is cut off behind the answer to that."""
    with Raw(target.port) as raw:
        raw.send(CHUNKS)
        raw.send(chunked(target.form()))
        raw.send(b"GET / HTTP/1.1\r\n")
        assert status_of(raw) == 200
        assert raw.seconds_until_closed(sending=b"a") < LATEST


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/.well-known/jwks", id="A-HTTP-12 many small answers"),
        pytest.param("/console/vendor/vue.runtime.esm-browser.prod.js", id="A-HTTP-12 large ones"),
        pytest.param("/no/such/thing", id="A-HTTP-12 many refusals"),
    ],
)
def test_answers_that_nobody_reads(target: Target, path: str) -> None:
    """They are not kept for ever, and don't heap up."""
    before = target.resident_bytes
    requests = head(start=f"GET {path} HTTP/1.1") * 100
    with Raw(target.port, receive_buffer=4096) as raw:
        while raw.send(requests, within=LATEST):
            pass
    assert target.resident_bytes < before + 16 * 2**20


def test_A_HTTP_12_nine_hundred_slow_ones_at_once(target: Target) -> None:
    """Of all kinds; in the end all of them are gone, and so are their sockets."""
    kinds = (b"", b"POST /connect/token HT", BODY + b"a", CHUNKS + b"1\r\na\r\n")
    before = target.descriptors
    with many(target.port, 900) as connections:
        for number, connection in enumerate(connections):
            connection.send(kinds[number % len(kinds)])
        for connection in connections:
            connection.seconds_until_closed()
        assert target.descriptors < before + 20


def status_of(raw: Raw) -> int:
    """That of the next answer."""
    answer = raw.answer()
    assert answer is not None
    return answer.status
