"""The parsers under atheris, which looks for input that leads to code it hasn't seen: a program.

Its arguments are libFuzzer's. The first byte of an input chooses the parser, the rest is parsed.
Whatever a parser raises but its own refusal ends the program with a traceback, as does any breach
of what it promises.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import atheris
from aiohttp import web
from multidict import CIMultiDict

with atheris.instrument_imports(include=["apogee_idp"]):
    from apogee_idp.assertions import parse_assertion
    from apogee_idp.crypto.reading import parse_token, time_claim, unverified_claims
    from apogee_idp.errors import CommandRefused, InvalidClient, InvalidRequest, InvalidToken
    from apogee_idp.management.redirect_uris import check_redirect_uris
    from apogee_idp.requests import PresentedAssertion, PresentedCredentials
    from apogee_idp.strict_json import NotStrictJson, parse_json
    from apogee_idp.web.credentials import read_credentials
    from apogee_idp.web.form import MalformedForm, parse_form
    from apogee_idp.web.interaction.destinations import form_target, with_parameters


def form(raw: bytes) -> None:
    """What was read is read again if it is written anew."""
    with suppress(MalformedForm):
        pairs = parse_form(raw)
        assert parse_form(urlencode(pairs).encode()) == pairs


def basic(raw: bytes) -> None:
    """A client and its secret, or a refusal."""
    headers = CIMultiDict({"Authorization": raw.decode("utf-8", "surrogateescape")})
    request = cast(web.Request, SimpleNamespace(headers=headers))
    with suppress(InvalidClient, InvalidRequest):
        read = read_credentials(request, {}, source="")
        assert isinstance(read, PresentedCredentials)
        assert "\0" not in read.client_id + read.client_secret


def jwt(raw: bytes) -> None:
    """A header and claims, or a refusal; as a token, and as an assertion."""
    text = raw.decode("utf-8", "surrogateescape")
    with suppress(InvalidClient):
        parse_assertion(PresentedAssertion(text, None))
    with suppress(InvalidToken):
        token = parse_token(text)
        assert token.token == text
        claims = unverified_claims(token)
        assert isinstance(time_claim(claims, "exp"), int | None)


def strict_json(raw: bytes) -> None:
    """The same that Python's own parser reads, or a refusal."""
    with suppress(NotStrictJson):
        value = parse_json(raw)
        assert value == json.loads(raw)
        json.dumps(value, allow_nan=False).encode()


def redirect_uri(raw: bytes) -> None:
    """One that a client may have leads where it says, with whatever is added."""
    uri = raw.decode("utf-8", "surrogateescape")
    for application_type in ("web", "native"):
        with suppress(CommandRefused):
            check_redirect_uris([uri], cast(Any, application_type), field="redirect_uris")
            parsed = urlsplit(uri)
            answer = urlsplit(with_parameters(uri, {"code": "&x=#"}))
            assert (answer.scheme, answer.netloc) == (parsed.scheme, parsed.netloc)
            assert answer.path == parsed.path
            assert not set(form_target(uri)) & set(";,\r\n")
            uri.encode("ascii")


PARSERS = (form, basic, jwt, strict_json, redirect_uri)
SEEDS = (
    (form, b"grant_type=client_credentials&scope=a+b&x=%C3%A9"),
    (basic, b"Basic YmlsbGluZzphcG9nZWU="),
    (jwt, b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIiwic3ViIjoiYSIsImV4cCI6MX0.AAAA"),
    (jwt, b"eyJhbGciOiJSU0EtT0FFUCJ9.AAAA.AAAA.AAAA.AAAA"),
    (strict_json, b'{"a": [1, -2.5e3, null, true, "\\u00e9\\ud83d\\ude42"], "b": {}}'),
    (redirect_uri, b"https://app.example:8443/callback?tenant=blue"),
    (redirect_uri, b"http://127.0.0.1:80/callback"),
    (redirect_uri, b"com.example.app:/callback"),
)


def parse(data: bytes) -> None:
    """One input."""
    if data:
        PARSERS[data[0] % len(PARSERS)](data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, parse)
    atheris.Fuzz()
