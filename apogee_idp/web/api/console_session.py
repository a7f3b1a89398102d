"""Who calls the management API in the console: a person, by the session of this very server.

Her browser sends the cookie with whatever any page asks for. So each request has to come from our
own pages, and each that changes something has to carry what only they can know.
"""

from __future__ import annotations

from aiohttp import web

from ...browser_secrets import is_proof, proof
from ...logs import annotate_request
from ...management.actor import person_actor
from ...services import Services
from ...settings import Settings
from ..cookies import Cookies
from ..middleware import REQUEST_ID
from .calls import Caller, Person
from .problems import Problem

CSRF_HEADER = "X-CSRF-Token"

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="apogee-idp"'}
_SAFE = frozenset({"GET", "HEAD"})


class ConsoleSessions:
    """Believes the cookie of a session that has not ended, from pages of our own origin.

    That is the one that the browser itself calls so; where it says nothing, the issuer's, or what
    becomes of it with ``admin_port``.
    """

    def __init__(self, services: Services) -> None:
        self._cookies = Cookies(services.settings.issuer)
        self._sessions = services.sessions
        self._origin = services.settings.console_origin

    def is_presented(self, request: web.Request) -> bool:
        """Whether there is a cookie at all; raises InvalidRequest if there are two."""
        return self._cookies.read(request, "session") is not None

    async def caller(self, request: web.Request) -> Caller:
        """Who is signed in; raises Problem, InvalidRequest and StoreUnavailable."""
        self._check_origin(request)
        value = self._cookies.read(request, "session")
        if value is None:
            raise ended("session-needed", "Nobody is signed in in this browser.")
        session = await self._sessions.find(value)
        if session is None:
            raise ended("session-ended", "The session has ended: sign in again.")
        annotate_request(subject=session.user.subject)
        if request.method not in _SAFE:
            self._check_token(request, value)
        actor = person_actor(session.user, request[REQUEST_ID])
        return Caller(actor, Person(session, csrf_token(value)))

    def forget(self, response: web.StreamResponse) -> None:
        """Takes the cookie from the browser."""
        self._cookies.clear(response, "session")

    def _check_origin(self, request: web.Request) -> None:
        """Fetch Metadata; older browsers have the Origin alone, and not with every GET."""
        sites = request.headers.getall("Sec-Fetch-Site", [])
        origins = [origin.lower() for origin in request.headers.getall("Origin", [])]
        if sites != ["same-origin"] and (sites or origins != [self._origin]):
            told = "Only the console's own pages may ask by the session of a person."
            raise Problem(403, "cross-origin", told)

    def _check_token(self, request: web.Request, value: str) -> None:
        presented = request.headers.getall(CSRF_HEADER, [])
        if len(presented) != 1 or not is_proof(presented[0], value, *_FACTS):
            told = f"{CSRF_HEADER} is not that of this session: ask for the session again."
            raise Problem(403, "csrf", told)


def csrf_token(value: str) -> str:
    """What a request that changes something has to carry: no page of another site can have it."""
    return proof(value, *_FACTS)


def ended(kind: str, told: str) -> Problem:
    """RFC 9110 §15.5.2: a 401 names a scheme; the one there is makes no browser ask."""
    return Problem(401, kind, told, headers=_CHALLENGE)


_FACTS = ("console",)


def cookie_name(settings: Settings) -> str:
    """How the cookie is called, for the description of the API."""
    return Cookies(settings.issuer).full_name("session")
