"""The consent page, and what the login page says of a client."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from ...browser_secrets import proof
from ...events import ProcessAuthorization
from ...interactions import Interaction
from ...model import Client
from ...services import Services
from ..pages import render_page, texts_of
from ..texts import Texts
from .destinations import redirects_to
from .own_forms import form_token
from .sign_in import Asked


@dataclass(frozen=True, slots=True)
class ScopeInWords:
    """What a scope allows, for people."""

    title: str
    description: str


class AuthorizationForms:
    """Renders the page; its form has a token that only its browser can have sent."""

    def __init__(self, services: Services) -> None:
        self._scopes = services.scopes

    @staticmethod
    def asked(event: ProcessAuthorization) -> Asked:
        """What somebody signs in for."""
        return Asked(
            _name_of(event.known_client()),
            hint=event.request.parameters.get("login_hint", ""),
            signed_in=event.session.user.email if event.session else "",
            form_action=redirects_to(event.response_mode, event.redirect_uri),
        )

    @staticmethod
    def second_factor_needed(
        request: web.Request, event: ProcessAuthorization, interaction: Interaction, secret: str
    ) -> web.Response:
        """The page that says so to who has none."""
        context: dict[str, object] = {"client": _name_of(event.known_client())}
        token = form_token(secret, interaction.handle)
        return _form(request, "second_factor_needed.html", context, event, token)

    async def consent(
        self,
        request: web.Request,
        event: ProcessAuthorization,
        interaction: Interaction,
        secret: str,
    ) -> web.Response:
        """The consent page, which says what the client wants and who would allow it."""
        texts = texts_of(request)
        names = [name for name in event.scopes if name != "openid"]
        context: dict[str, object] = {
            "client": _name_of(event.known_client()),
            "email": event.known_session().user.email,
            "scopes": [await self._in_words(name, texts) for name in names],
            "can_be_remembered": (event.redirect_uri or "").startswith("https://"),
            "approval": proof(secret, *self.shown(event, interaction)),
        }
        return _form(
            request, "consent.html", context, event, form_token(secret, interaction.handle)
        )

    def shown(self, event: ProcessAuthorization, interaction: Interaction) -> tuple[str, ...]:
        """What somebody agrees to with this page: who, to what, for whom."""
        subject, client_id = event.known_session().user.subject, event.known_client().client_id
        return ("consent", interaction.handle, subject, client_id, *event.scopes)

    async def _in_words(self, name: str, texts: Texts) -> ScopeInWords:
        title = texts.get(f"scope.{name}.title")
        if title is not None:
            return ScopeInWords(title, texts.get(f"scope.{name}.description") or "")
        scope = await self._scopes.get(name)
        if scope is None:
            return ScopeInWords(name, "")
        return ScopeInWords(scope.display_name or name, scope.description)


def _name_of(client: Client) -> str:
    return client.display_name or client.client_id


def _form(
    request: web.Request,
    template: str,
    context: dict[str, object],
    event: ProcessAuthorization,
    token: str,
) -> web.Response:
    target = redirects_to(event.response_mode, event.redirect_uri)
    whole = {**context, "action": request.path, "token": token}
    response = render_page(request, template, whole, form_action=target)
    response.headers["Cache-Control"] = "no-store"
    return response
