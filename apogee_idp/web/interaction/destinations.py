"""Sending a browser back to the client, with an answer."""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import quote, urlsplit

from aiohttp import web

from ...errors import OAuthError, UnusableEvent
from ...events import RESERVED_ANSWERS, ProcessAuthorization
from ...requests import AuthorizationResponse, ResponseMode
from ..pages import render_page

SUBMIT_SCRIPT = "document.forms[0].submit()"
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(SUBMIT_SCRIPT.encode()).digest()).decode()
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class Destinations:
    """Answers authorization requests at the client's redirect URI, as ``issuer`` (RFC 9207)."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def granted(self, request: web.Request, event: ProcessAuthorization) -> web.Response:
        """The response that the handlers made; raises UnusableEvent if it is none."""
        response = event.response
        if not isinstance(response, AuthorizationResponse) or event.code is None:
            raise UnusableEvent("no authorization response")
        if (RESERVED_ANSWERS - {"code"}) & response.parameters.keys():
            raise UnusableEvent("a reserved parameter was added to the response")
        return self._answered(request, event, dict(response.parameters) | {"code": event.code})

    def refused(
        self, request: web.Request, event: ProcessAuthorization, error: OAuthError
    ) -> web.Response:
        """RFC 6749 §4.1.2.1; raises UnusableEvent if nobody knows where to."""
        told = {"error": error.code, "error_description": error.description}
        return self._answered(request, event, told)

    def _answered(
        self, request: web.Request, event: ProcessAuthorization, parameters: dict[str, str]
    ) -> web.Response:
        client, uri = event.known_client(), event.redirect_uri
        # Once more: whatever handlers did, nobody is sent where the client has not registered.
        if uri is None or uri != event.request.redirect_uri or not client.permits_redirect_uri(uri):
            raise UnusableEvent("no redirect URI of this client")
        if event.request.state is not None:
            parameters["state"] = event.request.state
        parameters["iss"] = self._issuer
        if event.response_mode == "form_post":
            return _posted(request, uri, parameters)
        return see_other(with_parameters(uri, parameters))


def see_other(url: str) -> web.Response:
    """303, so that no form is ever sent on to where it leads (RFC 9700 §4.12)."""
    return web.Response(status=303, headers={**_NO_STORE, "Location": url})


def with_parameters(uri: str, parameters: dict[str, str]) -> str:
    """``uri`` as it is registered, its own query included, and the parameters behind it."""
    query = "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in parameters.items()
    )
    if not query:
        return uri
    if "?" not in uri:
        return f"{uri}?{query}"
    glue = "" if uri.endswith(("?", "&")) else "&"
    return f"{uri}{glue}{query}"


def form_target(uri: str | None) -> str:
    """What ``form-action`` has to allow, for a form that is redirected to ``uri`` in the end.

    Browsers hold to that directive all redirects behind a form, also those that the client makes
    to yet another of its hosts: so https is allowed as a whole. Of http, which is a program on the
    same machine, the one address; unless the directive can't name it (IPv6).
    """
    if uri is None:
        return "'self'"
    url = urlsplit(uri)
    if url.scheme == "http" and _HOST.fullmatch(url.netloc):
        return f"'self' http://{url.netloc}"
    return f"'self' {url.scheme}:"


def redirects_to(response_mode: ResponseMode, uri: str | None) -> str:
    """The same for a page of ours behind which the browser goes to ``uri``."""
    return form_target(uri if response_mode == "query" else None)


def _posted(request: web.Request, uri: str, parameters: dict[str, str]) -> web.Response:
    """OAuth 2.0 Form Post Response Mode §2; without scripts there is a button."""
    context: dict[str, object] = {"uri": uri, "parameters": parameters, "script": SUBMIT_SCRIPT}
    response = render_page(
        request, "form_post.html", context, form_action=form_target(uri), script=_SCRIPT_HASH
    )
    response.headers.update(_NO_STORE)
    return response
