"""Clients that hear when somebody has signed out (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from apogee_idp.app import new_id
from apogee_idp.backchannel_logout import PAUSES, BackChannelLogout
from apogee_idp.errors import CommandRefused
from apogee_idp.logout_tokens import EVENT, LogoutTokens
from apogee_idp.outgoing import Outgoing
from apogee_idp.requests import Session
from apogee_idp.user_model import User
from tests.browser import Browser
from tests.clock import Clock
from tests.conftest import StartIdp
from tests.idp import ISSUER

from .conftest import CALLBACK, EMAIL, PASSWORD, SUBJECT, Site

OTHER = "bob@example.com"


@dataclass
class Listener:
    """A client's back channel, which answers with ``statuses`` in turn, the last for ever."""

    statuses: list[int]
    url: str = ""
    heard: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def answer(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.heard.put_nowait(str(form["logout_token"]))
        status = self.statuses[0] if len(self.statuses) == 1 else self.statuses.pop(0)
        return web.Response(status=status)

    async def next(self) -> str:
        return await asyncio.wait_for(self.heard.get(), 10)


@asynccontextmanager
async def listening(*statuses: int) -> AsyncIterator[Listener]:
    listener = Listener(list(statuses) or [200])
    app = web.Application()
    app.router.add_post("/logout", listener.answer)
    async with TestServer(app) as server:
        listener.url = f"http://localhost:{server.port}/logout"
        yield listener


@pytest.fixture
async def site(start_idp: StartIdp) -> Site:
    clock = Clock()
    site = Site(await start_idp(clock=clock, private_hosts=("localhost",)), clock)
    await site.add_user()
    return site


async def sign_out(browser: Browser) -> None:
    page = await browser.follow(await browser.get("/connect/logout"))
    await page.submit(action="sign_out")


async def read(site: Site, token: str) -> dict[str, Any]:
    """The claims, verified as a client does (§2.6)."""
    keys = jwt.PyJWKSet.from_dict((await site.idp.send("GET", "/.well-known/jwks")).json)
    header = jwt.get_unverified_header(token)
    assert header["typ"] == "logout+jwt"
    claims: dict[str, Any] = jwt.decode(
        token,
        keys[header["kid"]],
        algorithms=["RS256"],
        issuer=ISSUER,
        audience="app",
        options={"verify_exp": False, "verify_iat": False},
    )
    return claims


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
async def test_a_client_hears_that_somebody_has_signed_out(site: Site) -> None:
    """By a token about the session that its id_token was from."""
    async with listening() as app, listening() as other:
        await site.add_app(backchannel_logout_uri=app.url)
        await site.add_app("other", backchannel_logout_uri=other.url)
        browser = site.browser()
        code = await site.code(browser, scope="openid")
        id_token = (await site.redeem(code)).json["id_token"]
        claims = jwt.decode(id_token, options={"verify_signature": False})
        await sign_out(browser)
        told = await read(site, await app.next())
    assert told["sid"] == claims["sid"]
    assert told["sub"] == SUBJECT
    assert told["events"] == {EVENT: {}}
    assert 0 < told["exp"] - told["iat"] <= 120
    assert "nonce" not in told
    assert other.heard.empty(), "she never signed in there"


async def test_signing_in_again_is_no_end(site: Site) -> None:
    """Not for clients: they know the same session. Somebody else's sign-in is one."""
    async with listening() as app:
        await site.add_app(backchannel_logout_uri=app.url)
        await site.add_user(OTHER, "usr_" + "B" * 22)
        browser = site.browser()
        sids = []
        for _ in range(2):
            page = await site.authorize(browser, prompt="login")
            page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
            code = (await page.allow() if page.status == 200 else page).parameters["code"]
            id_token = (await site.redeem(code)).json["id_token"]
            sids.append(jwt.decode(id_token, options={"verify_signature": False})["sid"])
        assert sids[0] == sids[1]
        assert app.heard.empty()
        page = await site.authorize(browser, prompt="login")
        await page.sign_in(OTHER, PASSWORD)
        assert (await read(site, await app.next()))["sid"] == sids[0]


@pytest.mark.parametrize(
    "uri", ["http://app.example/logout", "https://127.0.0.1/logout", "ftp://app.example/"]
)
async def test_A_CA_06_nobody_registers_an_address_of_ours(site: Site, uri: str) -> None:
    """What the server asks has to be public, and https."""
    with pytest.raises(CommandRefused, match="backchannel_logout_uri can't be asked"):
        await site.add_app(backchannel_logout_uri=uri, redirect_uris=(CALLBACK,))


def tokens_of(site: Site) -> LogoutTokens:
    keys = site.idp.installation.services.keys
    return LogoutTokens(ISSUER, keys, now=site.clock, new_id=new_id)


SESSION = Session("i", User(SUBJECT, EMAIL), 0, 0, 0, "sid-1", ("pwd",), ("app",))
TellOnce = Callable[[Listener], Awaitable[tuple[list[float], list[tuple[str, str]]]]]


@pytest.fixture
def tell_once(site: Site) -> TellOnce:
    """Tells about SESSION; what was waited for in between, and what was reported."""

    async def tell(listener: Listener) -> tuple[list[float], list[tuple[str, str]]]:
        await site.add_app(backchannel_logout_uri=listener.url)
        services = site.idp.installation.services
        waited: list[float] = []
        reported: list[tuple[str, str]] = []

        async def sleep(seconds: float) -> None:
            waited.append(seconds)

        async with Outgoing({"localhost"}) as outgoing:
            back_channel = BackChannelLogout(
                services.clients,
                tokens_of(site),
                outgoing,
                report=lambda client_id, problem: reported.append((client_id, problem)),
                sleep=sleep,
            )
            back_channel.tell(SESSION)
            await asyncio.gather(*back_channel._under_way)
            await back_channel.close()
        return waited, reported

    return tell


@pytest.mark.parametrize(
    ("statuses", "attempts", "problem"),
    [
        pytest.param([200], 1, "", id="heard"),
        pytest.param([204], 1, "", id="heard, and nothing to say"),
        pytest.param([503, 200], 2, "", id="heard the second time"),
        pytest.param([429, 408, 200], 3, "", id="too busy at first"),
        pytest.param([400], 1, "status of its answer is 400", id="refused"),
        pytest.param([302], 1, "status of its answer is 302", id="sent elsewhere"),
        pytest.param([500], 1 + len(PAUSES), "status of its answer is 500", id="broken"),
    ],
)
async def test_who_does_not_hear_is_told_again(
    tell_once: TellOnce, statuses: list[int], attempts: int, problem: str
) -> None:
    """With longer and longer pauses; what stays in vain is reported. Each token is another."""
    async with listening(*statuses) as listener:
        waited, reported = await tell_once(listener)
    assert waited == [0.0, *PAUSES][:attempts]
    tokens = [listener.heard.get_nowait() for _ in range(listener.heard.qsize())]
    assert len(set(tokens)) == attempts
    assert [(client_id, problem in told) for client_id, told in reported] == (
        [("app", True)] if problem else []
    )


async def test_who_is_not_there_is_reported(tell_once: TellOnce) -> None:
    """After all attempts."""
    async with listening() as listener:
        pass
    waited, reported = await tell_once(listener)
    assert waited == [0.0, *PAUSES]
    assert reported == [("app", "no connection to the host can be made")]


@pytest.mark.parametrize("has_begun", [True, False], ids=["under way", "not begun"])
async def test_what_was_not_told_before_the_end_is_reported(site: Site, has_begun: bool) -> None:
    """Nobody will tell it afterwards."""
    services = site.idp.installation.services
    reported: list[tuple[str, str]] = []
    begun = asyncio.Event()

    async def sleep(_: float) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with Outgoing(()) as outgoing:
        back_channel = BackChannelLogout(
            services.clients,
            tokens_of(site),
            outgoing,
            report=lambda client_id, problem: reported.append((client_id, problem)),
            sleep=sleep,
        )
        back_channel.tell(SESSION)
        if has_begun:
            await begun.wait()
        await back_channel.close()
    assert reported == [("app", "the server stopped")]
