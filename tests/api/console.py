"""The console as its pages use the API: a browser in which somebody has signed in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from apogee_idp.stores.logins import Logins
from apogee_idp.stores.repositories import users_in
from apogee_idp.user_model import ADMINISTRATOR_ROLE, User
from tests.browser import Browser, Page
from tests.idp import Answer, Idp
from tests.interaction.conftest import EMAIL, HASH, PASSWORD, SUBJECT


async def add_person(idp: Idp, email: str = EMAIL, subject: str = SUBJECT, **facts: Any) -> User:
    """Somebody with PASSWORD, who is an administrator unless ``roles`` say something else."""
    whole = {"roles": (ADMINISTRATOR_ROLE,), "password_hash": HASH} | facts
    store = idp.installation.store
    await Logins(store, now=idp.installation.services.now).claim(email, subject)
    return await users_in(store).add(User(subject, email, **whole))


async def sign_in(idp: Idp, *, email: str = EMAIL, to: str = "", base: str = "") -> Page:
    """The page behind the login page, in a browser of its own."""
    browser = Browser(idp)
    login = await browser.follow(await browser.get(f"{base}/console/sign-in?to={to}"))
    assert login.title == "Sign in"
    return await browser.follow(await login.sign_in(email, PASSWORD))


@dataclass
class Console:
    """Requests as the console's own scripts make them."""

    browser: Browser
    base: str = ""
    csrf_token: str = field(default="", repr=False)

    @classmethod
    async def opened(cls, idp: Idp, *, email: str = EMAIL, base: str = "") -> Console:
        """Signed in, and with the token of the session."""
        console = cls((await sign_in(idp, email=email, base=base)).browser, base)
        told = (await console.call("GET", "/session")).json
        console.csrf_token = told.get("session", told)["csrf_token"]
        return console

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """A request; headers that are "" are left out, ``If_Match`` is If-Match."""
        sent = {
            "Sec-Fetch-Site": "same-origin",
            "Cookie": "; ".join(f"{n}={v}" for n, v in self.browser.cookies.items()),
            "X-CSRF-Token": "" if method in ("GET", "HEAD") else self.csrf_token,
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        options: dict[str, Any] = {}
        if body is not None:
            options["data"] = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        sent = {name: value for name, value in sent.items() if value}
        url = f"{self.base}/api/v1{path}"
        return await self.browser.idp.send(method, url, headers=sent, **options)
