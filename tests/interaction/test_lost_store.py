"""The store is lost while somebody signs in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import StartIdp, copy_store
from tests.mongodb import Databases
from tests.wire_proxy import WireProxy

from .conftest import EMAIL, PASSWORD, Clock, Site, address
from .test_account import account
from .test_pushed import push, pushed, visit
from .test_second_factor import SETUP, set_up


@pytest.fixture
def backend() -> str:
    return "mongodb"


async def test_F_DB_06_a_page_that_says_so_and_the_way_goes_on(
    start_idp: StartIdp, databases: Databases, proxy: WireProxy, prepared_database: Path
) -> None:
    """503 as long as it is lost, for each step; afterwards, the same page does."""
    await copy_store(prepared_database, url := databases.new())
    clock = Clock()
    store = proxy.in_front_of(url)
    idp = await start_idp(store=store, clock=clock, handler_timeout=1.0)
    site = Site(idp, clock)
    await site.add_app()
    await site.add_user()
    browser = site.browser()
    login = await site.authorize(browser)
    proxy.swallows = True
    for lost in (
        await browser.get(address()),
        await browser.get(login.url),
        await login.sign_in(EMAIL, PASSWORD),
    ):
        assert (lost.status, lost.location) == (503, "")
        assert lost.answer.headers["Content-Type"].startswith("text/html")
    assert "__Host-apogee_session" not in browser.cookies
    proxy.swallows = False
    for _ in range(50):
        consent = await browser.follow(await login.sign_in(EMAIL, PASSWORD))
        if consent.status != 503:
            break
    assert consent.title == "Allow The App?"
    assert "code" in (await consent.allow()).parameters


async def test_F_DB_06_neither_a_request_nor_a_code_is_spent_by_it(
    start_idp: StartIdp, databases: Databases, proxy: WireProxy, prepared_database: Path
) -> None:
    """At the PAR endpoint, at the account and at the second step: 503, and then as before."""
    await copy_store(prepared_database, url := databases.new())
    clock = Clock()
    store = proxy.in_front_of(url)
    site = Site(await start_idp(store=store, clock=clock, handler_timeout=1.0), clock)
    await site.add_app()
    await site.add_user()
    uri, here, other = await pushed(site), site.browser(), site.browser()
    await account(here)
    app, _ = await set_up(site, await here.get(SETUP))
    page = await visit(other, uri)
    page = await other.follow(await page.sign_in(EMAIL, PASSWORD))
    assert page.title == "Second step"
    proxy.swallows = True
    code = app.code()
    for lost in (
        await here.get("/account"),
        await page.submit(code=code, action="second_factor"),
        await visit(site.browser(), uri),
    ):
        assert (lost.status, lost.location) == (503, "")
    assert (await push(site)).status == 503
    assert "__Host-apogee_session" not in other.cookies
    proxy.swallows = False
    for _ in range(50):
        consent = await other.follow(await page.submit(code=code, action="second_factor"))
        if consent.status != 503:
            break
    assert "code" in (await consent.allow()).parameters
