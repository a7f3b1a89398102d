"""``/account``: what a person sees and ends of her own."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from ...browser_secrets import key_of
from ...errors import (
    CommandRefused,
    InvalidRequest,
    OAuthError,
    SignInRefused,
    TemporarilyUnavailable,
    TooManyFailures,
)
from ...interactions import Interaction
from ...logs import annotate_request
from ...management.desk import Management
from ...model import ADMIN_SCOPE
from ...requests import Actor, Session, UserAuthentication
from ...services import Services
from ..sources import Sources
from .account_page import AccountPage
from .destinations import see_other
from .own_forms import OwnForms
from .people import People
from .plain_pages import PlainPages
from .sign_in import Asked, LoginProblem, SignIn

NOTICES = frozenset(
    {
        *("session_ended", "sessions_ended", "application_ended", "password_set"),
        *("password_wrong", "password_refused", "password_differs", "throttled", "busy"),
    }
)
"""What may have happened just now; each is a text below ``account.notice``."""


class AccountEndpoint:
    """Each form does one thing, and leads back to the page, which says what was done."""

    def __init__(self, services: Services, management: Management, people: People) -> None:
        self._people = people
        self._interactions = services.interactions
        self._sessions = services.sessions
        self._consents = services.consents
        self._grants = services.grants
        self._users = services.user_authenticator
        self._management = management
        self._now = services.now
        self._page = AccountPage(services)
        self._own_forms = OwnForms(services.settings)
        self._sources = Sources(services.settings.trusted_proxies)
        self._sign_in = services.settings.issuer_path + "/account/sign-in/"

    async def handle(self, request: web.Request) -> web.Response:
        """Raises StoreUnavailable: a page says so, and one can try again."""
        try:
            secret = self._people.secret(request)
            session = await self._people.session(request)
            if session is None:
                handle = await self._interactions.park("login", (), browser=key_of(secret))
                return self._people.mark(request, see_other(self._sign_in + handle), secret)
            annotate_request(subject=session.user.subject)
            if request.method == "POST":
                form = await self._own_forms.read(request, secret, session.id)
                return await self._act(request, session, form)
            notice = request.query.get("done", "")
            shown = notice if notice in NOTICES else ""
            return await self._page.render(request, session, secret, shown)
        except OAuthError as error:
            annotate_request(error=error.code, reason=error.reason)
            return PlainPages.refused(request, error)

    async def _act(
        self, request: web.Request, session: Session, form: Mapping[str, str]
    ) -> web.Response:
        match form.get("action"):
            case "end_session":
                return await self._end_session(request, session, form.get("session", ""))
            case "end_sessions":
                await self._end_others(session)
                return _done(request, "sessions_ended")
            case "end_application":
                return await self._end_application(request, session, form.get("client_id", ""))
            case "set_password":
                return await self._set_password(request, session, form)
        raise InvalidRequest("The form asks for nothing.")

    async def _end_session(self, request: web.Request, session: Session, key: str) -> web.Response:
        """One of her own, and no other's."""
        for each in await self._sessions.of(session.user.subject):
            if each.id == key:
                await self._sessions.end(each)
                annotate_request(ended="session")
        return _done(request, "session_ended")

    async def _end_others(self, session: Session) -> None:
        for each in await self._sessions.of(session.user.subject):
            if each.id != session.id:
                await self._sessions.end(each)

    async def _end_application(
        self, request: web.Request, session: Session, client_id: str
    ) -> web.Response:
        """It is asked about anew, and what it has is good for nothing any more."""
        subject = session.user.subject
        await self._consents.forget(subject, client_id)
        await self._grants.end_all(subject, client_id)
        annotate_request(ended="application", client_id=client_id[:100])
        return _done(request, "application_ended")

    async def _set_password(
        self, request: web.Request, session: Session, form: Mapping[str, str]
    ) -> web.Response:
        """Whoever only sits at her screen does not know the old one.

        All she had begun has ended then, but for what she does just now.
        """
        current, wanted = form.get("current", ""), form.get("password", "")
        if wanted != form.get("again", ""):
            return _done(request, "password_differs")
        try:
            await self._check_password(request, session, current)
            others = await self._sessions.of(session.user.subject)
            user = await self._management.users(_herself(session)).set_password(
                session.user.subject, wanted
            )
        except SignInRefused:
            return _done(request, "password_wrong")
        except CommandRefused as error:
            annotate_request(reason=str(error))
            return _done(request, "password_refused")
        except (TooManyFailures, TemporarilyUnavailable) as error:
            return _done(request, LoginProblem.of(error).name)
        for each in others:
            if each.id != session.id:
                await self._sessions.end(each)
        again = UserAuthentication(user, self._now(), session.methods)
        value, _ = await self._people.sign_in_again(request, again, session)
        return self._people.remember(_done(request, "password_set"), value)

    async def _check_password(self, request: web.Request, session: Session, password: str) -> None:
        """Raises as ``UserAuthenticator.authenticate``: attempts are counted here as there."""
        source = self._sources.of(request)
        proof = await self._users.authenticate(session.user.email, password, source)
        if proof.user.subject != session.user.subject:
            raise SignInRefused(reason="another account has this address now")


class AccountSignInEndpoint:
    """``/account/sign-in/{handle}``: the login page before it."""

    def __init__(self, services: Services, people: People, sign_in: SignIn) -> None:
        self._people = people
        self._interactions = services.interactions
        self._sign_in = sign_in
        self._own_forms = OwnForms(services.settings)
        self._base = services.settings.issuer_path

    async def handle(self, request: web.Request) -> web.Response:
        """Raises StoreUnavailable: a page says so, and one can try again."""
        try:
            secret = self._people.secret(request)
            interaction = await self._people.interaction(request, "login", secret)
            if interaction is None:
                return see_other(f"{self._base}/account")
            if request.method == "POST":
                return await self._act(request, interaction, secret)
            return await self._show(request, interaction, secret)
        except OAuthError as error:
            annotate_request(error=error.code, reason=error.reason)
            return PlainPages.refused(request, error)

    async def _show(
        self, request: web.Request, interaction: Interaction, secret: str
    ) -> web.Response:
        session = await self._people.session(request)
        if session is not None and session.id == interaction.session_id:
            await self._interactions.take(interaction)
            return see_other(f"{self._base}/account")
        asked = Asked(signed_in=session.user.email if session else "")
        page = self._sign_in.page(request, interaction, secret, asked)
        return self._people.mark(request, page, secret)

    async def _act(
        self, request: web.Request, interaction: Interaction, secret: str
    ) -> web.Response:
        form = await self._own_forms.read(request, secret, interaction.handle)
        if form.get("action") != "sign_in":
            await self._interactions.take(interaction)
            return see_other(f"{self._base}/")
        outcome = await self._sign_in.act(request, interaction, form)
        if isinstance(outcome, web.Response):
            return outcome
        tried = (form.get("email", ""), outcome)
        return self._sign_in.page(request, interaction, secret, Asked(), tried)


def _herself(session: Session) -> Actor:
    """Whoever may change everything may change her own account."""
    user = session.user
    return Actor(user.subject, frozenset({ADMIN_SCOPE} if user.is_administrator else ()))


def _done(request: web.Request, notice: str) -> web.Response:
    return see_other(f"{request.path}?done={notice}")
