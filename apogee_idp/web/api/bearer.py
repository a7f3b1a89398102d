"""Who calls the management API: a bearer token in the Authorization header (RFC 6750)."""

from __future__ import annotations

import re

from aiohttp import web

from ...errors import InvalidToken
from ...events import ValidateToken
from ...logs import annotate_request
from ...pipeline import Registry
from ...requests import Actor, ValidatedToken
from ...services import Services
from ..middleware import REQUEST_ID
from ..wire import FORM_MEDIA_TYPE
from .problems import Problem

_REALM = 'Bearer realm="apogee-idp"'
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class BearerAuthentication:
    """Believes tokens of this server whose one audience is the management API."""

    def __init__(self, services: Services, registry: Registry) -> None:
        self._audience = (services.settings.management_audience,)
        self._clients = services.clients
        self._reader = services.reader
        self._registry = registry

    async def actor(self, request: web.Request) -> Actor:
        """Who calls; raises Problem, and StoreUnavailable if nobody can tell."""
        token = _presented(request)
        event = ValidateToken(token)
        try:
            await self._registry.dispatch(event)
            validated = self._reader.vouch(event.validated, token)
            self._check_audience(validated)
            scopes = await self._still_granted(validated)
        except InvalidToken as error:
            annotate_request(reason=error.reason)
            raise refused(401, "invalid_token", error.description) from None
        annotate_request(client_id=validated.client_id)
        return Actor(validated.client_id, scopes, request[REQUEST_ID])

    async def _still_granted(self, token: ValidatedToken) -> frozenset[str]:
        """The scopes of the token that its client still has: what was taken away ends at once."""
        client = await self._clients.get(token.client_id)
        if client is None:
            raise InvalidToken(reason="the client is gone")
        scopes = str(token.claims.get("scope", "")).split()
        return frozenset(scope for scope in scopes if client.permits_scope(scope))

    def _check_audience(self, token: ValidatedToken) -> None:
        """One that is for others, too, could be theirs to use."""
        if token.audience != self._audience:
            raise InvalidToken(reason="another audience than the management API alone")


def refused(status: int, code: str, description: str, *, scope: str | None = None) -> Problem:
    """RFC 6750 §3: a problem whose challenge names the error, and the scope that is missing."""
    challenge = f'{_REALM}, error="{code}", error_description="{description}"'
    if scope is not None:
        challenge += f', scope="{scope}"'
    headers = {"WWW-Authenticate": challenge}
    return Problem(status, code.replace("_", "-"), description, headers=headers)


def _presented(request: web.Request) -> str:
    """The token, from the one place where it may stand (RFC 6750 §2)."""
    given = request.headers.getall("Authorization", [])
    if "access_token" in request.query:
        raise refused(400, "invalid_request", "A token in the URL is not accepted.")
    if not given:
        raise _challenged()
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or request.content_type == FORM_MEDIA_TYPE:
        raise refused(400, "invalid_request", "The token stands in one Authorization header alone.")
    if scheme.lower() != "bearer":
        raise _challenged()
    if not _TOKEN.fullmatch(token.strip(" ")):
        raise refused(400, "invalid_request", "The Authorization header is malformed.")
    return token.strip(" ")


def _challenged() -> Problem:
    """Without an error code: nothing was wrong, only nothing was there (RFC 6750 §3.1)."""
    detail = "A bearer token is needed."
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": _REALM})
