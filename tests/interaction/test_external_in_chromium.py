"""The whole of signing in elsewhere, as a browser does it: two servers of ours, and GitHub."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from apogee_idp.user_model import ADMINISTRATOR_ROLE
from tests.chromium import Tab, chromium
from tests.clock import Clock
from tests.conftest import StartIdp
from tests.process import free_port

from .conftest import EMAIL, PASSWORD, SUBJECT, Site
from .test_chromium import Program
from .test_external import ELSEWHERE, GITHUB_SECRET, UPSTREAM_EMAIL, GitHub, answering_github

WORK = "Continue with Work"


class Scene:
    """One browser, the server where people come from, the one that they sign in to, a client."""

    def __init__(self, tab: Tab, upstream: Site, site: Site, program: Program) -> None:
        self.tab = tab
        self.upstream = upstream
        self.site = site
        self.program = program

    @property
    def account(self) -> str:
        return f"http://127.0.0.1:{self.site.idp.port}/account"

    async def press(self, link: str) -> None:
        await self.tab.page.get_by_role("link", name=link).click()

    async def vouch(self) -> None:
        """She signs in over there, and agrees."""
        await self.tab.sign_in(UPSTREAM_EMAIL, PASSWORD)
        await self.agree()

    async def agree(self) -> None:
        """Again each time: on a machine of one's own anyone could be at that address."""
        await self.tab.until_title("Allow Apogee?")
        await self.tab.press("approve")


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with answering_github() as github:
        yield github


@pytest.fixture
async def scene(start_idp: StartIdp, github: GitHub, tmp_path: Path) -> AsyncIterator[Scene]:
    clock, ports, program = Clock(), (free_port(), free_port()), Program()
    # Cookies know no ports, but names: so the two are two sites for the browser, too.
    upstream_issuer, issuer = f"http://localhost:{ports[0]}", f"http://127.0.0.1:{ports[1]}"
    upstream = Site(await start_idp(clock=clock, port=ports[0], issuer=upstream_issuer), clock)
    secret = await upstream.idp.add_client(
        "downstream",
        display_name="Apogee",
        flow_type="authorization_code",
        application_type="native",
        redirect_uris=(f"{issuer}/connect/callback/work",),
    )
    await upstream.add_user(UPSTREAM_EMAIL, ELSEWHERE, email_verified=True)
    (tmp_path / "work.secret").write_text(secret)
    (tmp_path / "github.secret").write_text(GITHUB_SECRET)
    (tmp_path / "github.toml").write_text(
        f'name = "github"\ntype = "github"\nissuer = "{github.url}"\n'
        'client_id = "apogee"\nclient_secret_file = "github.secret"\n'
    )
    (tmp_path / "work.toml").write_text(
        f'name = "work"\ntype = "openid"\ntitle = "Work"\nissuer = "{upstream_issuer}"\n'
        'client_id = "downstream"\nclient_secret_file = "work.secret"\n'
    )
    site = Site(
        await start_idp(
            clock=clock,
            port=ports[1],
            issuer=issuer,
            identity_provider_files=tuple(
                str(tmp_path / f"{name}.toml") for name in ("work", "github")
            ),
            administrators=(f"work:{UPSTREAM_EMAIL}",),
            private_hosts=("localhost",),
        ),
        clock,
    )
    async with program.listening(), chromium() as tab:
        yield Scene(tab, upstream, site, program)


async def test_somebody_comes_from_elsewhere(scene: Scene) -> None:
    """She has an account then, which her address makes an administrator's."""
    tab = scene.tab
    await tab.open(scene.account)
    await tab.until_title("Sign in")
    await tab.keep("login-external")
    assert await tab.faults() == []
    await scene.press(WORK)
    await scene.vouch()
    await tab.until_title("Your account")
    await tab.keep("account-external")
    assert await tab.faults() == []
    (user,) = (await scene.site.users.all()).items
    assert user.roles == (ADMINISTRATOR_ROLE,)
    assert tab.problems == []


async def test_somebody_comes_from_github(scene: Scene) -> None:
    """And adds the other provider; that one's identity is nobody else's then."""
    tab = scene.tab
    await tab.open(scene.account)
    await scene.press("Continue with GitHub")
    await tab.until_title("Your account")
    await scene.press("Add Work")
    await scene.vouch()
    status = tab.page.get_by_role("status")
    await expect(status).to_have_text("From now on you can sign in so, too.")
    await scene.press("Sign out")
    await tab.press("sign_out")
    await scene.site.add_user()
    await tab.open(scene.account)
    await tab.sign_in(EMAIL, PASSWORD)
    await scene.press("Add Work")
    await scene.agree()
    await expect(status).to_contain_text("That is linked already")
    assert tab.problems == []


async def test_an_answer_as_of_another_provider(scene: Scene) -> None:
    """Its ``iss`` is not that of the one that she was sent to (RFC 9207 §2.4)."""
    tab = scene.tab
    await tab.open(scene.account)
    link = await tab.page.get_by_role("link", name=WORK).get_attribute("href")
    sent = await tab.page.request.get(f"{scene.site.idp.url}{link}", max_redirects=0)
    elsewhere, address = scene.upstream.browser(), urlsplit(sent.headers["location"])
    page = await elsewhere.follow(await elsewhere.get(f"{address.path}?{address.query}"))
    page = await elsewhere.follow(await page.sign_in(UPSTREAM_EMAIL, PASSWORD))
    back = (await page.allow()).location
    assert "iss=http%3A%2F%2Flocalhost" in back
    await tab.open(re.sub("iss=[^&]*", "iss=https%3A%2F%2Fevil.example", back))
    await tab.until_title("That did not work")
    await tab.open(scene.account)
    await tab.until_title("Sign in")


async def test_somebody_links_and_removes_it(scene: Scene) -> None:
    """After she has signed in by her password."""
    tab = scene.tab
    await scene.site.add_user()
    await tab.open(scene.account)
    await tab.sign_in(EMAIL, PASSWORD)
    await scene.press("Add Work")
    await scene.vouch()
    status = tab.page.get_by_role("status")
    await expect(status).to_have_text("From now on you can sign in so, too.")
    await scene.press("Sign out")
    await tab.press("sign_out")
    await tab.open(scene.account)
    await scene.press(WORK)
    await scene.agree()
    await expect(tab.page.get_by_text(f"You are signed in as {EMAIL}.")).to_be_visible()
    await tab.press("unlink")
    await expect(status).to_have_text("You can't sign in so any more.")
    user = await scene.site.users.get(SUBJECT)
    assert (user.identities, user.roles) == ((), ())


async def test_an_address_that_is_taken_or_not_verified(scene: Scene) -> None:
    """She is told what to do; nobody is signed in."""
    tab = scene.tab
    await scene.site.add_user(UPSTREAM_EMAIL)
    await tab.open(scene.account)
    await scene.press(WORK)
    await scene.vouch()
    await tab.until_title("You have an account already")
    await tab.keep("external-address-taken")
    assert await tab.faults() == []
    await scene.site.users.delete(SUBJECT)
    await scene.upstream.change_user(ELSEWHERE, email_verified=False)
    await tab.open(scene.account)
    await scene.press(WORK)
    await scene.agree()
    await tab.until_title("There is no account for you")
    await tab.open(scene.account)
    await tab.until_title("Sign in")


async def test_an_answer_that_is_replayed_or_changed(scene: Scene) -> None:
    """Wrong state, other issuer, the same answer again: each is a page, and no session."""
    tab, arrived = scene.tab, list[str]()
    tab.page.on("request", lambda sent: arrived.append(sent.url))
    await tab.open(scene.account)
    await scene.press(WORK)
    await scene.vouch()
    await tab.until_title("Your account")
    (back,) = (url for url in arrived if "/connect/callback/" in url)
    await tab.open(back)
    await tab.until_title("This page is no longer good")
    await tab.open(back.replace("state=", "state=x"))
    await tab.until_title("This page is no longer good")
    await tab.page.context.clear_cookies()
    await tab.open(back)
    await tab.until_title("This page is no longer good")
    await tab.open(scene.account)
    await tab.until_title("Sign in")
