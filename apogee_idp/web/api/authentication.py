"""Who calls the management API: exactly one of a bearer token and a console session."""

from __future__ import annotations

from aiohttp import web

from ...pipeline import Registry
from ...services import Services
from .bearer import BearerAuthentication
from .calls import Caller
from .console_session import ConsoleSessions
from .problems import Problem


class ApiAuthentication:
    """Whoever brings both is told so: nobody could say which of them has done it."""

    def __init__(self, services: Services, registry: Registry) -> None:
        self.sessions = ConsoleSessions(services)
        self._bearer = BearerAuthentication(services, registry)

    async def caller(self, request: web.Request, *, personal: bool = False) -> Caller:
        """Who calls; for what is ``personal``, a person.

        Raises Problem, InvalidRequest, and StoreUnavailable if nobody can tell.
        """
        is_person = self.sessions.is_presented(request)
        if is_person and "Authorization" in request.headers:
            told = "A bearer token and a session together are not accepted: send one of them."
            raise Problem(400, "invalid-request", told)
        if not is_person and not personal:
            return Caller(await self._bearer.actor(request))
        caller = await self.sessions.caller(request)
        if not personal and not caller.actor.scopes:
            told = "Only administrators of this identity provider manage it."
            raise Problem(403, "not-administrator", told)
        return caller
