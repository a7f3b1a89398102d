"""``/connect/external/...`` and back: signing in at another provider, or linking it."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from ...browser_secrets import is_proof, key_of, new_value
from ...errors import InvalidRequest, OAuthError
from ...external.model import Departure, ExternalIdentity, ExternalSignInFailed, Provider
from ...external_users import ExternalUsers, NoAccount
from ...interactions import Interaction, Purpose
from ...logs import annotate_request
from ...management.desk import Management
from ...requests import Session, UserAuthentication
from ...services import Services
from ..pages import error_page, texts_of
from .account_sign_in import AccountSignIn
from .destinations import see_other
from .parsing import form_of, read_parameters
from .people import People
from .plain_pages import PlainPages
from .second_factor import FRESH_SECONDS
from .sign_in import SignIn

_PAGES: dict[Purpose, str] = {
    "authorization": "/connect/interaction/",
    "login": "/account/sign-in/",
}
"""Where a sign-in goes on, by what it is for."""


class ExternalEndpoint:
    """Departures and arrivals; what is sent along is kept here, for this browser, once."""

    def __init__(
        self, services: Services, management: Management, people: People, sign_in: SignIn
    ) -> None:
        self._services = services
        self._interactions = services.interactions
        self._people = people
        self._sign_in = sign_in
        self._users = ExternalUsers(management, services.users, now=services.now)
        self._account = AccountSignIn(services, people)
        self._base = services.settings.issuer_path

    async def depart(self, request: web.Request) -> web.Response:
        """From a login page, whose handle stands in the address."""
        try:
            secret = self._people.secret(request)
            for purpose in _PAGES:
                waiting = await self._people.interaction(request, purpose, secret)
                if waiting is not None:
                    again = await self._has_to_prove_it(request, waiting)
                    return await self._leave(request, secret, purpose, waiting.handle, again=again)
            return PlainPages.gone(request)
        except OAuthError as error:
            return PlainPages.refused(request, error)

    async def link(self, request: web.Request) -> web.Response:
        """From the account page, by whoever has signed in a moment ago."""
        try:
            secret = self._people.secret(request)
            session = await self._people.session(request)
            if session is None or not self._is_fresh(session):
                return await self._account.ask(request, secret)
            name = request.match_info["provider"]
            if not is_proof(request.query.get("proof", ""), secret, "link", session.id, name):
                raise InvalidRequest("The address is not one of this browser.", status=403)
            return await self._leave(request, secret, "link", session.id)
        except OAuthError as error:
            return PlainPages.refused(request, error)

    async def arrive(self, request: web.Request) -> web.Response:
        """Back from the provider (RFC 6749 §4.1.2); raises StoreUnavailable."""
        try:
            secret = self._people.secret(request)
            parameters = form_of(await read_parameters(request, timeout=0))
            kept = await self._taken(request, parameters.get("state", ""), secret)
            if kept is None:
                return PlainPages.gone(request)
            return await self._arrived(request, kept, parameters, secret)
        except ExternalSignInFailed as error:
            annotate_request(sign_in="external", reason=str(error))
            return _told(request, "failed", 502)
        except NoAccount as error:
            annotate_request(sign_in="external", reason=error.name)
            return _told(request, error.name, 403)
        except OAuthError as error:
            return PlainPages.refused(request, error)

    async def _taken(self, request: web.Request, state: str, secret: str) -> Interaction | None:
        """What was kept under this ``state`` for this browser and provider: once."""
        kept = await self._interactions.find(state, "external")
        if kept is None or kept.browser != key_of(secret):
            return None
        if dict(kept.parameters)["provider"] != request.match_info["provider"]:
            return None
        return kept if await self._interactions.take(kept) else None

    async def _arrived(
        self,
        request: web.Request,
        kept: Interaction,
        parameters: Mapping[str, str],
        secret: str,
    ) -> web.Response:
        sent = dict(kept.parameters)
        name = sent["provider"]
        if parameters.get("error") == "access_denied":  # she has changed her mind
            annotate_request(sign_in="external", reason="denied there")
            return see_other(self._page_of(sent))
        departure = self._departure(name, kept.handle, sent)
        identity = await self._provider(name).arrival(departure, parameters)
        annotate_request(identity_provider=name)
        if sent["purpose"] == "link":
            return await self._link(request, identity, sent)
        return await self._signed_in(request, identity, sent, secret)

    async def _has_to_prove_it(self, request: web.Request, waiting: Interaction) -> bool:
        """Whether it is not enough that the provider knows her.

        She is signed in here and proves that it is she, or the client wants that of her, or a page
        that only who has signed in a moment ago may see.
        """
        asked = dict(waiting.parameters)
        prompts = {"login", "select_account"}.intersection(asked.get("prompt", "").split())
        if prompts or "max_age" in asked or asked.get("page") == "second-factor":
            return True
        return await self._people.session(request) is not None

    async def _leave(
        self,
        request: web.Request,
        secret: str,
        purpose: str,
        handle: str,
        *,
        again: bool = False,
    ) -> web.Response:
        name = request.match_info["provider"]
        provider = self._provider(name)
        sent = {
            "provider": name,
            "purpose": purpose,
            "handle": handle,
            "nonce": new_value(),
            "verifier": new_value(),
            "again_since": str(self._services.now()) if again else "",
        }
        parameters = tuple(sent.items())
        state = await self._people.park(request, "external", parameters, browser=key_of(secret))
        try:
            url = await provider.departure_url(self._departure(name, state, sent))
        except ExternalSignInFailed as error:
            annotate_request(sign_in="external", reason=str(error))
            return _told(request, "failed", 502)
        return self._people.mark(request, see_other(url), secret)

    async def _signed_in(
        self,
        request: web.Request,
        identity: ExternalIdentity,
        sent: Mapping[str, str],
        secret: str,
    ) -> web.Response:
        waiting = await self._waiting(sent["handle"], _purpose_of(sent), secret)
        if waiting is None:
            return PlainPages.gone(request)
        provider = self._services.external_providers.known[identity.provider]
        since = self._services.now()
        user = await self._users.of(identity, sign_up=provider.sign_up)
        proven = UserAuthentication(user, since, min(identity.auth_time, since), methods=())
        return await self._sign_in.proven(request, waiting, proven, self._page_of(sent))

    async def _link(
        self, request: web.Request, identity: ExternalIdentity, sent: Mapping[str, str]
    ) -> web.Response:
        session = await self._people.session(request)
        if session is None or session.id != sent["handle"] or not self._is_fresh(session):
            return PlainPages.gone(request)
        notice = await self._users.link(session.user, identity)
        return see_other(f"{self._base}/account?done={notice}")

    async def _waiting(self, handle: str, purpose: Purpose, secret: str) -> Interaction | None:
        found = await self._interactions.find(handle, purpose)
        return found if found is not None and found.browser == key_of(secret) else None

    def _page_of(self, sent: Mapping[str, str]) -> str:
        """Where she came from."""
        if sent["purpose"] == "link":
            return f"{self._base}/account"
        return f"{self._base}{_PAGES[_purpose_of(sent)]}{sent['handle']}"

    def _departure(self, name: str, state: str, sent: Mapping[str, str]) -> Departure:
        redirect_uri = self._services.settings.endpoint(f"/connect/callback/{name}")
        since = int(sent["again_since"]) if sent["again_since"] else None
        return Departure(redirect_uri, state, sent["nonce"], sent["verifier"], since)

    def _provider(self, name: str) -> Provider:
        provider = self._services.external_providers.get(name)
        if provider is None:
            raise InvalidRequest("There is no such identity provider.", status=404)
        return provider

    def _is_fresh(self, session: Session) -> bool:
        return self._services.now() <= session.auth_time + FRESH_SECONDS


def _purpose_of(sent: Mapping[str, str]) -> Purpose:
    return "login" if sent["purpose"] == "login" else "authorization"


def _told(request: web.Request, name: str, status: int) -> web.Response:
    words = (texts_of(request)(f"external.{name}.{part}") for part in ("title", "explanation"))
    return error_page(request, status, *words)
