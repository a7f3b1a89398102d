"""Where one request ends and the next begins: said in one way only, or refused."""

from __future__ import annotations

import pytest

from .raw import Raw, chunked
from .target import Target

NEXT = b"GET /apogee.css HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
"""What an honest proxy sends next on the same connection, for somebody else."""

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
"""A request in a request: who takes it for one answers 404."""

GET = b"GET /.well-known/jwks HTTP/1.1\r\n"
POST = b"POST /connect/token HTTP/1.1\r\n"
HOST = b"Host: a\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
HEAD = POST + HOST + FORM
CHUNKED = b"Transfer-Encoding: chunked\r\n"
END = b"\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(SMUGGLED)
NO_CHUNKS = chunked()
ONE_CHUNK = b"3\r\na=b\r\n0\r\n\r\n"

REFUSED = [400]
TAKEN = [400, 200]
"""A form that lacks something, understood as far as its framing goes; and then the next request."""


def _lengths() -> dict[str, bytes]:
    """Content-Length headers that are none (RFC 9110 §8.6)."""
    return {
        f"A-HTTP-08 the length {value!r}": HEAD + b"Content-Length: %b\r\n" % value + END + SMUGGLED
        for value in (
            *(
                b"",
                b"+3",
                b"-3",
                b"3 3",
                b"3, 3",
                b"3,4",
                b"0x3",
                b"3.0",
                b"1e1",
                b"3;",
                b"a",
                b"3a",
            ),
            *(b"\xd9\xa3", b"\x0b3", b"18446744073709551619", b"99999999999999999999999"),
        )
    }


def _encodings() -> dict[str, bytes]:
    """Transfer-Encoding headers that some parsers see and others don't."""
    return {
        f"A-HTTP-08 {header!r}": HEAD + LENGTH + header + b"\r\n" + END + NO_CHUNKS + SMUGGLED
        for header in (
            b"Transfer-Encoding: chunked",
            b"Transfer-Encoding: xchunked",
            b"Transfer-Encoding : chunked",
            b"Transfer-Encoding\t: chunked",
            b" Transfer-Encoding: chunked",
            b"Transfer-Encoding:\x0bchunked",
            b"Transfer-Encoding: chunked\x0b",
            b"Transfer-Encoding: chunked, identity",
            b"Transfer-Encoding: identity, chunked",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
            b'Transfer-Encoding: "chunked"',
            b"Transfer-Encoding:\r\n chunked",
            b"X: y\nTransfer-Encoding: chunked",
            b"X: y\rTransfer-Encoding: chunked",
            b"Transfer-Encoding\n: chunked",
            b"Transfer\x00-Encoding: chunked",
            b"Transfer-Encoding: chunked\x00",
            b"Transfer-Encoding:",
        )
    }


def _chunks() -> dict[str, bytes]:
    """Chunks that aren't (RFC 9112 §7.1), each followed by a request that would be smuggled."""
    return {
        f"A-HTTP-08 chunks {chunks[:24]!r}": HEAD + CHUNKED + END + chunks + SMUGGLED
        for chunks in (
            b"3 \r\na=b\r\n0\r\n\r\n",
            b" 3\r\na=b\r\n0\r\n\r\n",
            b"0x3\r\na=b\r\n0\r\n\r\n",
            b"+3\r\na=b\r\n0\r\n\r\n",
            b"1_0\r\na=b&c=d&e=f&g=h&\r\n0\r\n\r\n",
            b"\r\na=b\r\n0\r\n\r\n",
            b"3\na=b\r\n0\r\n\r\n",
            b"3\ra=b\r\n0\r\n\r\n",
            b"3\r\na=b\n0\r\n\r\n",
            b"3\r\na=bX0\r\n\r\n",
            b"3\r\na=b0\r\n\r\n",
            b"2\r\na=b\r\n0\r\n\r\n",
            b"3;a\nb\r\na=b\r\n0\r\n\r\n",
            b"3;a\rb\r\na=b\r\n0\r\n\r\n",
            b"3;a=\x00\r\na=b\r\n0\r\n\r\n",
            b"fffffffffffffffff\r\na=b\r\n0\r\n\r\n",
            b"10000000000000003\r\na=b\r\n0\r\n\r\n",
            b"3\r\na=b\r\n0\r\nX y\r\n\r\n",
            b"3\r\na=b\r\n0\r\nX: y\r\n z\r\n\r\n",
            b"3\r\na=b\r\n0\r\n: y\r\n\r\n",
            b"3\r\na=b\r\n0\r\nContent-Length: 9\r\n\r\n",
            b"3\r\na=b\r\n0\r\nHost: b\r\n\r\n",
        )
    }


def _heads() -> dict[str, bytes]:
    """Heads that RFC 9112 forbids, or that nobody sends in good faith."""
    headers = {
        "A-HTTP-08 a folded header": b"X: y\r\n z\r\n",
        "A-HTTP-08 a folded Content-Length": b"Content-Length:\r\n 3\r\n",
        "A-HTTP-08 a space before the colon": b"X : y\r\n",
        "A-HTTP-08 no name": b": y\r\n",
        "A-HTTP-08 no colon": b"X\r\n",
        "A-HTTP-08 a bare LF": b"X: y\nY: z\r\n",
        "A-HTTP-08 a bare CR": b"X: y\rY: z\r\n",
        "A-HTTP-06 a NUL in a name": b"X\x00: y\r\n",
        "A-HTTP-06 a NUL in a value": b"X: \x00y\r\n",
        "A-HTTP-06 a control character": b"X: \x08\r\n",
        "A-HTTP-08 a name that is no token": b"X(y): z\r\n",
        "A-HTTP-08 a name of other letters": "é: y\r\n".encode(),
        "A-HTTP-08 two lengths that agree": b"Content-Length: 0\r\nContent-Length: 0\r\n",
        "A-HTTP-08 two lengths that don't": b"Content-Length: 0\r\nContent-Length: 9\r\n",
        "A-HTTP-08 a second Host": b"Host: b\r\n",
        "A-HTTP-08 two hundred headers": b"".join(b"X%d: y\r\n" % n for n in range(200)),
        "A-HTTP-08 a name of nine kilobytes": b"X" * 9000 + b": y\r\n",
        "A-HTTP-08 a value of nine kilobytes": b"X: " + b"y" * 9000 + b"\r\n",
        "A-AZ-07 cookies of nine kilobytes": b"Cookie: " + b"a=b; " * 1800 + b"\r\n",
        "A-HTTP-11 a header of ancient websockets": b"Sec-WebSocket-Key1: y\r\n",
    }
    return {name: GET + HOST + header + END for name, header in headers.items()}


def _request_lines() -> dict[str, bytes]:
    """First lines that are none."""
    lines = {
        "A-HTTP-08 HTTP/0.9": b"GET /\r\n",
        "A-HTTP-08 HTTP/2.0": b"GET / HTTP/2.0\r\n",
        "A-HTTP-08 HTTP/3.0": b"GET / HTTP/3.0\r\n",
        "A-HTTP-08 HTTP/1.2": b"GET / HTTP/1.2\r\n",
        "A-HTTP-08 HTTP/1.10": b"GET / HTTP/1.10\r\n",
        "A-HTTP-08 HTTP/1": b"GET / HTTP/1\r\n",
        "A-HTTP-08 the protocol in lower case": b"GET / http/1.1\r\n",
        "A-HTTP-08 the preface of HTTP/2": b"PRI * HTTP/2.0\r\n",
        "A-HTTP-08 another protocol": b"GET / RTSP/1.0\r\n",
        "A-HTTP-08 TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 100 + b"\r\n",
        "A-HTTP-08 a tab": b"GET\t/\tHTTP/1.1\r\n",
        "A-HTTP-08 a space in front": b" GET / HTTP/1.1\r\n",
        "A-HTTP-08 a method in lower case": b"get / HTTP/1.1\r\n",
        "A-HTTP-08 a bare LF": b"GET / HTTP/1.1\nHost: a\n\n",
        "A-HTTP-08 nothing but a method": b"GET\r\n",
        "A-HTTP-14 a space in the path": b"GET /a b HTTP/1.1\r\n",
        "A-HTTP-06 a NUL in the path": b"GET /\x00 HTTP/1.1\r\n",
        "A-HTTP-14 a path of other letters": b"GET /\xc3\xa9 HTTP/1.1\r\n",
        "A-HTTP-14 no path": b"GET apogee.css HTTP/1.1\r\n",
        "A-HTTP-08 a path of nine kilobytes": b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n",
        "A-HTTP-08 a query of nine kilobytes": b"GET /?" + b"a" * 9000 + b" HTTP/1.1\r\n",
    }
    return {name: line + HOST + END for name, line in lines.items()} | {
        "A-HTTP-08 no Host": GET + END,
    }


MALFORMED = _lengths() | _encodings() | _chunks() | _heads() | _request_lines()


@pytest.mark.parametrize("request_", MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_ends_the_connection(target: Target, request_: bytes) -> None:
    """One answer at most, a 400: nothing behind it is taken for a request."""
    with Raw(target.port) as raw:
        raw.send(request_ + NEXT)
        answers = raw.answers()
    assert [answer.status for answer in answers] == REFUSED
    assert b"smuggled" not in answers[0].body
    assert answers[0].headers["Server"] == "apogee-idp"


WELL_FORMED = {
    "a body and its length": (HEAD + LENGTH + END + SMUGGLED, TAKEN),
    "the length with zeros in front": (HEAD + b"Content-Length: 0003\r\n" + END + b"a=b", TAKEN),
    "no body": (HEAD + b"Content-Length: 0\r\n" + END, TAKEN),
    "neither length nor chunks": (HEAD + END, TAKEN),
    "chunks": (HEAD + CHUNKED + END + ONE_CHUNK, TAKEN),
    "a request inside a chunk": (HEAD + CHUNKED + END + chunked(SMUGGLED), TAKEN),
    "chunks with extensions": (HEAD + CHUNKED + END + b'3;a="b"\r\na=b\r\n0;c\r\n\r\n', TAKEN),
    "chunks with trailers": (HEAD + CHUNKED + END + b"3\r\na=b\r\n0\r\nX: y\r\n\r\n", TAKEN),
    "capitals": (HEAD + b"TRANSFER-ENCODING: CHUNKED\r\n" + END + ONE_CHUNK, TAKEN),
    "an empty line in front": (b"\r\n" + GET + HOST + END, [200, 200]),
    "a body where none is needed": (GET + HOST + LENGTH + END + SMUGGLED, [200, 200]),
    "a hundred headers": (
        GET + HOST + b"".join(b"X%d: y\r\n" % n for n in range(100)) + END,
        [200, 200],
    ),
    "thirty requests": ((GET + HOST + END) * 30, [200] * 31),
    "more than are read at once": ((GET + HOST + END) * 300, [200] * 301),
}


@pytest.mark.parametrize(("sent", "expected"), WELL_FORMED.values(), ids=WELL_FORMED)
def test_what_is_well_formed_ends_where_it_says(
    target: Target, sent: bytes, expected: list[int]
) -> None:
    """The next request is answered as what it is, and what stands in a body is none."""
    with Raw(target.port) as raw:
        raw.send(sent + NEXT)
        answers = raw.answers()
    assert [answer.status for answer in answers] == expected
    if len(expected) > 1:
        assert answers[-1].headers["Content-Type"].startswith("text/css")


@pytest.mark.parametrize("cut", range(1, 12))
def test_requests_may_come_in_pieces(target: Target, cut: int) -> None:
    """However they are cut."""
    whole = HEAD + CHUNKED + END + ONE_CHUNK + GET + HOST + END + NEXT
    with Raw(target.port) as raw:
        for start in range(0, len(whole), cut * 7):
            raw.send(whole[start : start + cut * 7])
        assert [answer.status for answer in raw.answers()] == [400, 200, 200]


UPGRADES = {
    "to websockets": GET + HOST + b"Connection: upgrade\r\nUpgrade: websocket\r\n" + END,
    "to HTTP/2": GET + HOST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" + END,
    "with a body": HEAD + b"Connection: Upgrade\r\nUpgrade: h2c\r\n" + LENGTH + END + SMUGGLED,
    "to a tunnel": b"CONNECT idp.example:80 HTTP/1.1\r\n" + HOST + END,
}


@pytest.mark.parametrize("request_", UPGRADES.values(), ids=UPGRADES)
@pytest.mark.parametrize("behind", [NEXT, POST + HOST + LENGTH + END], ids=["next", "a head"])
def test_A_HTTP_08_another_protocol(target: Target, request_: bytes, behind: bytes) -> None:
    """It is answered in this one; then the connection ends, as what came with it may be lost."""
    with Raw(target.port) as raw:
        raw.send(request_ + behind)
        raw.send(SMUGGLED)
        (answer,) = raw.answers()
    assert answer.status in {200, 400, 404}
    assert answer.headers["Connection"] == "close"


def test_HTTP_1_0_needs_no_host(target: Target) -> None:
    """And ends with the connection."""
    with Raw(target.port) as raw:
        raw.send(GET.replace(b"1.1", b"1.0") + END)
        assert [answer.status for answer in raw.answers()] == [200]
