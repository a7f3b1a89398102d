"""A server with a client and a person."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from apogee_idp.crypto.slow_hashes import hash_secret
from apogee_idp.crypto.tokens import sign_jwt
from apogee_idp.stores.logins import Logins
from apogee_idp.stores.repositories import users_in
from apogee_idp.user_model import User
from tests.browser import Browser, Page
from tests.clock import Clock
from tests.conftest import StartIdp
from tests.idp import ISSUER, Idp

CALLBACK = "https://app.example/callback?tenant=blue"
GOODBYE = "https://app.example/goodbye"
EMAIL, PASSWORD = "ann@example.com", "correct horse battery staple"
SUBJECT = "usr_" + "A" * 22
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:43]
REQUEST = {
    "client_id": "app",
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": "openid profile",
    "state": "s t+a/t&e=%41ü",
    "nonce": "n-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
GRANT_TYPES = ("client_credentials", "authorization_code", "refresh_token")
HASH = hash_secret(PASSWORD)


@dataclass
class Site:
    """The server, its clock, and what a test needs to come there."""

    idp: Idp
    clock: Clock

    def browser(self) -> Browser:
        """A new one, without any cookies."""
        return Browser(self.idp)

    async def add_app(self, client_id: str = "app", **registration: Any) -> None:
        """A confidential web application with the code flow."""
        whole = {
            "display_name": "The App" if client_id == "app" else client_id,
            "flow_type": "authorization_code",
            "redirect_uris": (CALLBACK,),
            "post_logout_redirect_uris": (GOODBYE,),
            "scopes": ("invoices.read",),
        } | registration
        await self.idp.add_client(client_id, **whole)

    async def add_user(self, email: str = EMAIL, subject: str = SUBJECT, **facts: Any) -> User:
        """Somebody with PASSWORD."""
        store = self.idp.installation.store
        await Logins(store, now=self.clock).claim(email, subject)
        return await users_in(store).add(User(subject, email, password_hash=HASH, **facts))

    async def change_user(self, subject: str = SUBJECT, **changes: Any) -> None:
        """Rewrites parts of a stored user."""
        from dataclasses import replace

        users = users_in(self.idp.installation.store)
        user = await users.get(subject)
        assert user is not None
        await users.update(replace(user, **changes))

    async def authorize(self, browser: Browser, **changes: str | None) -> Page:
        """An authorization request, up to the first page or answer."""
        return await browser.follow(await browser.get(address(**changes)))

    async def signed_in(self, *, email: str = EMAIL) -> Browser:
        """A browser in which the person has signed in and allowed the app what it asks for."""
        browser = self.browser()
        page = await self.authorize(browser)
        page = await browser.follow(await page.sign_in(email, PASSWORD))
        assert "code" in (await page.allow()).parameters
        return browser


def address(**changes: str | None) -> str:
    """The address of an authorization request; what is None is left out."""
    parameters = {name: value for name, value in (REQUEST | changes).items() if value is not None}
    return "/connect/authorize?" + urlencode(parameters)


@pytest.fixture
async def site(start_idp: StartIdp) -> Site:
    """A server with ``app`` and Ann."""
    clock = Clock()
    site = Site(await start_idp(clock=clock, grant_types=GRANT_TYPES), clock)
    await site.add_app()
    await site.add_user(profile={"name": "Ann Example"})
    return site


async def signed(site: Site, typ: str, **claims: Any) -> str:
    """A token that the server's own key has signed, with these claims."""
    now = site.clock.now
    usual = {"iss": ISSUER, "sub": SUBJECT, "iat": now, "exp": now + 900}
    key = site.idp.installation.services.keys.signing_key("RS256")
    return await sign_jwt(usual | claims, key, typ=typ)


async def id_token(site: Site, **claims: Any) -> str:
    """One of Ann's for the app."""
    return await signed(site, "JWT", **{"aud": "app"} | claims)


async def access_token(site: Site, scope: str = "openid", **claims: Any) -> str:
    """One of Ann's for the app."""
    whole = {"aud": "app", "client_id": "app", "jti": "j", "scope": scope} | claims
    return await signed(site, "at+jwt", **whole)
