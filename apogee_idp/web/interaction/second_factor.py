"""``/account/second-factor``: an app for one-time passwords, set up by its owner."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import segno
from aiohttp import web

from ...browser_secrets import is_proof, is_value, key_of, proof
from ...crypto.one_time_passwords import is_totp_secret, totp_uri
from ...errors import CommandRefused, InvalidRequest, OAuthError, SignInRefused
from ...interactions import INTERACTION_SECONDS
from ...logs import annotate_request
from ...management.actor import user_actor
from ...management.desk import Management
from ...requests import Session, UserAuthentication
from ...services import Services
from ..pages import render_page
from .account_sign_in import AccountSignIn
from .destinations import see_other
from .own_forms import OwnForms, form_token
from .people import People
from .plain_pages import PlainPages

FRESH_SECONDS = 300
"""So long ago somebody may have signed in who sets up what she will sign in with."""


class SecondFactorEndpoint:
    """Shows a secret to scan, and keeps it once a code proves that an app has it."""

    def __init__(self, services: Services, management: Management, people: People) -> None:
        self._people = people
        self._factors = services.second_factors
        self._stored = services.users
        self._management = management
        self._interactions = services.interactions
        self._now = services.now
        self._issuer = urlsplit(services.settings.issuer).netloc
        self._own_forms = OwnForms(services.settings)
        self._sign_in = AccountSignIn(services, people)
        self._base = services.settings.issuer_path

    async def handle(self, request: web.Request) -> web.Response:
        """Raises StoreUnavailable: a page says so, and one can try again."""
        try:
            secret = self._people.secret(request)
            session = await self._people.session(request)
            if session is None or not self._is_fresh(request, session):
                return await self._sign_in.ask(request, secret, "second-factor", _onward(request))
            annotate_request(subject=session.user.subject)
            if session.user.second_factor is not None:
                return see_other(f"{self._base}/account")
            if request.method == "POST":
                form = await self._own_forms.read(request, secret, session.id)
                return await self._enrol(request, session, secret, form)
            return self._page(request, session, secret, self._factors.new_secret())
        except OAuthError as error:
            return PlainPages.refused(request, error)

    def _is_fresh(self, request: web.Request, session: Session) -> bool:
        """Whoever was shown the page in time may take as long as over other pages."""
        more = INTERACTION_SECONDS if request.method == "POST" else 0
        return self._now() <= session.auth_time + FRESH_SECONDS + more

    async def _enrol(
        self, request: web.Request, session: Session, secret: str, form: Mapping[str, str]
    ) -> web.Response:
        shared = form.get("secret", "")
        if not is_totp_secret(shared) or not is_proof(
            form.get("proof", ""), secret, "totp", session.id, shared
        ):
            raise InvalidRequest("The form is not one of this browser.", status=403)
        subject = session.user.subject
        try:
            factor, codes = self._factors.enrol(subject, shared, form.get("code", ""))
        except SignInRefused:
            return self._page(request, session, secret, shared, is_wrong=True)
        try:
            stored = await self._stored.get(subject)
            users = self._management.users(user_actor(stored or session.user))
            user = await users.add_second_factor(subject, factor)
        except CommandRefused as error:
            annotate_request(reason=str(error))
            return see_other(f"{self._base}/account?done=second_factor_refused")
        methods = tuple(dict.fromkeys((*session.methods, "otp", "mfa")))
        proven = UserAuthentication(user, session.begun_at, session.auth_time, methods)
        value, begun = await self._people.sign_in_again(request, proven, session)
        await self._carry_over(request, secret, session, begun)
        context: dict[str, object] = {"codes": codes, "onward": self._address_behind(request)}
        response = render_page(request, "recovery_codes.html", context)
        response.headers["Cache-Control"] = "no-store"
        return self._people.remember(response, value)

    async def _carry_over(
        self, request: web.Request, secret: str, before: Session, after: Session
    ) -> None:
        """Who has signed in for the request that waits has not to do so again."""
        waiting = await self._interactions.find(_onward(request), "authorization")
        if waiting is None or waiting.browser != key_of(secret):
            return
        if waiting.session_id == before.id:
            await self._interactions.note_session(waiting, after.id)

    def _page(
        self,
        request: web.Request,
        session: Session,
        secret: str,
        shared: str,
        *,
        is_wrong: bool = False,
    ) -> web.Response:
        uri = totp_uri(shared, account=session.user.email, issuer=self._issuer)
        context: dict[str, object] = {
            "picture": segno.make(uri, error="m").svg_inline(scale=4, light="#fff"),
            "secret": shared,
            "groups": [shared[start : start + 4] for start in range(0, len(shared), 4)],
            "proof": proof(secret, "totp", session.id, shared),
            "is_wrong": is_wrong,
            "action": request.path_qs,
            "back": self._address_behind(request),
            "token": form_token(secret, session.id),
        }
        response = render_page(request, "second_factor_setup.html", context, form_action="'self'")
        response.set_status(400 if is_wrong else 200)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _address_behind(self, request: web.Request) -> str:
        """Back to the sign-in for which it was set up, or to the account."""
        handle = _onward(request)
        return f"{self._base}/connect/interaction/{handle}" if handle else f"{self._base}/account"


def _onward(request: web.Request) -> str:
    """The handle of the interaction that waits for it, if one does."""
    handle = request.query.get("continue", "")
    return handle if is_value(handle) else ""
