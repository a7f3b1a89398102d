"""A server with a client and a person."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from apogee_idp import Grant
from apogee_idp.crypto.handles import Code
from apogee_idp.crypto.secrets import generate_subject
from apogee_idp.crypto.slow_hashes import hash_secret
from apogee_idp.crypto.tokens import sign_jwt
from apogee_idp.management.users import UserCommands
from apogee_idp.stores.logins import Logins
from apogee_idp.stores.repositories import users_in
from apogee_idp.user_model import User
from tests.acting import acting
from tests.browser import Browser, Page
from tests.clock import Clock
from tests.conftest import StartIdp
from tests.idp import ISSUER, Answer, Idp

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
HASH = hash_secret(PASSWORD)


@dataclass
class Site:
    """The server, its clock, and what a test needs to come there."""

    idp: Idp
    clock: Clock

    def browser(self) -> Browser:
        """A new one, without any cookies."""
        return Browser(self.idp)

    @property
    def users(self) -> UserCommands:
        """Commands on people, by its clock."""
        installation = self.idp.installation
        passwords = installation.management.passwords
        return UserCommands(
            installation.store,
            passwords,
            now=self.clock,
            new_subject=generate_subject,
            **acting(installation.store, now=self.clock),
        )

    async def add_app(self, client_id: str = "app", **registration: Any) -> None:
        """A confidential web application with the code flow."""
        whole = {
            "display_name": "The App" if client_id == "app" else client_id,
            "flow_type": "authorization_code",
            "redirect_uris": (CALLBACK,),
            "post_logout_redirect_uris": (GOODBYE,),
            "scopes": ("invoices.read", "stock.read"),
            "allow_offline_access": True,
            "endpoints": ("introspection", "revocation"),
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

    async def code(self, browser: Browser | None = None, **changes: str | None) -> str:
        """A code for the app, from a browser in which it has been allowed, or a new one."""
        browser = browser or self.browser()
        page = await self.authorize(browser, **changes)
        if page.status == 200 and page.title == "Sign in":
            page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
        if page.status == 200:
            page = await page.allow()
        return page.parameters["code"]

    async def redeem(self, code: str, client_id: str = "app", **changes: str | None) -> Answer:
        """Presents the code as its client does."""
        return await self.ask(
            client_id,
            grant_type="authorization_code",
            code=code,
            **{"redirect_uri": CALLBACK, "code_verifier": VERIFIER} | changes,
        )

    async def refresh(self, token: str, client_id: str = "app", **changes: str | None) -> Answer:
        """Presents the refresh token as its client does."""
        return await self.ask(client_id, grant_type="refresh_token", refresh_token=token, **changes)

    async def ask(self, client_id: str, **form: str | None) -> Answer:
        """A token request of this client; what is None is left out."""
        secret = self.idp.secrets.get(client_id)
        whole = {"client_id": client_id, "client_secret": secret} | form
        return await self.idp.ask({n: v for n, v in whole.items() if v is not None})

    async def tokens(self, scope: str = "openid offline_access", **changes: str | None) -> Any:
        """The token response after a whole sign-in."""
        answer = await self.redeem(await self.code(scope=scope, **changes))
        assert answer.status == 200, answer.body
        return answer.json

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
    site = Site(await start_idp(clock=clock), clock)
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
    """One of Ann's for the app, as if she had just allowed it."""
    grant = Grant(
        client_id="app",
        subject=claims.get("sub", SUBJECT),
        scopes=tuple(scope.split()),
        auth_time=site.clock.now,
        begun_at=site.clock.now,
        redirect_uri=CALLBACK,
        sid="s" * 32,
        methods=("pwd",),
    )
    code = await site.idp.installation.services.grants.authorize(grant, code_seconds=60, seconds=0)
    parsed = Code.parse(code)
    assert parsed is not None
    whole = {"aud": "app", "client_id": "app", "jti": "j", "scope": scope} | claims
    whole = {"oi_au_id": parsed.authorization_id} | whole
    return await signed(site, "at+jwt", **whole)
