"""``/account/sign-in/{handle}``: the login page before what is somebody's own, or the console."""

from __future__ import annotations

from aiohttp import web

from ...browser_secrets import key_of
from ...errors import OAuthError
from ...interactions import Interaction, Parameters
from ...services import Services
from .destinations import see_other
from .own_forms import OwnForms
from .people import People
from .plain_pages import PlainPages
from .sign_in import Asked, SignIn


class AccountSignIn:
    """Asks somebody to sign in, and leads her to the page that she wanted.

    ``console`` is where the console is: behind ``admin_port`` at another origin than the rest,
    to which forms may lead, too (``form_action``).
    """

    def __init__(self, services: Services, people: People, *, is_at_console: bool = True) -> None:
        self._people = people
        self._interactions = services.interactions
        self._base = services.settings.issuer_path
        origin = "" if is_at_console else services.settings.console_origin
        self.console = f"{origin}{self._base}/console"
        self.form_action = f"'self' {origin}".rstrip()

    async def ask(
        self, request: web.Request, secret: str, page: str = "", onward: str = ""
    ) -> web.Response:
        """To the login page, for the ``page`` below ``/account`` and what comes behind that.

        Raises StoreUnavailable.
        """
        return await self._ask(request, secret, (("page", page), ("continue", onward)))

    async def ask_for_console(self, request: web.Request, secret: str, place: str) -> web.Response:
        """The same, for a ``place`` in the console: a path below it and a query."""
        return await self._ask(request, secret, (("console", place),))

    async def _ask(self, request: web.Request, secret: str, parameters: Parameters) -> web.Response:
        handle = await self._people.park(request, "login", parameters, browser=key_of(secret))
        response = see_other(f"{self._base}/account/sign-in/{handle}")
        return self._people.mark(request, response, secret)

    async def done(self, interaction: Interaction) -> web.Response:
        """To the page; raises StoreUnavailable."""
        await self._interactions.take(interaction)
        wanted = dict(interaction.parameters)
        if "console" in wanted:
            return see_other(self.console + wanted["console"])
        path = f"{self._base}/account" + (f"/{wanted['page']}" if wanted.get("page") else "")
        onward = f"?continue={wanted['continue']}" if wanted.get("continue") else ""
        return see_other(path + onward)


class AccountSignInEndpoint:
    """The page itself."""

    def __init__(
        self,
        services: Services,
        people: People,
        sign_in: SignIn,
        *,
        is_at_console: bool = True,
    ) -> None:
        self._people = people
        self._interactions = services.interactions
        self._sign_in = sign_in
        self._account = AccountSignIn(services, people, is_at_console=is_at_console)
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
            return PlainPages.refused(request, error)

    async def _show(
        self, request: web.Request, interaction: Interaction, secret: str
    ) -> web.Response:
        session = await self._people.session(request)
        if session is not None and session.id == interaction.session_id:
            return await self._account.done(interaction)
        signed_in = session.user.email if session else ""
        asked = Asked(signed_in=signed_in, form_action=self._account.form_action)
        page = await self._sign_in.page(request, interaction, secret, asked)
        return self._people.mark(request, page, secret)

    async def _act(
        self, request: web.Request, interaction: Interaction, secret: str
    ) -> web.Response:
        form = await self._own_forms.read(request, secret, interaction.handle)
        if form.get("action") not in self._sign_in.ACTIONS:
            await self._interactions.take(interaction)
            return see_other(f"{self._base}/")
        outcome = await self._sign_in.act(request, interaction, form)
        if isinstance(outcome, web.Response):
            return outcome
        tried = (form.get("email", ""), outcome)
        asked = Asked(form_action=self._account.form_action)
        return await self._sign_in.page(request, interaction, secret, asked, tried)
