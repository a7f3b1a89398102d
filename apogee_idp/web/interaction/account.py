"""``/account``: what a person sees and ends of her own."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from ...errors import (
    CommandRefused,
    InvalidRequest,
    OAuthError,
    SignInRefused,
    StateConflict,
    TemporarilyUnavailable,
    TooManyFailures,
)
from ...logs import annotate_request
from ...management.actor import user_actor
from ...management.desk import Management
from ...management.users import UserCommands
from ...requests import Session, UserAuthentication
from ...services import Services
from ..sources import Sources
from .account_page import AccountPage
from .account_sign_in import AccountSignIn
from .destinations import see_other
from .own_forms import OwnForms
from .people import People
from .plain_pages import PlainPages
from .sign_in import LoginProblem

NOTICES = frozenset(
    {
        *("session_ended", "sessions_ended", "application_ended", "password_set"),
        *("identity_linked", "identity_taken", "identity_refused"),
        *("identity_unlinked", "identity_last"),
        *("second_factor_removed", "second_factor_refused", "code_wrong"),
        *("password_wrong", "password_refused", "password_differs", "throttled", "busy"),
    }
)
"""What may have happened just now; each is a text below ``account.notice``."""


class AccountEndpoint:
    """Each form does one thing, and leads back to the page, which says what was done."""

    def __init__(self, services: Services, management: Management, people: People) -> None:
        self._people = people
        self._sessions = services.sessions
        self._consents = services.consents
        self._grants = services.grants
        self._users = services.user_authenticator
        self._factors = services.second_factors
        self._stored = services.users
        self._management = management
        self._now = services.now
        self._page = AccountPage(services)
        self._own_forms = OwnForms(services.settings)
        self._sources = Sources(services.settings.trusted_proxies)
        self._sign_in = AccountSignIn(services, people)

    async def handle(self, request: web.Request) -> web.Response:
        """Raises StoreUnavailable: a page says so, and one can try again."""
        try:
            secret = self._people.secret(request)
            session = await self._people.session(request)
            if session is None:
                return await self._sign_in.ask(request, secret)
            annotate_request(subject=session.user.subject)
            if request.method == "POST":
                form = await self._own_forms.read(request, secret, session.id)
                return await self._act(request, session, form)
            notice = request.query.get("done", "")
            shown = notice if notice in NOTICES else ""
            page = await self._page.render(request, session, secret, shown)
            return self._people.mark(request, page, secret)
        except OAuthError as error:
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
            case "remove_second_factor":
                return await self._remove_second_factor(request, session, form.get("code", ""))
            case "unlink":
                return await self._unlink(request, session, form)
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
        annotate_request(ended="application")
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
            users = await self._own(session)
            user = await users.set_password(session.user.subject, wanted)
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
        now = self._now()
        again = UserAuthentication(user, now, now, session.methods)
        value, _ = await self._people.sign_in_again(request, again, session)
        return self._people.remember(_done(request, "password_set"), value)

    async def _remove_second_factor(
        self, request: web.Request, session: Session, code: str
    ) -> web.Response:
        """Whoever only sits at her screen does not have her device."""
        proven = UserAuthentication(
            session.user, session.begun_at, session.auth_time, session.methods
        )
        try:
            await self._factors.verify(proven, code, self._sources.of(request))
            users = await self._own(session)
            await users.remove_second_factor(session.user.subject)
        except SignInRefused:
            return _done(request, "code_wrong")
        except CommandRefused as error:
            annotate_request(reason=str(error))
            return _done(request, "second_factor_refused")
        except (TooManyFailures, TemporarilyUnavailable) as error:
            return _done(request, LoginProblem.of(error).name)
        return _done(request, "second_factor_removed")

    async def _unlink(
        self, request: web.Request, session: Session, form: Mapping[str, str]
    ) -> web.Response:
        users = await self._own(session)
        provider, identity = form.get("provider", ""), form.get("identity", "")
        try:
            await users.unlink(session.user.subject, provider, identity)
        except StateConflict:
            return _done(request, "identity_last")
        except CommandRefused as error:
            annotate_request(reason=str(error))
            return _done(request, "identity_refused")
        return _done(request, "identity_unlinked")

    async def _own(self, session: Session) -> UserCommands:
        """Commands on her own account, by the roles that are stored, worth something or not."""
        stored = await self._stored.get(session.user.subject)
        return self._management.users(user_actor(stored or session.user))

    async def _check_password(self, request: web.Request, session: Session, password: str) -> None:
        """Raises as ``UserAuthenticator.authenticate``: attempts are counted here as there."""
        source = self._sources.of(request)
        proof = await self._users.authenticate(session.user.email, password, source)
        if proof.user.subject != session.user.subject:
            raise SignInRefused(reason="another account has this address now")


def _done(request: web.Request, notice: str) -> web.Response:
    return see_other(f"{request.path}?done={notice}")
