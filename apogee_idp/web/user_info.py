"""``/connect/userinfo`` (OpenID Connect Core §5.3)."""

from __future__ import annotations

import json
import re

from aiohttp import web

from ..errors import InsufficientScope, InvalidRequest, InvalidToken, OAuthError, UnusableEvent
from ..events import RESERVED_CLAIMS, ProcessUserInfo
from ..logs import annotate_request
from ..model import thawed
from ..pipeline import Registry
from ..services import Services
from .interaction.parsing import form_of, read_parameters
from .wire import FORM_MEDIA_TYPE

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_REALM = 'Bearer realm="apogee-idp"'
_HEADERS = {
    "Cache-Control": "no-store",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "WWW-Authenticate",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "3600",
}
_OWN_ROLES = frozenset({"name", "role"})


class UserInfoEndpoint:
    """Tells whoever has the access token of a person what its scopes release.

    Pages of any origin may ask (CORS): the token is not one that browsers send by themselves.
    """

    def __init__(self, services: Services, registry: Registry) -> None:
        self._reader = services.reader
        self._registry = registry
        self._timeout = services.settings.request_timeout

    async def handle(self, request: web.Request) -> web.Response:
        """RFC 6750 §3: refusals are in ``WWW-Authenticate``, and in the body."""
        if request.method == "OPTIONS":
            return web.Response(status=204, headers={**_HEADERS, **_PREFLIGHT})
        try:
            token = await self._presented(request)
            if token is None:
                return _challenge(401, None)
            return await self._answer(token)
        except OAuthError as error:
            annotate_request(error=error.code, reason=error.reason)
            return _challenge(error.status, error)

    async def _answer(self, token: str) -> web.Response:
        event = ProcessUserInfo(token)
        await self._registry.dispatch(event)
        validated = self._reader.vouch(event.token, token)
        annotate_request(client_id=validated.client_id)
        subject = str(validated.claims.get("sub"))
        if event.user is None or event.user.subject != subject:
            raise UnusableEvent("another user than the token's")
        annotate_request(subject=subject)
        if (RESERVED_CLAIMS - _OWN_ROLES) & event.claims.keys():
            raise UnusableEvent("a reserved claim was added")
        try:
            text = json.dumps(thawed(dict(event.claims)) | {"sub": subject}, allow_nan=False)
        except (TypeError, ValueError):
            raise UnusableEvent("a claim is not JSON") from None
        return web.json_response(text=text, headers=_HEADERS)

    async def _presented(self, request: web.Request) -> str | None:
        """The token from the one place where it stands (RFC 6750 §2); None for none at all."""
        given = [_bearer(value) for value in request.headers.getall("Authorization", [])]
        if "access_token" in request.query:
            raise InvalidRequest("A token in the URL is not accepted.")
        if request.method == "POST" and request.content_type == FORM_MEDIA_TYPE:
            form = form_of(await read_parameters(request, timeout=self._timeout))
            given += [form["access_token"]] if "access_token" in form else []
        if len(given) > 1:
            raise InvalidRequest("The token is there twice.")
        if not given or given[0] is None:
            return None
        if not _TOKEN.fullmatch(given[0]):
            raise InvalidRequest("The token is malformed.")
        return given[0]


def _bearer(header: str) -> str | None:
    scheme, _, token = header.partition(" ")
    return token.strip(" ") if scheme.lower() == "bearer" else None


def _challenge(status: int, error: OAuthError | None) -> web.Response:
    """Without an error where nothing was presented (RFC 6750 §3.1)."""
    headers, body = dict(_HEADERS), {}
    if error is not None:
        body = {"error": error.code, "error_description": error.description}
    if error is None or isinstance(error, InvalidToken | InsufficientScope | InvalidRequest):
        named = [f'{name}="{value}"' for name, value in body.items()]
        if isinstance(error, InsufficientScope):
            named.append(f'scope="{error.scope}"')
        headers["WWW-Authenticate"] = ", ".join([_REALM, *named])
    return web.json_response(body, status=status, headers=headers)
