"""The load: each writer makes the service write one kind of thing, and can look what it is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar

from apogee_idp.app import now
from apogee_idp.pushed_requests import REQUEST_URI_PREFIX
from apogee_idp.stores.logins import Logins
from tests.browser import Browser
from tests.idp import Answer

from .oracle import Oracle
from .scene import (
    ASSERTION_TYPE,
    PASSWORD,
    SESSION,
    TO_BE_ASKED,
    VERIFIER,
    Person,
    Scene,
    accepted,
)
from .shell import Shell


@dataclass
class Round:
    """What the writers have in common between two kills; ``name`` is of no other round."""

    name: str
    scene: Scene
    shell: Shell
    person: Person
    oracle: Oracle
    random: random.Random


class Writer:
    """Writes, and says of a thing of its ``kinds`` what has become of it.

    Everything may raise Lost.
    """

    kinds: ClassVar[Sequence[str]]

    def __init__(self, current: Round) -> None:
        self.scene = current.scene
        self.shell = current.shell
        self.person = current.person
        self.oracle = current.oracle
        self.service = current.scene.service
        self.random = current.random
        self.names = (f"{current.name}-{number}" for number in count())

    async def write(self) -> None:
        """Some writes, with the oracle told before and after each."""
        raise NotImplementedError

    async def look(self, kind: str, rest: str) -> str:
        """The state of the thing ``f"{kind} {rest}"``; what is good once is spent by it."""
        raise NotImplementedError

    def chance(self) -> bool:
        """Two times of three."""
        return self.random.random() < 2 / 3


class Tokens(Writer):
    """Self-contained tokens are put on the deny-list, opaque ones have rows."""

    kinds = ("machine", "opaque")

    async def write(self) -> None:
        for client_id in self.kinds:
            token = (await self.scene.grant(client_id)).token
            thing = f"{client_id} {token}"
            self.oracle.holds(thing, "active")
            if self.chance():
                self.oracle.begins(thing, "ended")
                await self._present("revoke", client_id, token)
                self.oracle.holds(thing, "ended")

    async def look(self, kind: str, rest: str) -> str:
        told = await self._present("introspect", kind, rest)
        return "active" if told.json["active"] else "ended"

    async def _present(self, endpoint: str, client_id: str, token: str) -> Any:
        form = {"client_id": client_id, "client_secret": self.scene.secrets[client_id]}
        answer = await self.service.form(f"/connect/{endpoint}", token=token, **form)
        assert answer.status == 200
        return answer


class Grants(Writer):
    """Codes, and the refresh tokens behind them."""

    kinds = ("authorization_code", "refresh_token")

    async def write(self) -> None:
        code = await self.person.code()
        thing = f"authorization_code {code}"
        self.oracle.holds(thing, "good")
        while self.chance():
            self.oracle.begins(thing, "spent")
            answer = await self._redeem(*thing.split())
            assert answer.status == 200, answer.body
            self.oracle.holds(thing, "spent")
            thing = f"refresh_token {answer.json['refresh_token']}"
            self.oracle.holds(thing, "good")

    async def look(self, kind: str, rest: str) -> str:
        return "good" if accepted(await self._redeem(kind, rest), "invalid_grant") else "spent"

    async def _redeem(self, kind: str, value: str) -> Answer:
        form = {"code": value, "code_verifier": VERIFIER}
        if kind == "refresh_token":
            form = {"refresh_token": value}
        return await self.service.form("/connect/token", grant_type=kind, client_id="app", **form)


class Consents(Writer):
    """What a person allows, and takes back at /account."""

    kinds = ("consent",)

    async def write(self) -> None:
        client_id = self.random.choice(TO_BE_ASKED)
        thing = f"consent {client_id}"
        self.oracle.begins(thing, "none", "remembered")
        page = await self.person.authorize(client_id)
        if page.status == 200:
            page = await page.allow()
        assert "code" in page.parameters, page.text
        self.oracle.holds(thing, "remembered")
        if self.chance():
            self.oracle.begins(thing, "none")
            await self._take_back(client_id)
            self.oracle.holds(thing, "none")

    async def look(self, kind: str, rest: str) -> str:
        told = (await self.person.authorize(rest, prompt="none")).parameters
        if "code" in told:
            return "remembered"
        assert told["error"] == "consent_required"
        return "none"

    async def _take_back(self, client_id: str) -> None:
        browser = self.person.browser()
        page = await browser.get("/account")
        form = {"token": page.fields["token"], "action": "end_application"}
        answer = await browser.post("/account", form | {"client_id": client_id})
        assert answer.status == 303, answer.text


class Sessions(Writer):
    """People sign in and out."""

    kinds = ("session",)

    async def write(self) -> None:
        browser = self.person.browser("")
        page = await browser.follow(await browser.get("/account"))
        await page.sign_in(self.person.email, PASSWORD)
        thing = f"session {browser.cookies[SESSION]}"
        self.oracle.holds(thing, "signed in")
        if self.chance():
            await self._sign_out(browser, thing)

    async def look(self, kind: str, rest: str) -> str:
        told = (await self.person.authorize("app", prompt="none", cookie=rest)).parameters
        if "code" in told:
            return "signed in"
        assert told["error"] == "login_required"
        return "signed out"

    async def _sign_out(self, browser: Browser, thing: str) -> None:
        page = await browser.follow(await browser.get("/connect/logout"))
        self.oracle.begins(thing, "signed out")
        await page.submit(action="sign_out")
        self.oracle.holds(thing, "signed out")


class PushedRequests(Writer):
    """Requests are pushed, and visited."""

    kinds = ("pushed",)

    async def write(self) -> None:
        uri = (await self.scene.push()).removeprefix(REQUEST_URI_PREFIX)
        self.oracle.holds(f"pushed {uri}", "there")
        if self.chance():
            self.oracle.begins(f"pushed {uri}", "used")
            assert await self.look("pushed", uri) == "there"
            self.oracle.holds(f"pushed {uri}", "used")

    async def look(self, kind: str, rest: str) -> str:
        page = await self.person.authorize("par", request_uri=REQUEST_URI_PREFIX + rest)
        if page.status == 400:
            return "used"
        assert "code" in page.parameters
        return "there"


class Assertions(Writer):
    """Clients authenticate by assertions, each of which is good once."""

    kinds = ("assertion",)

    async def write(self) -> None:
        thing = f"assertion {next(self.names)}"
        self.oracle.begins(thing, "unused", "used")
        assert await self.look(*thing.split()) == "unused"
        self.oracle.holds(thing, "used")

    async def look(self, kind: str, rest: str) -> str:
        answer = await self.service.form(
            "/connect/token",
            grant_type="client_credentials",
            client_assertion_type=ASSERTION_TYPE,
            client_assertion=self.scene.assertion(rest),
        )
        return "unused" if accepted(answer, "invalid_client") else "used"


class Users(Writer):
    """Accounts are made and disabled by a process that is killed with the service."""

    kinds = ("user",)

    async def write(self) -> None:
        email = f"{next(self.names)}@example.com"
        thing = f"user {email}"
        self.oracle.begins(thing, "absent", "enabled")
        await self.shell.run("add", email)
        self.oracle.holds(thing, "enabled")
        if self.chance():
            self.oracle.begins(thing, "disabled")
            await self.shell.run("disable", email)
            self.oracle.holds(thing, "disabled")

    async def look(self, kind: str, rest: str) -> str:
        user = await Logins(self.scene.store, now=now).find(rest)
        if user is None:
            return "absent"
        return "enabled" if user.enabled else "disabled"
