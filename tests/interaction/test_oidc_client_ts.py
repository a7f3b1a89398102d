"""oidc-client-ts, in a page of another origin: a public client, in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web

from tests.chromium import Tab, another_site, chromium, package
from tests.conftest import StartIdp
from tests.process import free_port

from .conftest import EMAIL, PASSWORD, SUBJECT, Clock, Site

PAGE = '<!doctype html><title>App</title><h1>The page</h1><script src="/oidc.js"></script>'
MANAGER = """async (settings) => {
  window.manager = new oidc.UserManager(settings);
  if (new URLSearchParams(location.search).has("code")) await manager.signinCallback();
}"""


@dataclass
class Spa:
    """The page, where its server listens, and how it is set up."""

    tab: Tab
    site: Site
    url: str
    issuer: str

    async def load(self) -> None:
        """Makes its UserManager, which takes what came back, if anything did."""
        await self.tab.until_title("The page")
        settings = {
            "authority": self.issuer,
            "client_id": "spa",
            "redirect_uri": f"{self.url}/callback",
            "post_logout_redirect_uri": f"{self.url}/",
            "scope": "openid profile email offline_access",
            "loadUserInfo": True,
            "automaticSilentRenew": False,
        }
        await self.tab.page.wait_for_load_state()
        await self.tab.page.evaluate(MANAGER, settings)

    async def call(self, method: str) -> Any:
        """What a method of the UserManager comes to."""
        return await self.tab.page.evaluate(f"async () => ({{ ...(await manager.{method}) }})")

    async def leave(self, method: str) -> None:
        """Has a method of the UserManager lead away from the page."""
        await self.tab.page.evaluate(f"() => {{ manager.{method} }}")

    async def user(self) -> Any:
        """Whoever signs in, as the page knows her."""
        await self.tab.open(self.url)
        await self.load()
        await self.leave("signinRedirect()")
        await self.tab.sign_in(EMAIL, PASSWORD)
        await self.tab.until_title("Allow spa?")
        await self.tab.press("approve")
        await self.load()
        return await self.call("getUser()")


@pytest.fixture
async def spa(start_idp: StartIdp) -> AsyncIterator[Spa]:
    """Two servers on this machine: to a browser, two sites."""
    script = package("oidc-client-ts/dist/browser/oidc-client-ts.min.js")

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def library(_: web.Request) -> web.Response:
        return web.Response(text=script, content_type="text/javascript")

    app = web.Application()
    app.add_routes([web.get("/oidc.js", library), web.get("/{path:.*}", page)])
    port, clock = free_port(), Clock()
    issuer = f"http://localhost:{port}"
    async with another_site(app) as url, chromium() as tab:
        site = Site(await start_idp(issuer=issuer, port=port), clock)
        await site.add_app(
            "spa",
            client_type="public",
            application_type="native",  # as developers have it, without TLS
            redirect_uris=(f"{url}/callback",),
            post_logout_redirect_uris=(f"{url}/",),
        )
        await site.add_user(profile={"name": "Ann Example"})
        yield Spa(tab, site, url, issuer)


async def test_oidc_client_ts(spa: Spa) -> None:
    """Signs in, has the profile, renews by refresh token, and signs out."""
    user = await spa.user()
    assert user["profile"]["sub"] == SUBJECT
    assert (user["profile"]["name"], user["profile"]["email"]) == ("Ann Example", EMAIL)
    renewed = await spa.call("signinSilent()")
    assert renewed["access_token"] != user["access_token"]
    assert renewed["refresh_token"] != user["refresh_token"]
    await spa.leave("signoutRedirect()")
    await spa.tab.until_title("Sign out?")
    await spa.tab.press("sign_out")
    await spa.tab.until_title("The page")
    assert spa.tab.page.url.startswith(f"{spa.url}/")
    assert spa.tab.problems == []


async def test_oidc_client_ts_revokes(spa: Spa) -> None:
    """As a public client, from its page."""
    token = (await spa.user())["refresh_token"]
    await spa.call("revokeTokens(['refresh_token'])")
    refreshed = await spa.site.refresh(token, "spa")
    assert (refreshed.status, refreshed.error) == (400, "invalid_grant")
    assert spa.tab.problems == []


async def test_oidc_client_ts_is_told_of_a_refusal(spa: Spa) -> None:
    """What the server refuses reaches the page as what it is, not as a broken connection."""
    token = (await spa.user())["refresh_token"]
    assert (await spa.site.refresh(token, "spa")).status == 200
    script = "async () => { try { await manager.signinSilent() } catch (e) { return e.error } }"
    assert await spa.tab.page.evaluate(script) == "invalid_grant"
