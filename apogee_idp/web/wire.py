"""Between HTTP and the token events: one parse in, one rendering out."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
from collections.abc import Mapping
from types import MappingProxyType

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from ..errors import (
    InvalidClient,
    InvalidRequest,
    OAuthError,
    TemporarilyUnavailable,
    UnusableEvent,
)
from ..events import RESERVED_PARAMETERS
from ..model import PresentedCredentials, TokenRequest, TokenResponse
from .form import MalformedForm, decode_component, parse_form

MAXIMUM_BODY_BYTES = 16 * 1024
MAXIMUM_PARAMETERS = 32
FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"
CREDENTIAL_PARAMETERS = ("client_secret", "client_assertion", "client_assertion_type")

_CHALLENGE = 'Basic realm="apogee-idp", charset="UTF-8"'
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_NOT_IN_A_DESCRIPTION = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")
_REPEATABLE = frozenset({"resource"})


async def read_token_request(request: web.Request, *, timeout: float) -> TokenRequest:
    """The request, parsed once; raises InvalidRequest or InvalidClient.

    The body must arrive within ``timeout`` seconds.
    """
    _check_head(request)
    parameters, resources = _parameters(await _read_body(request, timeout))
    credentials = _credentials(request, parameters)
    grant_type = parameters.pop("grant_type", None)
    scope = parameters.pop("scope", None)
    for name in ("client_id", *CREDENTIAL_PARAMETERS):
        parameters.pop(name, None)
    return TokenRequest(grant_type, credentials, scope, resources, MappingProxyType(parameters))


def render_token_response(response: TokenResponse) -> web.Response:
    """RFC 6749 §5.1; raises UnusableEvent if a plugin's parameters are ours, or no JSON."""
    token = response.access_token
    body = {"access_token": token.value, "token_type": "Bearer", "expires_in": token.expires_in}
    if token.scope:
        body["scope"] = token.scope
    if RESERVED_PARAMETERS & response.parameters.keys():
        raise UnusableEvent("a reserved response parameter was added")
    try:
        text = json.dumps(body | dict(response.parameters), allow_nan=False)
    except (TypeError, ValueError):
        raise UnusableEvent("a response parameter is not JSON") from None
    return web.json_response(text=text, headers=_NO_STORE)


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
        raise InvalidRequest("The token endpoint takes POST only.", status=405)
    if request.headers.getall("Content-Encoding", []):
        raise InvalidRequest("A Content-Encoding is not accepted.", status=415)
    types = request.headers.getall("Content-Type", [])
    if len(types) != 1 or not _is_utf8_form(types[0]):
        raise InvalidRequest(f"The Content-Type must be {FORM_MEDIA_TYPE} in UTF-8.")
    if request.headers.get("Transfer-Encoding", "chunked").lower() != "chunked":
        raise InvalidRequest("A Transfer-Encoding other than chunked is not accepted.")
    if not request.query.keys().isdisjoint(CREDENTIAL_PARAMETERS):
        raise InvalidRequest("Credentials in the URL are not accepted: it is logged everywhere.")


def _is_utf8_form(content_type: str) -> bool:
    media_type, *options = (part.strip().lower() for part in content_type.split(";"))
    charsets = {o.removeprefix("charset=").strip('"') for o in options if o.startswith("charset")}
    return media_type == FORM_MEDIA_TYPE and charsets <= {"utf-8", "utf8"}


async def _read_body(request: web.Request, timeout: float) -> bytes:
    body = bytearray()
    too_large = InvalidRequest("The body is too large.", status=413)
    if (request.content_length or 0) > MAXIMUM_BODY_BYTES:
        raise too_large
    try:
        async with asyncio.timeout(timeout):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > MAXIMUM_BODY_BYTES:
                    raise too_large
    except TimeoutError:
        raise InvalidRequest("The body did not arrive in time.", status=408) from None
    except (ClientError, HttpProcessingError, ConnectionError):
        raise InvalidRequest("The body is broken.") from None
    return bytes(body)


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


def _credentials(
    request: web.Request, parameters: Mapping[str, str]
) -> PresentedCredentials | None:
    """RFC 6749 §2.3: one method of client authentication at most."""
    authorization = request.headers.getall("Authorization", [])
    by_secret = "client_secret" in parameters
    by_assertion = "client_assertion" in parameters or "client_assertion_type" in parameters
    if len(authorization) + by_secret + by_assertion > 1:
        raise InvalidRequest("More than one way of client authentication was used.")
    if by_assertion:
        raise InvalidClient(reason="client assertions are not offered")
    client_id = parameters.get("client_id", "")
    if authorization:
        presented = _basic_credentials(authorization[0])
        if client_id and client_id != presented.client_id:
            raise InvalidRequest("The client_id differs from the one in the Authorization header.")
        return presented
    if client_id and by_secret:
        return PresentedCredentials(client_id, parameters["client_secret"], "client_secret_post")
    return None


def _basic_credentials(header: str) -> PresentedCredentials:
    """RFC 6749 §2.3.1: id and secret are form-encoded first, then base64 (RFC 7617)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient(reason="unsupported authentication scheme")
    try:
        user, colon, password = base64.b64decode(encoded.strip(" "), validate=True).partition(b":")
        presented = PresentedCredentials(
            decode_component(user), decode_component(password), "client_secret_basic"
        )
    except (binascii.Error, ValueError):
        raise InvalidClient(reason="malformed Basic credentials") from None
    if not colon:
        raise InvalidClient(reason="Basic credentials without a colon")
    return presented
