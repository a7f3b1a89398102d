"""Whoever sends too much, of anything, is refused; it costs little work, and little memory."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from .conftest import CONNECTIONS
from .neighbour import Neighbour
from .raw import Raw, head, many, with_body
from .target import Target

CHUNKS = head("Transfer-Encoding: chunked")
JWKS = "GET /.well-known/jwks HTTP/1.1"
LARGE_HEADER = b"X: " + b"y" * 8000 + b"\r\n"
ODD_COOKIE = 'Cookie: =x; a; b="; =; c=d=e; ;;'

FLOODS = {
    "A-HTTP-10 a body that is announced to be large": (
        {413},
        [head("Content-Length: 100000000") + b"a" * 65536],
    ),
    "A-HTTP-10 a body without end": (
        {413},
        [CHUNKS, *[b"10000\r\n" + b"a" * 65536 + b"\r\n"] * 100],
    ),
    "A-HTTP-11 chunks of one byte, without end": ({413}, [CHUNKS, *[b"1\r\na\r\n" * 10000] * 100]),
    "A-HTTP-11 a chunk extension without end": (set(), [CHUNKS + b"1;", *[b"a" * 65536] * 100]),
    "A-HTTP-11 trailers without end": (
        {400, 408},
        [CHUNKS + b"0\r\n", *[b"X: y\r\n" * 100] * 1000],
    ),
    "A-HTTP-11 large trailers": (set(), [CHUNKS + b"0\r\n", *[LARGE_HEADER] * 100]),
    "A-HTTP-11 large headers": (set(), [head()[:-2], *[LARGE_HEADER] * 100]),
    "A-HTTP-11 a name without end": ({400}, [head()[:-2], *[b"X" * 1000] * 100]),
    "A-HTTP-11 a path without end": ({400}, [b"GET /", *[b"a" * 1000] * 100]),
    "A-HTTP-11 many cookies, odd and nameless": (
        {200},
        [head(*[ODD_COOKIE] * 100, "Connection: close", start="GET / HTTP/1.1")],
    ),
    "A-HTTP-11 many parameters": (
        {413},
        [with_body(b"&".join(b"p%d=1" % n for n in range(2000)), "Connection: close")],
    ),
}


@pytest.mark.parametrize(("statuses", "pieces"), FLOODS.values(), ids=FLOODS)
def test_a_flood(
    target: Target, beside: Neighbour, statuses: set[int], pieces: list[bytes]
) -> None:
    """Is refused in words, or cut off if nothing is complete yet; it costs next to no work."""
    with beside.paused(), Raw(target.port) as raw:
        before = target.processor_seconds
        for piece in pieces:
            if not raw.send(piece):
                break
        assert {answer.status for answer in raw.answers()} <= statuses
        assert target.processor_seconds < before + 0.15


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(head()[:-2] + LARGE_HEADER * 3, id="A-HTTP-11 large headers"),
        pytest.param(CHUNKS + b"0\r\n" + LARGE_HEADER * 3, id="A-HTTP-11 large trailers"),
        pytest.param(head("Content-Length: 16384") + b"a" * 16383, id="A-HTTP-10 large bodies"),
    ],
)
def test_many_large_ones_at_once(target: Target, start: bytes) -> None:
    """As large as is taken, and nearly complete: two hundred of them fit into little memory."""
    before = target.resident_bytes
    with many(target.port, 200) as connections:
        for connection in connections:
            connection.send(start)
        for connection in connections:
            connection.send(LARGE_HEADER)
            connection.send(LARGE_HEADER)
        for connection in connections:
            connection.seconds_until_closed()
    assert target.resident_bytes < before + 32 * 2**20


def test_A_HTTP_11_requests_in_one_go(target: Target, long: Callable[[int, int], int]) -> None:
    """Thousands behind one another: each is answered, and they don't heap up."""
    count, before = long(1_000, 10_000), target.resident_bytes
    whole = head(start=JWKS) * (count - 1) + head("Connection: close", start=JWKS)
    with Raw(target.port) as raw:
        sending = threading.Thread(target=raw.send, args=(whole,))
        sending.start()
        assert [answer.status for answer in raw.answers()] == [200] * count
        sending.join()
    assert target.resident_bytes < before + 16 * 2**20


def test_A_DOS_09_more_connections_than_there_is_room_for(target: Target) -> None:
    """Who comes then is let in all the same, and those go that ask for nothing."""
    with many(target.port, CONNECTIONS + 300), Raw(target.port) as raw:
        raw.send(with_body(target.form()))
        answer = raw.answer()
        assert answer is not None
        assert answer.status == 200
        assert target.descriptors < CONNECTIONS + 100


@pytest.mark.parametrize(
    ("path", "header"),
    [
        pytest.param("/connect/authorize", "X: y", id="authorize"),
        pytest.param("/connect/logout", "X: y", id="logout"),
        pytest.param("/connect/token", "Origin: https://a.example", id="token"),
    ],
)
def test_A_DOS_06_names_that_nobody_has(target: Target, path: str, header: str) -> None:
    """As long as is taken, and another in each request: nothing remembers them."""
    before, start = target.resident_bytes, f"POST {path} HTTP/1.1"
    with Raw(target.port) as raw:
        for number in range(400):
            # One sign beyond 16 bits, and Python keeps all of them in 32.
            name = "a" * 15_900 + f"\U0001f600{path}{number}"
            form = urlencode({"client_id": name, "redirect_uri": "https://x"})
            raw.send(with_body(form.encode(), header, start=start))
            answer = raw.answer()
            assert answer is not None
            assert answer.status in (200, 303, 400, 401)
    assert target.resident_bytes < before + 12 * 2**20


@pytest.mark.parametrize("sent", [b"", b"GET ", head(start=JWKS), CHUNKS], ids=repr)
def test_A_DOS_09_coming_and_going(target: Target, sent: bytes) -> None:
    """With a reset instead of an end: nothing is left of them."""
    before = target.descriptors
    for _ in range(300):
        with socket.create_connection(("127.0.0.1", target.port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(sent)
    with Raw(target.port) as raw:
        raw.send(head("Connection: close", start=JWKS))
        assert [answer.status for answer in raw.answers()] == [200]
    assert target.descriptors < before + 10
