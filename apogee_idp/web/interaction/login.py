"""``/connect/interaction/{handle}``: signing in, agreeing, and on to the client."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from ...browser_secrets import is_proof
from ...errors import (
    AccessDenied,
    ConsentRequired,
    InteractionRequired,
    InvalidRequest,
    OAuthError,
    SecondFactorRequired,
)
from ...events import ProcessAuthorization
from ...interactions import Interaction
from ...requests import Session
from ...services import Services
from ...stages import AuthorizationStage
from .authorization import Authorizer
from .destinations import see_other
from .forms import AuthorizationForms
from .own_forms import OwnForms
from .parsing import authorization_request_of
from .people import People
from .plain_pages import PlainPages
from .sign_in import SignIn

_AGREED = AuthorizationStage.GENERATE_CODE
"""What comes before it says whether a person is needed; from there on, a code is made."""


class InteractionEndpoint:
    """The pages between an authorization request and its answer, which is given once.

    Both pages have one address, so that going back or opening it anew shows what is due now. The
    forms carry nothing of the request: that is kept here since it came.
    """

    def __init__(
        self, services: Services, authorizer: Authorizer, people: People, sign_in: SignIn
    ) -> None:
        self._authorizer = authorizer
        self._people = people
        self._interactions = services.interactions
        self._consents = services.consents
        self._forms = AuthorizationForms(services)
        self._own_forms = OwnForms(services.settings)
        self._sign_in = sign_in
        self._second_factor = services.settings.issuer_path + "/account/second-factor"

    async def handle(self, request: web.Request) -> web.Response:
        """Raises StoreUnavailable or HandlerFault: pages say so, and one can try again."""
        try:
            secret = self._people.secret(request)
            interaction = await self._people.interaction(request, "authorization", secret)
            if interaction is None:
                return PlainPages.gone(request)
            if request.method == "POST":
                return await self._act(request, interaction, secret)
            return self._people.mark(
                request, await self._show(request, interaction, secret), secret
            )
        except OAuthError as error:
            return PlainPages.refused(request, error)

    async def _show(
        self, request: web.Request, interaction: Interaction, secret: str
    ) -> web.Response:
        """What is due: a page, or the answer to the client."""
        event = _event(interaction, await self._people.session(request))
        try:
            await self._authorizer.validate(event, until=_AGREED)
        except InteractionRequired as error:
            if self._authorizer.may_ask(event, error):
                return await self._page(request, event, interaction, secret, error)
            return await self._refuse(request, event, interaction, error)
        except OAuthError as error:
            return await self._refuse(request, event, interaction, error)
        return await self._finish(request, interaction, _event(interaction, event.session))

    async def _page(
        self,
        request: web.Request,
        event: ProcessAuthorization,
        interaction: Interaction,
        secret: str,
        error: InteractionRequired,
    ) -> web.Response:
        if isinstance(error, ConsentRequired):
            return await self._forms.consent(request, event, interaction, secret)
        asked = self._forms.asked(event)
        if isinstance(error, SecondFactorRequired) and event.session is not None:
            if event.session.user.second_factor is None:
                return self._forms.second_factor_needed(request, event, interaction, secret)
            interaction = await self._sign_in.step_up(interaction, event.session)
        return await self._sign_in.page(request, interaction, secret, asked)

    async def _act(
        self, request: web.Request, interaction: Interaction, secret: str
    ) -> web.Response:
        """One of our forms was sent; raises InvalidRequest (403) unless it is this browser's."""
        form = await self._own_forms.read(request, secret, interaction.handle)
        match form.get("action"):
            case action if action in self._sign_in.ACTIONS:
                return await self._try(request, interaction, form, secret)
            case "set_up":
                return see_other(f"{self._second_factor}?continue={interaction.handle}")
            case "approve":
                return await self._approve(request, interaction, form, secret)
            case "cancel":
                return await self._cancel(request, interaction)
        raise InvalidRequest("The form asks for nothing.")

    async def _try(
        self,
        request: web.Request,
        interaction: Interaction,
        form: Mapping[str, str],
        secret: str,
    ) -> web.Response:
        outcome = await self._sign_in.act(request, interaction, form)
        if isinstance(outcome, web.Response):
            return outcome
        event = _event(interaction, await self._people.session(request))
        # Only to know whose page it is: that nobody is signed in was clear before.
        await self._authorizer.validate(event, until=AuthorizationStage.VALIDATE_SESSION)
        tried = (form.get("email", ""), outcome)
        asked = self._forms.asked(event)
        return await self._sign_in.page(request, interaction, secret, asked, tried)

    async def _approve(
        self,
        request: web.Request,
        interaction: Interaction,
        form: Mapping[str, str],
        secret: str,
    ) -> web.Response:
        """She agrees to what the page has shown; if that has changed since, it is shown anew."""
        session = await self._people.session(request)
        event = _event(interaction, session)
        try:
            await self._authorizer.validate(event, until=AuthorizationStage.VALIDATE_CONSENT)
        except OAuthError:
            return see_other(request.path)
        if session is None or not is_proof(
            form.get("approval", ""), secret, *self._forms.shown(event, interaction)
        ):
            return see_other(request.path)
        agreed = _event(interaction, session, is_approved=True)
        response = await self._finish(request, interaction, agreed)
        if "remember" in form and agreed.response is not None:
            subject, client = session.user.subject, agreed.known_client()
            await self._consents.remember(subject, client, agreed.scopes)
        return response

    async def _cancel(self, request: web.Request, interaction: Interaction) -> web.Response:
        event = _event(interaction, await self._people.session(request))
        await self._authorizer.validate(event, until=AuthorizationStage.VALIDATE_PROOF_KEY)
        return await self._refuse(
            request, event, interaction, AccessDenied("The user has refused.")
        )

    async def _finish(
        self, request: web.Request, interaction: Interaction, event: ProcessAuthorization
    ) -> web.Response:
        """The answer, for the one who takes the interaction; all others come too late.

        Who wants a person only now has let all pages pass: to show them again could go on for ever.
        """
        if not await self._interactions.take(interaction):
            return PlainPages.gone(request)
        try:
            return await self._authorizer.grant(request, event)
        except InteractionRequired as error:
            return self._authorizer.refuse(request, event, error)

    async def _refuse(
        self,
        request: web.Request,
        event: ProcessAuthorization,
        interaction: Interaction,
        error: OAuthError,
    ) -> web.Response:
        if not await self._interactions.take(interaction):
            return PlainPages.gone(request)
        return self._authorizer.refuse(request, event, error)


def _event(
    interaction: Interaction, session: Session | None, *, is_approved: bool = False
) -> ProcessAuthorization:
    """The request as it came, with who is signed in now."""
    return ProcessAuthorization(
        authorization_request_of(interaction.parameters),
        session,
        is_fresh=session is not None and session.id == interaction.session_id,
        is_approved=is_approved,
    )
