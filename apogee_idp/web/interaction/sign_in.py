"""Signing in: one page, for whatever a person wanted to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from ...errors import ApogeeError, SignInRefused, TemporarilyUnavailable, TooManyFailures
from ...interactions import FirstFactor, Interaction
from ...logs import annotate_request
from ...requests import Session, UserAuthentication
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
    def of(cls, error: ApogeeError, *, is_code: bool = False) -> LoginProblem:
        """The same for a wrong address and a wrong password."""
        if isinstance(error, TooManyFailures):
            return cls("throttled", 429, error.retry_after)
        if isinstance(error, TemporarilyUnavailable):
            return cls("busy", 503, error.retry_after)
        return cls("wrong_code" if is_code else "wrong", 400)


class SignIn:
    """Shows the login page, and takes what comes back from it.

    Who has a second factor is asked for it on the next page; until then nobody is signed in.
    """

    ACTIONS = frozenset({"sign_in", "second_factor", "start_over"})
    """What its forms may ask for."""

    def __init__(self, services: Services, people: People) -> None:
        self._people = people
        self._interactions = services.interactions
        self._users = services.user_authenticator
        self._all_users = services.users
        self._factors = services.second_factors
        self._providers = tuple(services.external_providers.known.values())
        self._sources = Sources(services.settings.trusted_proxies)

    async def page(
        self,
        request: web.Request,
        interaction: Interaction,
        secret: str,
        asked: Asked,
        tried: tuple[str, LoginProblem] | None = None,
    ) -> web.Response:
        """The page; ``tried`` is the address that she typed before, and what was wrong.

        Raises StoreUnavailable.
        """
        email, problem = tried or ("", None)
        pending = await self._pending(interaction)
        context: dict[str, object] = {
            "client": asked.client,
            "email": (email or asked.hint or asked.signed_in)[:_MAXIMUM_HINT],
            "problem": problem,
            "signed_in": asked.signed_in,
            "providers": self._providers,
            "handle": interaction.handle,
            "action": request.path,
            "token": form_token(secret, interaction.handle),
        }
        template = "login.html"
        if pending is not None:
            template, context["email"] = "second_factor.html", pending.user.email
            context["is_step_up"] = asked.signed_in == pending.user.email
        response = render_page(request, template, context, form_action=asked.form_action)
        response.headers["Cache-Control"] = "no-store"
        if problem is not None:
            response.set_status(problem.status)
            if problem.retry_after is not None:
                response.headers["Retry-After"] = str(problem.retry_after)
        return response

    async def step_up(self, interaction: Interaction, session: Session) -> Interaction:
        """From now on the page asks for the second factor of who is signed in already.

        Raises StoreUnavailable.
        """
        known = FirstFactor(
            session.user.subject, session.begun_at, session.auth_time, session.methods
        )
        if interaction.first_factor == known:
            return interaction
        return await self._interactions.note_first_factor(interaction, known) or interaction

    async def proven(
        self,
        request: web.Request,
        interaction: Interaction,
        proven: UserAuthentication,
        page: str,
    ) -> web.Response:
        """Back to the ``page`` of the interaction: signed in, or for her second factor.

        Raises StoreUnavailable.
        """
        if proven.user.second_factor is None:
            return await self._begin(request, interaction, proven, page)
        first = FirstFactor(proven.user.subject, proven.since, proven.auth_time, proven.methods)
        await self._interactions.note_first_factor(interaction, first)
        annotate_request(sign_in="second factor", subject=first.subject)
        return see_other(page)

    async def act(
        self, request: web.Request, interaction: Interaction, form: Mapping[str, str]
    ) -> web.Response | LoginProblem:
        """Back to the page's address, where what is due now is shown; or what went wrong.

        Raises StoreUnavailable.
        """
        try:
            match form.get("action"):
                case "sign_in":
                    return await self._by_password(request, interaction, form)
                case "second_factor":
                    return await self._by_code(request, interaction, form.get("code", ""))
                case _:
                    await self._interactions.note_first_factor(interaction, None)
                    return see_other(request.path)
        except (SignInRefused, TooManyFailures, TemporarilyUnavailable) as error:
            problem = LoginProblem.of(error, is_code="code" in form)
            annotate_request(sign_in=problem.name, reason=getattr(error, "reason", None))
            return problem

    async def _by_password(
        self, request: web.Request, interaction: Interaction, form: Mapping[str, str]
    ) -> web.Response:
        email, password = form.get("email", ""), form.get("password", "")
        source = self._sources.of(request)
        proven = await self._users.authenticate(email, password, source)
        return await self.proven(request, interaction, proven, request.path)

    async def _by_code(
        self, request: web.Request, interaction: Interaction, code: str
    ) -> web.Response:
        pending = await self._pending(interaction)
        if pending is None:
            return see_other(request.path)
        proven = await self._factors.verify(pending, code, self._sources.of(request))
        return await self._begin(request, interaction, proven, request.path)

    async def _begin(
        self,
        request: web.Request,
        interaction: Interaction,
        proven: UserAuthentication,
        page: str,
    ) -> web.Response:
        value, session = await self._people.sign_in(request, proven)
        annotate_request(sign_in="done", subject=session.user.subject)
        await self._interactions.note_session(interaction, session.id)
        return self._people.remember(see_other(page), value)

    async def _pending(self, interaction: Interaction) -> UserAuthentication | None:
        """Whoever has still to prove more, if what she has proven has not ended meanwhile."""
        first = interaction.first_factor
        if first is None:
            return None
        user = await self._all_users.get(first.subject)
        if user is None or user.has_ended(first.since):
            return None
        return UserAuthentication(user, first.since, first.auth_time, first.methods)
