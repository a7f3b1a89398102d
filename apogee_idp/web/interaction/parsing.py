"""What a browser brings along: parameters in the address or in a form, each of them once."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType

from aiohttp import web

from ...errors import InvalidRequest
from ...interactions import Parameters
from ...pushed_requests import is_pushed
from ...requests import AuthorizationRequest, EndSessionRequest
from ..form import MalformedForm, parse_form
from ..wire import (
    FORM_MEDIA_TYPE,
    MAXIMUM_BODY_BYTES,
    MAXIMUM_PARAMETERS,
    is_utf8_form,
    read_body,
)

_CREDENTIALS = frozenset(
    {"client_secret", "client_assertion", "client_assertion_type", "code_verifier"}
)
_REPEATABLE = frozenset({"resource"})


async def read_parameters(request: web.Request, *, timeout: float) -> Parameters:
    """Those of the query of a GET, or of the form of a POST; raises InvalidRequest.

    The body must arrive within ``timeout`` seconds.
    """
    if request.method in ("GET", "HEAD"):
        raw = request.raw_path.partition("?")[2].encode("utf-8", "surrogateescape")
    elif request.headers.getall("Content-Encoding", []):
        raise InvalidRequest("A Content-Encoding is not accepted.", status=415)
    elif not is_utf8_form(request):
        raise InvalidRequest(f"The Content-Type must be {FORM_MEDIA_TYPE} in UTF-8.")
    else:
        raw = await read_body(request, timeout=timeout)
    if len(raw) > MAXIMUM_BODY_BYTES:
        raise InvalidRequest("The parameters are too large.", status=413)
    try:
        pairs = tuple(parse_form(raw))
    except MalformedForm as error:
        raise InvalidRequest(f"The parameters are malformed: {error}.") from None
    if len(pairs) > MAXIMUM_PARAMETERS:
        raise InvalidRequest("There are too many parameters.", status=413)
    return pairs


def without_credentials(parameters: Parameters) -> Parameters:
    """What may be kept of a request: a client that sends these along by a browser is mistaken."""
    return tuple((name, value) for name, value in parameters if name not in _CREDENTIALS)


def authorization_request_of(parameters: Parameters) -> AuthorizationRequest:
    """RFC 6749 §4.1.1; empty parameters count as absent (§3.1).

    A ``request_uri`` of ours is the one that the other parameters were pushed under: whoever reads
    them from a browser has them from ``PushedRequests`` then.
    """
    rest, repeated = _each_once(parameters)
    request_uri = rest.pop("request_uri") if is_pushed(rest.get("request_uri", "")) else None
    return AuthorizationRequest(
        client_id=rest.pop("client_id", None),
        redirect_uri=rest.pop("redirect_uri", None),
        response_type=rest.pop("response_type", None),
        response_mode=rest.pop("response_mode", None),
        scope=rest.pop("scope", None),
        state=rest.pop("state", None),
        resources=tuple(value for name, value in parameters if name in _REPEATABLE and value),
        parameters=MappingProxyType(rest),
        repeated=repeated,
        request_uri=request_uri,
    )


def end_session_request_of(parameters: Parameters) -> EndSessionRequest:
    """OpenID Connect RP-Initiated Logout §2."""
    given, repeated = _each_once(parameters)
    return EndSessionRequest(
        id_token_hint=given.get("id_token_hint"),
        client_id=given.get("client_id"),
        post_logout_redirect_uri=given.get("post_logout_redirect_uri"),
        state=given.get("state"),
        repeated=repeated,
    )


def form_of(parameters: Parameters) -> dict[str, str]:
    """The fields of one of our own forms; raises InvalidRequest for one that is there twice."""
    fields, repeated = _each_once(parameters)
    if repeated:
        raise InvalidRequest("A field is repeated.")
    return fields


def _each_once(parameters: Parameters) -> tuple[dict[str, str], frozenset[str]]:
    counts = Counter(name for name, _ in parameters if name not in _REPEATABLE)
    given = {name: value for name, value in parameters if value and counts[name] == 1}
    return given, frozenset(name for name, count in counts.items() if count > 1)
