"""``/connect/logout`` (OpenID Connect RP-Initiated Logout): confirmed, and then really gone."""

from __future__ import annotations

from aiohttp import web

from ...browser_secrets import key_of
from ...errors import OAuthError
from ...events import ProcessEndSession
from ...interactions import Interaction, Parameters
from ...logs import annotate_request
from ...pipeline import Registry
from ...services import Services
from ..pages import render_page
from .destinations import form_target, see_other, with_parameters
from .own_forms import OwnForms, form_token
from .parsing import end_session_request_of, read_parameters
from .people import People
from .plain_pages import PlainPages


class LogoutEndpoint:
    """Whoever sends somebody here, she says herself whether she wants to sign out."""

    def __init__(self, services: Services, registry: Registry, people: People) -> None:
        self._registry = registry
        self._people = people
        self._interactions = services.interactions
        self._own_forms = OwnForms(services.settings)
        self._timeout = services.settings.request_timeout
        self._base = services.settings.issuer_path
        self._done = self._base + "/connect/signed-out"

    async def request(self, request: web.Request) -> web.Response:
        """The request waits, like one for authorization, and the address has its handle alone."""
        try:
            parameters = await read_parameters(request, timeout=self._timeout)
            await self._processed(parameters)
            secret = self._people.secret(request)
            # A form of another site comes without cookies: who brings it, is seen on the next page.
            browser = key_of(secret) if request.method == "GET" else None
            handle = await self._people.park(request, "logout", parameters, browser=browser)
            response = see_other(f"{self._base}/connect/logout/{handle}")
            return self._people.mark(request, response, secret) if browser else response
        except OAuthError as error:
            return PlainPages.refused(request, error)

    async def confirm(self, request: web.Request) -> web.Response:
        """The page that asks, and its form."""
        try:
            secret = self._people.secret(request)
            interaction = await self._people.interaction(request, "logout", secret)
            if interaction is None:
                return PlainPages.gone(request)
            if request.method == "POST":
                return await self._act(request, interaction, secret)
            return self._people.mark(
                request, await self._show(request, interaction, secret), secret
            )
        except OAuthError as error:
            return PlainPages.refused(request, error)

    async def done(self, request: web.Request) -> web.Response:
        """The page behind it, for whom no client waits."""
        return PlainPages.signed_out(request)

    async def _show(
        self, request: web.Request, interaction: Interaction, secret: str
    ) -> web.Response:
        event = await self._processed(interaction.parameters)
        session = await self._people.session(request)
        if session is None:
            await self._interactions.take(interaction)
            return self._left(event)
        context: dict[str, object] = {
            "client": event.client and (event.client.display_name or event.client.client_id),
            "email": session.user.email,
            "action": request.path,
            "token": form_token(secret, interaction.handle),
        }
        target = form_target(event.redirect_uri)
        response = render_page(request, "logout.html", context, form_action=target)
        response.headers["Cache-Control"] = "no-store"
        return response

    async def _act(
        self, request: web.Request, interaction: Interaction, secret: str
    ) -> web.Response:
        form = await self._own_forms.read(request, secret, interaction.handle)
        event = await self._processed(interaction.parameters)
        if not await self._interactions.take(interaction):
            return PlainPages.gone(request)
        if form.get("action") != "sign_out":
            return see_other(f"{self._base}/")
        await self._people.sign_out(request)
        return self._people.forget(self._left(event))

    def _left(self, event: ProcessEndSession) -> web.Response:
        """At the client's page, if it has one; with its ``state``."""
        uri, client = event.redirect_uri, event.client
        # Once more: whatever handlers did, nobody is sent where the client has not registered.
        if uri is None or client is None or not client.permits_post_logout_redirect_uri(uri):
            return see_other(self._done)
        state = event.request.state
        return see_other(with_parameters(uri, {} if state is None else {"state": state}))

    async def _processed(self, parameters: Parameters) -> ProcessEndSession:
        event = ProcessEndSession(end_session_request_of(parameters))
        await self._registry.dispatch(event)
        annotate_request(reason=event.refusal)
        return event
