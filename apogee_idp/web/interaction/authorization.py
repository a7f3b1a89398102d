"""``/connect/authorize``: a code at once, or a page first."""

from __future__ import annotations

from aiohttp import web

from ...browser_secrets import key_of
from ...errors import InteractionRequired, InvalidRequestUri, OAuthError, UnusableEvent
from ...events import ProcessAuthorization
from ...interactions import Parameters
from ...logs import annotate_request
from ...pipeline import Registry
from ...pushed_requests import is_pushed
from ...requests import Session
from ...services import Services
from ...stages import AuthorizationStage
from .destinations import Destinations, see_other
from .parsing import authorization_request_of, read_parameters, without_credentials
from .people import People
from .plain_pages import PlainPages


class Authorizer:
    """Runs the pipeline over authorization requests, and answers those that are decided."""

    def __init__(self, services: Services, registry: Registry) -> None:
        self._registry = registry
        self._destinations = Destinations(services.settings.issuer)

    async def validate(self, event: ProcessAuthorization, *, until: AuthorizationStage) -> None:
        """Runs the stages before ``until``; raises what they refuse with."""
        try:
            await self._registry.dispatch(event, until=until)
        finally:
            _annotate(event)

    async def grant(self, request: web.Request, event: ProcessAuthorization) -> web.Response:
        """The answer with a code; raises InteractionRequired if a person is needed first.

        Whatever else is refused is told to the client, or on a page. Raises UnusableEvent for a
        session that is not the browser's.
        """
        session = event.session
        try:
            await self._registry.dispatch(event)
            if session is None or event.session is not session:
                raise UnusableEvent("another session than that of the browser")
            return self._destinations.granted(request, event)
        except InteractionRequired as error:
            if self.may_ask(event, error):
                raise
            return self.refuse(request, event, error)
        except OAuthError as error:
            return self.refuse(request, event, error)
        finally:
            _annotate(event)

    @staticmethod
    def may_ask(event: ProcessAuthorization, error: InteractionRequired) -> bool:
        """Not where the client wants no page, and not again for what she has just done."""
        if "none" in event.request.prompts:
            return False
        return error.code != "login_required" or not event.is_fresh

    def refuse(
        self, request: web.Request, event: ProcessAuthorization, error: OAuthError
    ) -> web.Response:
        """At the client's redirect URI, or on a page as long as that isn't known to be one."""
        if event.redirect_uri is None:
            return PlainPages.refused(request, error)
        annotate_request(error=error.code, reason=error.reason)
        return self._destinations.refused(request, event, error)


class AuthorizationEndpoint:
    """RFC 6749 §3.1; what a browser brings from another site by POST comes without its cookies."""

    def __init__(self, services: Services, authorizer: Authorizer, people: People) -> None:
        self._authorizer = authorizer
        self._people = people
        self._pushed = services.pushed_requests
        self._timeout = services.settings.request_timeout
        self._pages = services.settings.issuer_path + "/connect/interaction/"

    async def handle(self, request: web.Request) -> web.Response:
        """Raises StoreUnavailable or HandlerFault: pages say so, and one can try again."""
        try:
            sent = await read_parameters(request, timeout=self._timeout)
            parameters = await self._asked(without_credentials(sent))
            if request.method == "POST":
                return await self._park(request, parameters)
            return await self._answer(request, parameters, await self._people.session(request))
        except OAuthError as error:
            return PlainPages.refused(request, error)

    async def _asked(self, sent: Parameters) -> Parameters:
        """What was pushed, if all that comes is its ``request_uri``; raises InvalidRequestUri.

        Whatever else it brings then, counts for nothing (RFC 9126 §4, RFC 9101 §5).
        """
        uris = [value for name, value in sent if name == "request_uri" and is_pushed(value)]
        if not uris:
            return sent
        clients = [value for name, value in sent if name == "client_id"]
        if len(uris) != 1 or len(clients) != 1:
            raise InvalidRequestUri(reason="not one client_id and one request_uri")
        pushed = await self._pushed.find(uris[0], clients[0])
        if pushed is None:
            raise InvalidRequestUri(reason="no usable request of this client")
        return (*pushed, ("client_id", clients[0]), ("request_uri", uris[0]))

    async def _answer(
        self, request: web.Request, parameters: Parameters, session: Session | None
    ) -> web.Response:
        event = ProcessAuthorization(authorization_request_of(parameters), session)
        try:
            return await self._authorizer.grant(request, event)
        except InteractionRequired as error:
            annotate_request(interaction=error.code, reason=error.reason)
        secret = self._people.secret(request)
        browser = key_of(secret)
        handle = await self._people.park(request, "authorization", parameters, browser=browser)
        return self._people.mark(request, see_other(self._pages + handle), secret)

    async def _park(self, request: web.Request, parameters: Parameters) -> web.Response:
        """Once it is known to be a request, it waits until the browser comes with its cookies."""
        event = ProcessAuthorization(authorization_request_of(parameters))
        try:
            await self._authorizer.validate(event, until=AuthorizationStage.VALIDATE_SESSION)
        except OAuthError as error:
            return self._authorizer.refuse(request, event, error)
        handle = await self._people.park(request, "authorization", parameters)
        return see_other(self._pages + handle)


def _annotate(event: ProcessAuthorization) -> None:
    if event.client is not None:
        annotate_request(client_id=event.client.client_id)
    if event.session is not None:
        annotate_request(subject=event.session.user.subject)
