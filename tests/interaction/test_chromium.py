"""What only a browser decides: policies, cookies, redirects behind forms, going back, frames."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlencode

import pytest
from aiohttp import web
from playwright.async_api import expect

from apogee_idp.crypto.one_time_passwords import PERIOD_SECONDS, totp_at
from tests.chromium import Tab, another_site, chromium
from tests.conftest import StartIdp

from .conftest import EMAIL, PASSWORD, REQUEST, Clock, Site, address


@dataclass
class Program:
    """A client on the same machine, where people come back; what came is in ``seen``."""

    url: str = ""
    seen: list[dict[str, str]] = field(default_factory=list)
    referrers: set[str] = field(default_factory=set)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def callback(self, request: web.Request) -> web.Response:
        self.seen.append({**request.query, **await request.post()})  # type: ignore[dict-item]
        if "logout_token" in self.seen[-1]:
            self.heard.set()
        self.referrers.add(request.headers.get("Referer", ""))
        return web.Response(text="<h1>Welcome back</h1>", content_type="text/html")

    async def frame(self, request: web.Request) -> web.Response:
        page = f'<h1>Frame</h1><iframe src="{request.query["url"]}"></iframe>'
        return web.Response(text=page, content_type="text/html")

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_route("*", "/callback", self.callback)
        app.router.add_get("/frame", self.frame)
        async with another_site(app) as self.url:
            yield


@dataclass
class Scene:
    """The browser, the server, and the client."""

    tab: Tab
    site: Site
    program: Program

    @property
    def account(self) -> str:
        """Where she looks after her account."""
        return f"http://localhost:{self.site.idp.port}/account"

    def address(self, **changes: str | None) -> str:
        """Where the client sends people."""
        own = {"redirect_uri": f"{self.program.url}/callback", "state": "s"}
        return f"http://localhost:{self.site.idp.port}{address(**own | changes)}"


@pytest.fixture
async def scene(start_idp: StartIdp) -> AsyncIterator[Scene]:
    """A developer's machine, where nothing has TLS."""
    clock, program = Clock(), Program()
    issuer = "http://localhost:8080"
    site = Site(await start_idp(clock=clock, issuer=issuer, private_hosts=("localhost",)), clock)
    await site.add_app(application_type="native", redirect_uris=("http://127.0.0.1/callback",))
    await site.add_user()
    async with program.listening(), chromium() as tab:
        yield Scene(tab, site, program)


async def test_the_whole_way_and_back(scene: Scene) -> None:
    """A wrong password first; in the end a code, and no trace of where she came from.

    A-AZ-11: who goes back from there and agrees again gets no second one.
    """
    tab = scene.tab
    await tab.open(scene.address())
    await tab.sign_in(EMAIL, "wrong")
    await expect(tab.page.get_by_role("alert")).to_be_visible()
    await tab.sign_in(EMAIL, PASSWORD)
    await tab.until_title("Allow The App?")
    await tab.press("approve")
    await tab.until_title("Welcome back")
    (back,) = scene.program.seen
    assert back.keys() == {"code", "state", "iss"}
    assert scene.program.referrers == {""}
    await tab.page.evaluate("setTimeout(() => history.back())")
    await tab.until_title("Allow The App?")  # as the browser remembers it
    await tab.press("approve")
    await tab.until_title("This page is no longer good")
    assert len(scene.program.seen) == 1
    # Statuses apart, nothing was complained about: no policy, no cookie.
    assert [text for text in tab.problems if "Failed to load" not in text] == []


async def test_R_AE_12_form_post_runs_its_one_script(scene: Scene) -> None:
    """The policy allows that and no other."""
    tab = scene.tab
    await tab.open(scene.address(response_mode="form_post"))
    await tab.sign_in(EMAIL, PASSWORD)
    await tab.until_title("Allow The App?")
    await tab.press("approve")
    await tab.until_title("Welcome back")
    (back,) = scene.program.seen
    assert back.keys() == {"code", "state", "iss"}


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
async def test_somebody_looks_after_her_account(scene: Scene) -> None:
    """She signs in, signs out elsewhere, and chooses another password."""
    tab, elsewhere = scene.tab, scene.site.browser()
    await (await elsewhere.follow(await elsewhere.get("/account"))).sign_in(EMAIL, PASSWORD)
    await tab.open(scene.account)
    await tab.sign_in(EMAIL, PASSWORD)
    await tab.until_title("Your account")
    await tab.keep("account")
    assert await tab.faults() == []
    await tab.press("end_sessions")
    await expect(tab.page.get_by_role("status")).to_have_text("All other browsers are signed out.")
    new = "an entirely different sentence"
    await tab.fill(current=PASSWORD, password=new, again=new)
    await tab.press("set_password")
    await expect(tab.page.get_by_role("status")).to_contain_text("The password is changed.")
    await tab.page.get_by_role("link", name="Sign out").click()
    await tab.until_title("Sign out?")
    await tab.press("sign_out")
    await tab.open(scene.account)
    await tab.until_title("Sign in")
    await tab.sign_in(EMAIL, new)
    await tab.until_title("Your account")
    assert [text for text in tab.problems if "Failed to load" not in text] == []


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
async def test_from_a_pushed_request_to_the_end_of_the_session(scene: Scene) -> None:
    """The client pushes, she signs in, ends its access, signs out; and the client hears of it."""
    tab, idp = scene.tab, scene.site.idp
    await scene.site.add_app(
        "bank",
        application_type="native",
        redirect_uris=("http://127.0.0.1/callback",),
        backchannel_logout_uri=f"{scene.program.url.replace('127.0.0.1', 'localhost')}/callback",
        require_pushed_authorization_requests=True,
    )
    form = REQUEST | {
        "client_id": "bank",
        "client_secret": idp.secrets["bank"],
        "redirect_uri": f"{scene.program.url}/callback",
        "scope": "openid offline_access",
    }
    pushed = await idp.send("POST", "/connect/par", data=form)
    query = urlencode({"client_id": "bank", "request_uri": pushed.json["request_uri"]})
    await tab.open(f"http://localhost:{idp.port}/connect/authorize?{query}")
    await tab.sign_in(EMAIL, PASSWORD)
    await tab.until_title("Allow bank?")
    await tab.press("approve")
    await tab.until_title("Welcome back")
    code = scene.program.seen.pop()["code"]
    callback = form["redirect_uri"]
    tokens = (await scene.site.redeem(code, "bank", redirect_uri=callback)).json
    await tab.open(scene.account)
    await tab.press("end_application")
    await expect(tab.page.get_by_role("status")).to_contain_text("has lost its access")
    asked = {"token": tokens["access_token"], "client_id": "bank"}
    asked["client_secret"] = idp.secrets["bank"]
    assert not (await idp.send("POST", "/connect/introspect", data=asked)).json["active"]
    await tab.page.get_by_role("link", name="Sign out").click()
    await tab.press("sign_out")
    await scene.program.heard.wait()
    assert scene.program.seen[-1].keys() == {"logout_token"}


async def test_A_AZ_04_no_page_in_a_frame(scene: Scene) -> None:
    """The browser does not show it there."""
    tab = scene.tab
    await tab.open(f"{scene.program.url}/frame?url={scene.address().replace('&', '%26')}")
    await tab.until_title("Frame")
    script = "document.querySelector('iframe').contentDocument === null"
    assert await tab.page.evaluate(script)
    assert any("frame-ancestors" in text or "Refused" in text for text in tab.problems)


async def test_R_OC_07_signing_out(scene: Scene) -> None:
    """The cookie is gone, and so is the session."""
    tab = scene.tab
    await tab.open(scene.address())
    await tab.sign_in(EMAIL, PASSWORD)
    await tab.until_title("Allow The App?")
    await tab.open(f"http://localhost:{scene.site.idp.port}/connect/logout")
    await tab.until_title("Sign out?")
    await tab.press("sign_out")
    await tab.until_title("You are signed out")
    await tab.open(scene.address())
    await tab.until_title("Sign in")


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_somebody_sets_up_a_second_factor(
    scene: Scene, scheme: Literal["light", "dark"]
) -> None:
    """On her phone, and signs in with it."""
    tab, clock = scene.tab, scene.site.clock
    await on_a_phone(tab, scheme)
    await tab.open(scene.account)
    await tab.sign_in(EMAIL, PASSWORD)
    await tab.page.get_by_role("link", name="Set up a second factor").click()
    await tab.until_title("Set up a second factor")
    await check_page(tab, f"second-factor-setup-phone-{scheme}")
    secret = await tab.page.input_value("[name=secret]")
    await tab.fill(code=totp_at(secret, clock.now))
    await tab.press("enrol")
    await tab.until_title("Keep these codes")
    await check_page(tab, f"recovery-codes-phone-{scheme}")
    await tab.page.get_by_role("link", name="continue").click()
    await tab.page.get_by_role("link", name="Sign out").click()
    await tab.press("sign_out")
    clock.now += PERIOD_SECONDS
    await tab.open(scene.address())
    await tab.sign_in(EMAIL, PASSWORD)
    await tab.until_title("Second step")
    await check_page(tab, f"second-step-phone-{scheme}")
    await tab.fill(code=totp_at(secret, clock.now))
    await tab.press("second_factor")
    await tab.until_title("Allow The App?")
    assert tab.problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_fit_on_a_phone(scene: Scene, scheme: Literal["light", "dark"]) -> None:
    """Nothing to scroll sideways, buttons for thumbs, and words that stand out from the page."""
    tab = scene.tab
    await on_a_phone(tab, scheme)
    await tab.open(scene.address(scope="openid profile email phone address roles"))
    await tab.until_title("Sign in")
    await check_page(tab, f"login-phone-{scheme}")
    await tab.sign_in(EMAIL, PASSWORD)
    await tab.until_title("Allow The App?")
    await check_page(tab, f"consent-phone-{scheme}")
    await tab.open(scene.account)
    await tab.until_title("Your account")
    await check_page(tab, f"account-phone-{scheme}")
    await tab.open(scene.address(redirect_uri="https://evil.example"))
    await check_page(tab, f"error-phone-{scheme}")
    await tab.open(f"http://localhost:{scene.site.idp.port}/connect/logout")
    await tab.until_title("Sign out?")
    await check_page(tab, f"logout-phone-{scheme}")
    await tab.press("sign_out")
    await tab.until_title("You are signed out")
    await check_page(tab, f"signed-out-phone-{scheme}")


async def on_a_phone(tab: Tab, scheme: Literal["light", "dark"]) -> None:
    await tab.page.set_viewport_size({"width": 320, "height": 640})
    await tab.page.emulate_media(color_scheme=scheme)


async def check_page(tab: Tab, name: str) -> None:
    """WCAG 2.2 §1.4.10, §2.5.8 and §1.4.3, and whatever else axe-core knows."""
    await tab.keep(name)
    assert await tab.faults() == []
    assert await tab.page.evaluate("document.documentElement.scrollWidth") <= 320
    heights = "[...document.querySelectorAll('button')].map(b => b.offsetHeight)"
    assert all(height >= 44 for height in await tab.page.evaluate(heights))
    assert await tab.page.evaluate(_CONTRAST) >= 4.5


_CONTRAST = """(() => {
  const light = c => c.match(/[0-9.]+/g).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => {
    const c = getComputedStyle(e).backgroundColor;
    return /, 0\\)$/.test(c) && e.parentElement ? behind(e.parentElement) : c;
  };
  const texts = [...document.querySelectorAll('h1, p, label, strong, span, button, header')];
  return Math.min(...texts.map(e => {
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }));
})()"""


async def test_by_keyboard_alone(scene: Scene) -> None:
    """Focus stands where she begins, and moves to the next; Enter sends the form."""
    tab = scene.tab
    await tab.open(scene.address())
    await tab.until_title("Sign in")
    await tab.page.keyboard.type(EMAIL)
    await tab.page.keyboard.press("Tab")
    await tab.page.keyboard.type(PASSWORD)
    await tab.page.keyboard.press("Enter")
    await tab.until_title("Allow The App?")
    for _ in range(10):
        await tab.page.keyboard.press("Tab")
        if await tab.page.evaluate("document.activeElement.value") == "approve":
            break
    await tab.page.keyboard.press("Enter")
    await tab.until_title("Welcome back")


async def test_A_AZ_11_two_tabs(scene: Scene) -> None:
    """Each goes its own way, whichever signs in; a page that waited too long says so."""
    tab, site = scene.tab, scene.site
    await tab.open(scene.address(state="first"))
    await tab.until_title("Sign in")
    other = Tab(await tab.page.context.new_page())
    await other.open(scene.address(state="second"))
    await other.sign_in(EMAIL, PASSWORD)
    await other.until_title("Allow The App?")
    await tab.sign_in(EMAIL, PASSWORD)
    await tab.until_title("Allow The App?")
    await tab.press("approve")
    await tab.until_title("Welcome back")
    site.clock.now += 601
    await other.press("approve")
    await other.until_title("This page is no longer good")
    assert await other.faults() == []
    await other.keep("expired")
    assert [seen["state"] for seen in scene.program.seen] == ["first"]
