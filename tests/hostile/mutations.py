"""What becomes of valid requests: they lose, repeat, swap and grow, in every part of theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from .raw import chunked
from .traffic import Request

NASTY = (
    *("", " ", "\t", "\0", "\n", "\r\nX-Evil: 1", "%", "%00", "%zz", "%u0041", "+", "&", "=", ";"),
    *("../../etc/passwd", "..\\..", "%2e%2e%2f", "//evil.example", "/\\evil.example", "a:b:c"),
    *("javascript:alert(1)", "https://evil.example", "https://app.example/cb#x", "http://[::1"),
    *("<script>alert(1)</script>", '"><svg/onload=alert(1)>', "{{7*7}}", "${jndi:ldap://x}"),
    *("' or 1=1--", "$ne", '{"$gt": ""}', "__proto__", "null", "true", "[]", "{}", "%s%n"),
    *("NaN", "-0", "-1", "1e999", "9" * 400, "2147483648", "9223372036854775808", "0x10"),
    *("1_000", "1.5", "1e3", "\u0661\u0662", "é", "\u0130", "ß", "\U0001d573", "a\u0300", "\u202e"),
    *("\ud7ff", "\ue000", "\uffff", "\ufffd", "\x7f", "\x80", "usr_" + "A" * 22, "*", "openid"),
    *("urn:ietf:params:oauth:request_uri:x", "a.b.c", "....", "e30.e30.", "e30.e30.e30"),
    *("eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9.e30.AA", "eyJ6aXAiOiJERUYifQ.a.b.c.d"),
    *("apogee_x_y_z", "idp:admin", "none", "login consent", "plain", "query", "a" * 5000),
    *("a " * 2000, "é" * 2000, "\U0001f642" * 500, "[" * 3000, "(" * 3000 + "a" * 3000, "/" * 4000),
)
"""Values that have broken something somewhere."""

HEADERS = (
    *("Authorization", "Cookie", "Origin", "Referer", "Host", "User-Agent", "Forwarded"),
    *("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-HTTP-Method-Override"),
    *("Accept", "Accept-Encoding", "Accept-Language", "Content-Type", "Content-Encoding"),
    *("If-Match", "If-None-Match", "If-Modified-Since", "Range", "traceparent", "tracestate"),
    *("Sec-Fetch-Site", "Idempotency-Key", "X-CSRF-Token", "DPoP"),
    *("Access-Control-Request-Method", "Access-Control-Request-Headers"),
)
FRAMING = (
    *("Content-Length", "Transfer-Encoding", "Expect"),
    *("Connection", "Upgrade", "TE", "Trailer"),
)
HEADER_VALUES = (
    *("Bearer", "Bearer x", "Bearer a.b.c", "Basic", "Basic Og==", "Basic !!", "DPoP x"),
    *("*/*", "text/html", "application/json", "application/json; charset=utf-16", "a/b;c=d;e"),
    *("*", '""', "W/", 'W/"x"', '"x", "y', "bytes=0-1", "bytes=-", "gzip", "identity;q=0", ";;;"),
    *("Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 32 Foo 99999 25:61:61 GMT", "cross-site", "null"),
    *("127.0.0.1", "for=_x;by=a", "00-" + "0" * 32 + "-" + "0" * 16 + "-00", "00-x-y-z"),
    *("__Host-apogee_session=x; a", "__Host-apogee_browser=x; __Host-apogee_browser=y"),
    *("=", "=x", 'a="b', "$Version=1; a=b"),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW")
SEGMENTS = (
    *("/", "//", "/.", "/..", "/%2e%2e", "%2f", "%00"),
    *("%ff", "%", ";x=y", "?", "#", "/x", ".json"),
)
EDITS = (b"", b"\0", b"\r\n", b"\n", b"\xff", b"%", b"&&", b":", b" ", b"\x80\x80")
JSON_VALUES = st.sampled_from(
    (
        *(None, True, False, 0, -1, 1.5, 2**31, 2**63, -(2**63) - 1, 10**300, float("nan")),
        *("", [], {}, [[]], [None], [{}], {"": ""}, {"$ne": None}, {"a.b": 1}, {"\0": 1}),
        *("a" * 3000, ["a"] * 300, {str(n): n for n in range(300)}, "\ud800", ["\ud800"]),
        {"a": {"b": {"c": []}}},
    )
)


@dataclass(frozen=True)
class Sent:
    """A request as bytes; one that ``is_framed`` says rightly where it ends."""

    method: str
    raw: bytes
    is_framed: bool


Draw = Callable[[st.SearchStrategy[Any]], Any]
Texts = st.SearchStrategy[str]
Pairs = tuple[tuple[str, str], ...]
Mutation = Callable[[Draw, Request, Texts], Request]

_EDITS = st.sampled_from(EDITS)
_FRAMING = st.sampled_from(FRAMING)
_HEADERS = st.sampled_from(HEADERS)
_HEADER_VALUES = st.sampled_from(HEADER_VALUES)
_METHODS = st.sampled_from(METHODS)
_NAMES = st.text(max_size=8)
_NASTY = st.sampled_from(NASTY)
_SEGMENTS = st.sampled_from(SEGMENTS)
_SUFFIXES = st.sampled_from(("[]", "[$ne]", ".x", " ", "\0", "*"))
_TEXTS = st.text(max_size=20)
_SOMETIMES = st.integers(0, 19)


@st.composite
def mutated(draw: Draw, requests: st.SearchStrategy[Request], values: Texts) -> Sent:
    """One of ``requests``, mutated up to four times; ``values`` are tried in others' places."""
    request = draw(requests)
    for mutation in draw(_MUTATIONS):
        request = mutation(draw, request, values)
    return _rendered(draw, request)


def _rendered(draw: Draw, request: Request) -> Sent:
    """As bytes, mostly as HTTP wants them."""
    way = draw(_SOMETIMES)
    body, headers = request.body, request.head
    if way == 0:
        body = _edited(draw, body)
    if way == 1:
        cut = draw(st.integers(0, len(body)))
        headers = (*headers, ("Transfer-Encoding", "chunked"))
        body = chunked(*(part for part in (body[:cut], body[cut:]) if part))
    elif body or request.method not in ("GET", "HEAD"):
        headers = (*headers, ("Content-Length", str(len(body))))
    lines = [request.start, *(f"{name}: {value}" for name, value in headers), "", ""]
    raw = "\r\n".join(lines).encode("utf-8", "surrogatepass") + body
    if way == 2:
        return Sent(request.method, _edited(draw, raw), is_framed=False)
    return Sent(request.method, raw, is_framed=_is_framed(request))


def _is_framed(request: Request) -> bool:
    names = {name for name, _ in request.headers}
    texts = [request.path, *(text for pair in request.headers for text in pair)]
    return names.isdisjoint({*FRAMING, "Host"}) and all(text.isprintable() for text in texts)


def _edited(draw: Draw, raw: bytes) -> bytes:
    """With bytes taken out, put in or in the place of others, once."""
    at, length = draw(st.integers(0, len(raw))), draw(st.integers(0, 8))
    return raw[:at] + draw(_EDITS) + raw[at + length :]


def _value(draw: Draw, values: Texts) -> str:
    kinds = (values, _TEXTS, _NASTY, _NASTY)
    return str(draw(kinds[draw(st.integers(0, 3))]))


def _changed(draw: Draw, pairs: Pairs, values: Texts) -> Pairs:
    """One of them is dropped, repeated, renamed, added or given another value."""
    if not pairs:
        return ((draw(_NAMES), _value(draw, values)),)
    at = draw(st.integers(0, len(pairs) - 1))
    name, value = pairs[at]
    between: Pairs
    match draw(st.integers(0, 6)):
        case 0:
            between = ()
        case 1:
            between = ((name, value), (name, value))
        case 2:
            between = ((name, value), (name, _value(draw, values)))
        case 3:
            between = ((name.swapcase() + draw(_SUFFIXES), value),)
        case 4:
            cut = draw(st.integers(0, len(value)))
            between = ((name, value[:cut] + _value(draw, values) + value[cut:]),)
        case _:
            between = ((name, _value(draw, values)),)
    return (*pairs[:at], *between, *pairs[at + 1 :])


def change_field(draw: Draw, request: Request, values: Texts) -> Request:
    """In its form, in its JSON, or in the address."""
    if request.json is not None:
        return replace(request, json=_other_json(draw, request.json, values))
    if request.fields:
        return replace(request, fields=_changed(draw, request.fields, values))
    return change_query(draw, request, values)


def change_query(draw: Draw, request: Request, values: Texts) -> Request:
    """In its address."""
    return replace(request, query=_changed(draw, request.query, values))


def change_header(draw: Draw, request: Request, values: Texts) -> Request:
    """One that is there."""
    if not request.headers:
        return add_header(draw, request, values)
    return replace(request, headers=_changed(draw, request.headers, values))


def add_header(draw: Draw, request: Request, values: Texts) -> Request:
    """One that is not; rarely one that says where the request ends."""
    name = draw(_HEADERS if draw(_SOMETIMES) else _FRAMING)
    value = draw(_HEADER_VALUES) if draw(st.booleans()) else _value(draw, values)
    return replace(request, headers=(*request.headers, (name, value)))


def change_path(draw: Draw, request: Request, _: Texts) -> Request:
    """Somewhere in it."""
    at = draw(st.integers(1, len(request.path)))
    return replace(request, path=request.path[:at] + draw(_SEGMENTS) + request.path[at:])


def change_segment(draw: Draw, request: Request, values: Texts) -> Request:
    """Its last part, which is often a name or a handle."""
    last = quote(_value(draw, values), safe="", errors="surrogatepass")
    return replace(request, path=request.path.rpartition("/")[0] + "/" + last)


def change_method(draw: Draw, request: Request, _: Texts) -> Request:
    """To any other."""
    return replace(request, method=draw(_METHODS))


def move_fields(_draw: Draw, request: Request, _: Texts) -> Request:
    """From the body into the address, and back."""
    return replace(request, fields=request.query, query=request.fields)


def _other_json(draw: Draw, value: Any, values: Texts) -> Any:
    """With another value somewhere in it."""
    if isinstance(value, dict) and value and draw(st.integers(0, 4)):
        name = draw(st.sampled_from(sorted(value)))
        return value | {name: _other_json(draw, value[name], values)}
    if isinstance(value, list) and value and draw(st.booleans()):
        return [*value, _other_json(draw, value[0], values)]
    match draw(st.integers(0, 3)):
        case 0:
            return _value(draw, values)
        case 1 if isinstance(value, dict):
            return value | {_value(draw, values): draw(JSON_VALUES)}
        case _:
            return draw(JSON_VALUES)


_MUTATIONS: st.SearchStrategy[list[Mutation]] = st.lists(
    st.sampled_from(
        (
            *(change_field,) * 6,
            *(change_query, change_header, change_header, add_header, add_header),
            *(change_path, change_segment, change_segment, change_method, move_fields),
        )
    ),
    max_size=4,
)
