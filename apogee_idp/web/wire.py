"""Between HTTP and the events of the OAuth endpoints: one parse in, one rendering out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from ..errors import (
    InvalidRequest,
    OAuthError,
    TemporarilyUnavailable,
    UnusableEvent,
)
from ..events import RESERVED_CLAIMS, RESERVED_PARAMETERS
from ..model import thawed
from ..requests import (
    Credentials,
    IntrospectionRequest,
    RevocationRequest,
    TokenRequest,
    TokenResponse,
    ValidatedToken,
)
from ..waiting import within
from .credentials import CREDENTIAL_PARAMETERS, read_credentials
from .form import MalformedForm, parse_form
from .in_flight import lending_place

MAXIMUM_BODY_BYTES = 16 * 1024
MAXIMUM_PARAMETERS = 32
FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"

_CHALLENGE = 'Basic realm="apogee-idp", charset="UTF-8"'
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_NOT_IN_A_DESCRIPTION = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")
_to_json = json.JSONEncoder(allow_nan=False).encode
_REPEATABLE = frozenset({"resource"})


@dataclass(frozen=True, slots=True)
class Form:
    """What every client sends: parameters, each once, and its credentials, taken apart."""

    parameters: dict[str, str] = field(repr=False)
    resources: tuple[str, ...]
    credentials: Credentials | None


async def read_form(request: web.Request, *, timeout: float, source: str) -> Form:
    """The request that came from ``source``, parsed once; raises InvalidRequest or InvalidClient.

    The body must arrive within ``timeout`` seconds.
    """
    _check_head(request)
    parameters, resources = _parameters(await read_body(request, timeout=timeout))
    credentials = read_credentials(request, parameters, source=source)
    for name in ("client_id", *CREDENTIAL_PARAMETERS):
        parameters.pop(name, None)
    return Form(parameters, resources, credentials)


def token_request_of(form: Form) -> TokenRequest:
    """RFC 6749 §3.2."""
    rest = dict(form.parameters)
    grant_type, scope = rest.pop("grant_type", None), rest.pop("scope", None)
    return TokenRequest(grant_type, form.credentials, scope, form.resources, MappingProxyType(rest))


def introspection_request_of(form: Form) -> IntrospectionRequest:
    """RFC 7662 §2.1; the hint is not needed to tell what a token is."""
    rest = dict(form.parameters)
    return IntrospectionRequest(rest.pop("token", None), form.credentials, MappingProxyType(rest))


def revocation_request_of(form: Form) -> RevocationRequest:
    """RFC 7009 §2.1; the hint is not needed to tell what a token is."""
    rest = dict(form.parameters)
    return RevocationRequest(rest.pop("token", None), form.credentials, MappingProxyType(rest))


def render_token_response(response: TokenResponse) -> web.Response:
    """RFC 6749 §5.1; raises UnusableEvent if a plugin's parameters are ours, or no JSON."""
    token = response.access_token
    body = {"access_token": token.value, "token_type": "Bearer", "expires_in": token.expires_in}
    if token.scope:
        body["scope"] = token.scope
    if response.id_token is not None:
        body["id_token"] = response.id_token.value
    if response.refresh_token is not None:
        body["refresh_token"] = response.refresh_token.value
    if RESERVED_PARAMETERS & response.parameters.keys():
        raise UnusableEvent("a reserved response parameter was added")
    try:
        text = _to_json(body | dict(response.parameters))
    except (TypeError, ValueError):
        raise UnusableEvent("a response parameter is not JSON") from None
    return web.json_response(text=text, headers=_NO_STORE)


def render_introspection(token: ValidatedToken | None, members: Mapping[str, Any]) -> web.Response:
    """RFC 7662 §2.2: all that the token says, or only that it is not active.

    Raises UnusableEvent if a plugin's members are ours, or no JSON.
    """
    if token is None:
        return web.json_response({"active": False}, headers=_NO_STORE)
    if RESERVED_CLAIMS & members.keys():
        raise UnusableEvent("a reserved member was added")
    told = {**members, **thawed(token.claims), "active": True}
    if token.kind == "access_token":
        told["token_type"] = "Bearer"
    try:
        text = _to_json(told)
    except (TypeError, ValueError):
        raise UnusableEvent("an added member is not JSON") from None
    return web.json_response(text=text, headers=_NO_STORE)


def render_revocation() -> web.Response:
    """RFC 7009 §2.2: the same for a token that has ended and for one that never was."""
    return web.Response(headers=_NO_STORE)


def render_pushed_request(request_uri: str, expires_in: int) -> web.Response:
    """RFC 9126 §2.2."""
    body = {"request_uri": request_uri, "expires_in": expires_in}
    return web.json_response(body, status=201, headers=_NO_STORE)


def render_error(error: OAuthError) -> web.Response:
    """RFC 6749 §5.2; what a plugin put into its error is held to the characters allowed there."""
    headers = dict(_NO_STORE)
    if error.status == 401:
        headers["WWW-Authenticate"] = _CHALLENGE
    if error.status == 405:
        headers["Allow"] = "POST"
    if isinstance(error, TemporarilyUnavailable):
        headers["Retry-After"] = str(error.retry_after)
    body = {
        "error": error.code,
        "error_description": _NOT_IN_A_DESCRIPTION.sub("?", error.description),
    }
    return web.json_response(body, status=error.status, headers=headers)


def _check_head(request: web.Request) -> None:
    """RFC 6749 §3.2: POST only, a UTF-8 form only, and no secrets in the URL (§2.3.1)."""
    if request.method != "POST":
        raise InvalidRequest("This endpoint takes POST only.", status=405)
    if request.headers.getall("Content-Encoding", []):
        raise InvalidRequest("A Content-Encoding is not accepted.", status=415)
    if not is_utf8_form(request):
        raise InvalidRequest(f"The Content-Type must be {FORM_MEDIA_TYPE} in UTF-8.")
    if request.headers.get("Transfer-Encoding", "chunked").lower() != "chunked":
        raise InvalidRequest("A Transfer-Encoding other than chunked is not accepted.")
    if request.query_string and not request.query.keys().isdisjoint(CREDENTIAL_PARAMETERS):
        raise InvalidRequest("Credentials in the URL are not accepted: it is logged everywhere.")


def is_utf8_form(request: web.Request) -> bool:
    """Whether the one Content-Type says so."""
    types = request.headers.getall("Content-Type", [])
    return len(types) == 1 and _says_utf8_form(types[0])


@lru_cache(maxsize=64)
def _says_utf8_form(content_type: str) -> bool:
    media_type, *options = (part.strip().lower() for part in content_type.split(";"))
    charsets = {o.removeprefix("charset=").strip('"') for o in options if o.startswith("charset")}
    return media_type == FORM_MEDIA_TYPE and charsets <= {"utf-8", "utf8"}


async def read_body(
    request: web.Request, *, timeout: float, most: int = MAXIMUM_BODY_BYTES
) -> bytes:
    """The body, of ``most`` bytes at most, within ``timeout`` seconds; raises InvalidRequest."""
    try:
        if request.content.is_eof():
            body = request.content.read_nowait()
            _check_size(len(body), most)
            return body
        async with lending_place(request):
            return await within(timeout, _whole_body(request, most))
    except TimeoutError:
        raise InvalidRequest("The body did not arrive in time.", status=408) from None
    except (ClientError, HttpProcessingError, ConnectionError):
        raise InvalidRequest("The body is broken.") from None


async def _whole_body(request: web.Request, most: int) -> bytes:
    _check_size(request.content_length or 0, most)
    body = bytearray()
    while not request.content.at_eof():
        if request.transport is None:  # aiohttp has a RuntimeError for that
            raise ConnectionResetError
        body += await request.content.readany()
        _check_size(len(body), most)
    return bytes(body)


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise InvalidRequest("The body is too large.", status=413)


def _parameters(body: bytes) -> tuple[dict[str, str], tuple[str, ...]]:
    """Each parameter once, empty ones left out (RFC 6749 §3.2); and every ``resource``."""
    try:
        pairs = parse_form(body)
    except MalformedForm as error:
        raise InvalidRequest(f"The body is no form: {error}.") from None
    if len(pairs) > MAXIMUM_PARAMETERS:
        raise InvalidRequest("There are too many parameters.", status=413)
    seen: dict[str, str] = {}
    for name, value in pairs:
        if name in seen and name not in _REPEATABLE:
            raise InvalidRequest("A parameter is repeated.")
        seen[name] = value
    resources = tuple(value for name, value in pairs if name in _REPEATABLE and value)
    given = {n: v for n, v in seen.items() if v and n not in _REPEATABLE}
    return given, resources
