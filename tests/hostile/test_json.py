"""A-HTTP-05: JSON that parsers disagree about, or choke on, sent by an administrator."""

from __future__ import annotations

import pytest

from .raw import Raw, head, with_body
from .target import Target

JSON = "application/json"
VALID = b'{"name": "hostile"}'

BROKEN = {
    "nothing": b"",
    "cut off": b'{"name": "hostile"',
    "cut off in a text": b'{"name": "hostile',
    "something behind it": b'{"name": "hostile"} {}',
    "a comma too much": b'{"name": "hostile",}',
    "single quotes": b"{'name': 'hostile'}",
    "a comment": b'{"name": "hostile" /* y */}',
    "a name without quotes": b'{name: "hostile"}',
    "a control character": b'{"name": "hostile\n"}',
    "an unknown escape": rb'{"name": "\x41"}',
    "half an escape": rb'{"name": "\u12"}',
    "a list": b'[{"name": "hostile"}]',
    "a text": b'"x"',
    "a number": b"1",
    "null": b"null",
    "a name twice": b'{"name": "hostile", "name": "y"}',
    "a name twice, once in escapes": rb'{"name": "hostile", "n\u0061me": "y"}',
    "a name twice, further down": b'{"name": "hostile", "a": {"b": 1, "b": 2}}',
    "no number": b'{"name": NaN}',
    "no end": b'{"name": Infinity}',
    "no end on the other side": b'{"name": -Infinity}',
    "a number without end": b'{"name": 1e999}',
    "five thousand digits": b'{"name": ' + b"1" * 5000 + b"}",
    "five thousand decimals": b'{"name": 0.' + b"1" * 5000 + b"}",
    "lists in lists": b'{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "objects in objects": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
    "33 levels": b'{"a":' * 33 + b"1" + b"}" * 33,
    "Latin 1": '{"name": "é"}'.encode("latin-1"),
    "UTF-16": '{"name": "hostile"}'.encode("utf-16"),
    "a mark in front": b"\xef\xbb\xbf" + VALID,
    "half a surrogate pair": rb'{"name": "\ud800"}',
    "the halves swapped": rb'{"name": "\udc00\ud800"}',
    "NUL": b'{"name": "\0"}',
    "NUL escaped": rb'{"name": "\u0000"}',
    "names of the store": b'{"name": "hostile", "_id": 1}',
    "an operator": b'{"name": {"$ne": null}}',
    "an operator as a member": b'{"name": "hostile", "$set": {"name": "y"}}',
    "a prototype": b'{"name": "hostile", "__proto__": {"name": "y"}}',
    "twenty thousand members": b"{" + b",".join(b'"%d":1' % n for n in range(20_000)) + b"}",
    "more than is read": b'{"name": "' + b"x" * 262_144 + b'"}',
}


@pytest.fixture(scope="module")
def token(target: Target) -> str:
    """An administrator's."""
    return target.token("boss")


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_A_HTTP_05_json_that_is_refused(target: Target, token: str, body: bytes) -> None:
    """As a problem of the client's; nothing is made of it, and none of it comes back."""
    status, told = sent(target, token, body, JSON)
    assert status in {400, 413, 422}
    assert body[:32] not in told or len(body) < 8
    assert not is_made(target, token)


@pytest.mark.parametrize(
    "media_type",
    [
        "",
        "text/plain",
        "text/json",
        "application/jsonp",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/json; charset=bogus",
        "application/json; charset=utf-8; charset=utf-7",
        "application/json, application/json",
        "application/json\r\nContent-Type: application/json",
        "application/json\r\nContent-Encoding: gzip",
        "application/json\r\nContent-Encoding: bogus",
        "application/json; " + "x" * 4000,
    ],
)
def test_A_HTTP_01_media_types_that_are_refused(
    target: Target, token: str, media_type: str
) -> None:
    """JSON in UTF-8, as it is, and nothing else."""
    status, _ = sent(target, token, VALID, media_type)
    assert status in {400, 415}
    assert not is_made(target, token)


def sent(target: Target, token: str, body: bytes, media_type: str) -> tuple[int, bytes]:
    """Status and body of the answer."""
    headers = (f"Authorization: Bearer {token}", "Connection: close")
    with Raw(target.port) as raw:
        start = "POST /api/v1/scopes HTTP/1.1"
        raw.send(with_body(body, *headers, start=start, media_type=media_type))
        (answer,) = raw.answers()
    return answer.status, answer.body


def is_made(target: Target, token: str) -> bool:
    """Whether there is such a scope."""
    headers = (f"Authorization: Bearer {token}", "Connection: close")
    with Raw(target.port) as raw:
        raw.send(head(*headers, start="GET /api/v1/scopes/hostile HTTP/1.1", media_type=JSON))
        (answer,) = raw.answers()
    assert answer.status in {200, 404}
    return answer.status == 200
