"""A real server in this process, on a real socket, that can crash and be started again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import cache
from importlib import metadata
from typing import Any, TypeVar

import jinja2
import pytest

from apogee_idp import Grant, app
from apogee_idp.app import opened_installation
from apogee_idp.errors import InvalidGrant
from apogee_idp.management.clients import ClientCommands
from apogee_idp.management.registrations import ClientRegistration
from apogee_idp.model import MANAGEMENT_SCOPES
from apogee_idp.serving import listening
from apogee_idp.settings import Settings
from apogee_idp.stores.repositories import users_in
from apogee_idp.user_model import User
from tests.acting import TESTER, acting
from tests.clock import Clock
from tests.idp import FORM, ISSUER, Answer, Idp

from .mortal import Life, make_mortal
from .reference import CODE_SECONDS, IDLE_SECONDS, SIGN_IN_SECONDS, TOKEN_SECONDS, SignIn

CALLBACK = "https://app.example/cb"
SUBJECT = "usr_" + "A" * 22
Crash = tuple[int, bool] | None
"""At which write, and whether that is done; None is never."""

Result = TypeVar("Result")
_DISTRIBUTIONS = cache(metadata.packages_distributions)
_compile = jinja2.Environment.compile
_CODE: dict[str, Any] = {}


def _compiled(environment: jinja2.Environment, source: str, *names: Any, **options: Any) -> Any:
    """The code of a template, made once."""
    if source not in _CODE:
        _CODE[source] = _compile(environment, source, *names, **options)
    return _CODE[source]


class World:
    """The server on the store at ``url``; every method runs its loop for a while."""

    def __init__(self, url: str, key_encryption_key: str, patch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        self.crashes = 0
        self._settings = Settings(
            issuer=ISSUER,
            port=0,
            health_port=0,
            store=url,
            key_encryption_key=(key_encryption_key,),
            handler_timeout=10.0,
            access_token_lifetime=TOKEN_SECONDS,
            refresh_token_idle_seconds=IDLE_SECONDS,
            refresh_token_lifetime=SIGN_IN_SECONDS,
        )
        self._runner = asyncio.Runner()
        self._life: Life
        self._idp: Idp
        store_of = app.store_of
        patch.setattr(app, "store_of", lambda *a, **n: make_mortal(store_of(*a, **n), self._life))
        # Of what is the same at each start, the slowest: hundreds of starts have to be quick.
        patch.setattr(metadata, "packages_distributions", _DISTRIBUTIONS)
        patch.setattr(jinja2.Environment, "compile", _compiled)
        self._runner.run(self._start())
        self._runner.run(self._prepare())

    def close(self) -> None:
        """With everything settled and told of."""
        self._runner.run(self._stack.aclose())
        self._runner.close()

    def restart(self, *, orderly: bool) -> None:
        self._runner.run(self._restart(orderly=orderly))

    def run(
        self, awaitable: Callable[[Idp], Awaitable[Result]], crash: Crash = None
    ) -> Result | None:
        """What comes of it; None if the server crashed meanwhile, and has been started again."""
        return self._runner.run(self._attempt(awaitable, crash))

    def form(self, path: str, crash: Crash = None, **fields: str) -> Answer | None:
        """A form to an endpoint."""
        from urllib.parse import urlencode

        body, headers = urlencode(fields), {"Content-Type": FORM}
        return self.run(lambda idp: idp.send("POST", path, data=body, headers=headers), crash)

    def api(self, method: str, path: str, body: Any = None, crash: Crash = None) -> Answer | None:
        """A request to the management API, on the version that stands."""
        return self.run(lambda idp: self._call(idp, method, path, body), crash)

    def asked(self, method: str, path: str) -> Answer:
        """The same of one that doesn't change anything."""
        answer = self.api(method, path)
        assert answer is not None
        return answer

    def authorize(self, client_id: str, crash: Crash) -> str | None:
        """A code, as the authorization endpoint makes it."""
        now = self.clock.now
        grant = Grant(client_id, SUBJECT, ("openid", "offline_access"), now, now, CALLBACK, None)
        return self.run(
            lambda idp: idp.installation.services.grants.authorize(
                grant, code_seconds=CODE_SECONDS, seconds=SIGN_IN_SECONDS
            ),
            crash,
        )

    def state_of(self, sign_in: SignIn, value: str) -> str:
        """What has become of a code or refresh token: ``good``, ``spent`` or ``ended``."""

        async def look(idp: Idp) -> str:
            grants = idp.installation.services.grants
            find = grants.find_code if value == sign_in.code else grants.find_refresh_token
            try:
                return "spent" if (await find(value)).redeemed_at else "good"
            except InvalidGrant:
                return "ended"

        state = self.run(look)
        assert state is not None
        return state

    def revoke_key(self, kid: str) -> None:
        """Another process does it, and this one is started again."""

        async def revoke(idp: Idp) -> None:
            commands = idp.installation.management.keys(TESTER)
            await commands.revoke(kid, idp.installation.key_encryption_key)

        self.run(revoke)
        self.restart(orderly=True)

    async def _start(self) -> None:
        self._life = Life()
        self._stack = AsyncExitStack()
        installation = await self._stack.enter_async_context(
            opened_installation(self._settings, now=self.clock)
        )
        port = await self._stack.enter_async_context(listening(installation))
        await installation.until_ready()
        self._idp = await self._stack.enter_async_context(Idp(installation, port, self.clock))

    async def _prepare(self) -> None:
        """An administrator, and somebody who signs in."""
        store = self._idp.installation.store
        scopes = {"scopes": tuple(MANAGEMENT_SCOPES), "default_scopes": ("idp:admin",)}
        commands = ClientCommands(store, now=self.clock, **acting(store, now=self.clock))
        made = (await commands.add(ClientRegistration("boss", **scopes))).secret  # type: ignore[arg-type]
        assert made is not None
        self._secret = made.value
        self._token, self._token_until = "", 0
        await users_in(store).add(User(SUBJECT, "ann@example.com"))

    async def _restart(self, *, orderly: bool) -> None:
        if not orderly:
            self._life.bury()
        await self._stack.aclose()
        await self._start()

    async def _attempt(
        self, awaitable: Callable[[Idp], Awaitable[Result]], crash: Crash
    ) -> Result | None:
        if crash is not None:
            await self._admin_token()
            self._life.doom(crash[0], does_last=crash[1])
        asking = asyncio.ensure_future(awaitable(self._idp))
        dying = asyncio.create_task(self._life.died.wait())
        await asyncio.wait({asking, dying}, return_when=asyncio.FIRST_COMPLETED)
        if asking.done() and not dying.done():
            dying.cancel()
            self._life.spare()
            return asking.result()
        asking.cancel()
        await asyncio.wait({asking})
        self.crashes += 1
        await self._restart(orderly=False)
        return None

    async def _call(self, idp: Idp, method: str, path: str, body: Any) -> Answer:
        headers = {"Authorization": f"Bearer {await self._admin_token()}"}
        url = f"/api/v1{path}"
        if method == "DELETE":
            found = await idp.send("GET", url, headers=headers)
            if found.status == 404:
                return found
            headers["If-Match"] = found.headers["ETag"]
        data = None if body is None else json.dumps(body)
        if data is not None:
            headers["Content-Type"] = "application/json"
        return await idp.send(method, url, headers=headers, data=data)

    async def _admin_token(self) -> str:
        if self._token_until <= self.clock.now:
            self._token = (await self._idp.grant("boss", self._secret)).token
            self._token_until = self.clock.now + TOKEN_SECONDS // 2
        return self._token
