"""Signing in: one page, for whatever a person wanted to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from ...errors import ApogeeError, SignInRefused, TemporarilyUnavailable, TooManyFailures
from ...interactions import Interaction
from ...logs import annotate_request
from ...services import Services
from ..pages import render_page
from ..sources import Sources
from .destinations import see_other
from .own_forms import form_token
from .people import People

_MAXIMUM_HINT = 254


@dataclass(frozen=True, slots=True)
class Asked:
    """What a sign-in is for: ``client`` is the name of whoever wants it, None is we ourselves.

    ``signed_in`` is the address of who is signed in already, ``form_action`` where the browser may
    be sent behind the form (CSP).
    """

    client: str | None = None
    hint: str = ""
    signed_in: str = ""
    form_action: str = "'self'"


@dataclass(frozen=True, slots=True)
class LoginProblem:
    """Why somebody has not signed in: ``name`` is that of the text she is told."""

    name: str
    status: int
    retry_after: int | None = None

    @classmethod
    def of(cls, error: ApogeeError) -> LoginProblem:
        """The same for a wrong address and a wrong password."""
        if isinstance(error, TooManyFailures):
            return cls("throttled", 429, error.retry_after)
        if isinstance(error, TemporarilyUnavailable):
            return cls("busy", 503, error.retry_after)
        return cls("wrong", 400)


class SignIn:
    """Shows the login page, and takes what comes back from it."""

    def __init__(self, services: Services, people: People) -> None:
        self._people = people
        self._interactions = services.interactions
        self._users = services.user_authenticator
        self._sources = Sources(services.settings.trusted_proxies)

    @staticmethod
    def page(
        request: web.Request,
        interaction: Interaction,
        secret: str,
        asked: Asked,
        tried: tuple[str, LoginProblem] | None = None,
    ) -> web.Response:
        """The page; ``tried`` is the address that she typed before, and what was wrong."""
        email, problem = tried or ("", None)
        context: dict[str, object] = {
            "client": asked.client,
            "email": (email or asked.hint or asked.signed_in)[:_MAXIMUM_HINT],
            "problem": problem,
            "signed_in": asked.signed_in,
            "action": request.path,
            "token": form_token(secret, interaction.handle),
        }
        response = render_page(request, "login.html", context, form_action=asked.form_action)
        response.headers["Cache-Control"] = "no-store"
        if problem is not None:
            response.set_status(problem.status)
            if problem.retry_after is not None:
                response.headers["Retry-After"] = str(problem.retry_after)
        return response

    async def act(
        self, request: web.Request, interaction: Interaction, form: Mapping[str, str]
    ) -> web.Response | LoginProblem:
        """Back to the page's address, where what is due now is shown; or what went wrong.

        Raises StoreUnavailable.
        """
        email, password = form.get("email", ""), form.get("password", "")
        try:
            source = self._sources.of(request)
            authentication = await self._users.authenticate(email, password, source)
        except (SignInRefused, TooManyFailures, TemporarilyUnavailable) as error:
            problem = LoginProblem.of(error)
            annotate_request(sign_in=problem.name, reason=getattr(error, "reason", None))
            return problem
        value, session = await self._people.sign_in(request, authentication)
        annotate_request(sign_in="done", subject=session.user.subject)
        await self._interactions.note_session(interaction, session.id)
        return self._people.remember(see_other(request.path), value)
