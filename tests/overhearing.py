"""Listens for secrets in what goes over the wire, and says where they don't belong.

Whatever is sent or answered in a secret's place during a test is a canary for the rest of it.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from multidict import CIMultiDict

from .canary import HEARD, findings_in

_SHORTEST = 12
_MOST = 300
_IN_FORMS = {
    *("client_secret", "client_assertion", "code", "code_verifier", "refresh_token", "password"),
    *("current", "access_token", "id_token_hint", "request_uri"),
}
_IN_ANSWERS = {"access_token", "refresh_token", "id_token", "client_secret"}
_GIVES_A_CODE_BY_FORM = b'name="code" value="'


def overhear(method: str, url: str, options: Mapping[str, Any], body: bytes, status: int) -> None:
    """Remembers the secrets of a request and its answer; fails if the answer shows one in vain.

    No error may show one, no page, and nothing that is read at the management API. A page that
    hands a code to a client does so on purpose.
    """
    path = urlsplit(url).path
    for place, value in (*_in_request(options), *_in_answer(body)):
        if len(value) >= _SHORTEST and len(HEARD) < _MOST:
            HEARD[value] = place
    is_page = body.startswith(b"<!doctype html>") and _GIVES_A_CODE_BY_FORM not in body
    is_read = method == "GET" and "/api/" in path
    if status >= 400 or is_page or is_read:
        found = findings_in(body.decode("utf-8", "replace"))
        assert found == [], f"{method} {path} answered {status} with {found}"


def _in_request(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    sent = options.get("data")
    if isinstance(sent, str):
        yield from ((name, value) for name, value in parse_qsl(sent) if name in _IN_FORMS)
    headers = CIMultiDict(options.get("headers") or ())
    scheme, _, credentials = headers.get("Authorization", "").partition(" ")
    yield "Authorization", _secret_of(credentials) if scheme.lower() == "basic" else credentials
    for cookie in headers.get("Cookie", "").split("; "):
        name, _, value = cookie.partition("=")
        yield f"the cookie {name}", value


def _secret_of(credentials: str) -> str:
    try:
        return unquote_plus(base64.b64decode(credentials).decode().partition(":")[2])
    except (binascii.Error, ValueError):
        return ""


def _in_answer(body: bytes) -> Iterator[tuple[str, str]]:
    try:
        told = json.loads(body)
    except ValueError:
        return
    if isinstance(told, dict):
        yield from ((name, str(told[name])) for name in _IN_ANSWERS & told.keys())
