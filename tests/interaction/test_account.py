"""What people see and end of their own at ``/account``."""

from __future__ import annotations

import asyncio
import html
import re
from urllib.parse import urlencode

import pytest

from apogee_idp.requests import UserAuthentication
from apogee_idp.user_model import ADMINISTRATOR_ROLE
from apogee_idp.web.interaction.account import NOTICES
from apogee_idp.web.interaction.account_page import browser_name
from apogee_idp.web.texts import load_texts
from tests.acting import entries_in
from tests.browser import Browser, Page

from .conftest import EMAIL, PASSWORD, SUBJECT, Site

BOB = "usr_" + "B" * 22
NEW = "an entirely different sentence"
SHOUTED = EMAIL.upper()
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


async def account(browser: Browser) -> Page:
    """The page, after signing in if need be."""
    page = await browser.follow(await browser.get("/account"))
    if page.title == "Sign in":
        page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    assert page.title == "Your account"
    return page


async def do(page: Page, action: str, **fields: str) -> Page:
    """Sends one of its forms."""
    form = {"token": page.fields["token"], "action": action} | fields
    return await page.browser.follow(await page.browser.post("/account", form))


def notice(page: Page) -> str:
    match = re.search(r'<p class="notice" role="status">(.*?)</p>', page.text)
    return html.unescape(match[1]) if match else ""


async def is_signed_in(browser: Browser) -> bool:
    return (await browser.get("/account")).status == 200


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
async def test_sessions_are_seen_and_ended_by_their_owner(site: Site) -> None:
    """Each by itself, or all but this one; nobody else's."""
    await site.add_user("bob@example.com", BOB)
    first, second, third, bobs = (site.browser() for _ in range(4))
    await account(first)
    for other, email in ((second, EMAIL), (third, EMAIL), (bobs, "bob@example.com")):
        login = await other.follow(await other.get("/account"))
        form = login.fields | {"email": email, "password": PASSWORD, "action": "sign_in"}
        await other.post(login.action, form, User_Agent=FIREFOX)
    page = await account(first)
    assert page.text.count("Firefox, Linux") == 4, "twice as text, twice for whoever only hears it"
    assert page.text.count("This browser") == 1
    keys = re.findall(r'name="session" value="([0-9a-f]{64})"', page.text)
    assert len(keys) == 2
    bobs_key = (await site.idp.installation.services.sessions.of(BOB))[0].id
    await do(page, "end_session", session=bobs_key)
    assert await is_signed_in(bobs)
    page = await do(page, "end_session", session=keys[0])
    assert notice(page) == "That browser is signed out."
    assert [await is_signed_in(each) for each in (second, third)].count(True) == 1
    page = await do(page, "end_sessions")
    assert notice(page) == "All other browsers are signed out."
    assert [await is_signed_in(each) for each in (first, second, third)] == [True, False, False]
    assert "Sign out everywhere else" not in page.text


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
async def test_applications_lose_their_access(site: Site) -> None:
    """Refresh tokens are good for nothing any more, and consent is asked for anew."""
    await site.add_app("other", allow_offline_access=True)
    tokens = await site.tokens()
    browser = site.browser()
    page = await account(browser)
    assert "The App" in page.text
    assert "It stays connected while you are away." in page.text
    others = await site.code(browser, client_id="other", scope="openid offline_access")
    other = (await site.redeem(others, "other")).json
    page = await do(await account(browser), "end_application", client_id="app")
    assert notice(page) == "The application has lost its access."
    assert "The App" not in page.text
    assert (await site.refresh(tokens["refresh_token"])).error == "invalid_grant"
    assert (await site.authorize(browser)).title == "Allow The App?"
    assert (await site.refresh(other["refresh_token"], "other")).status == 200


async def test_a_browser_that_has_lost_one_cookie_of_two_is_given_another(site: Site) -> None:
    """Its forms are good then, as they are bound to it."""
    browser = site.browser()
    await account(browser)
    del browser.cookies["__Host-apogee_browser"]
    page = await do(await account(browser), "end_sessions")
    assert notice(page) == "All other browsers are signed out."


async def test_nobody_ends_what_is_somebody_elses(site: Site) -> None:
    """Ann's application is none of Bob's."""
    await site.add_user("bob@example.com", BOB)
    tokens = await site.tokens()
    browser = site.browser()
    login = await browser.follow(await browser.get("/account"))
    page = await browser.follow(await login.sign_in("bob@example.com", PASSWORD))
    assert "No application has access to your account." in page.text
    await do(page, "end_application", client_id="app")
    assert (await site.refresh(tokens["refresh_token"])).status == 200


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
@pytest.mark.parametrize("roles", [(), (ADMINISTRATOR_ROLE,)], ids=["anyone", "administrator"])
async def test_another_password(site: Site, roles: tuple[str, ...]) -> None:
    """The old one signs nobody in, what was begun with it has ended; but not where she sits."""
    await site.change_user(roles=roles)
    tokens = await site.tokens()
    here, there = site.browser(), site.browser()
    await account(there)
    page = await account(here)
    before = here.cookies["__Host-apogee_session"]
    page = await do(page, "set_password", current=PASSWORD, password=NEW, again=NEW)
    assert notice(page).startswith("The password is changed.")
    assert here.cookies["__Host-apogee_session"] != before
    assert not await is_signed_in(there)
    assert (await site.refresh(tokens["refresh_token"])).error == "invalid_grant"
    login = await there.follow(await there.get("/account"))
    assert (await login.sign_in(EMAIL, PASSWORD)).status == 400
    assert (await login.sign_in(EMAIL, NEW)).status == 303
    entries = await entries_in(site.idp.installation.store)
    assert [e.actor for e in entries if e.action == "set_password"] == [SUBJECT]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"current": "wrong"}, "The current password is wrong.", id="old one"),
        pytest.param({"again": "other"}, "The new password was not the same", id="twice"),
        pytest.param(
            {"password": "short", "again": "short"}, "The new password is too short", id="short"
        ),
        pytest.param(
            {"password": SHOUTED, "again": SHOUTED}, "The new password is too short", id="address"
        ),
    ],
)
async def test_a_password_that_is_not_changed(
    site: Site, fields: dict[str, str], told: str
) -> None:
    """She is told why, and goes on with the old one."""
    browser = site.browser()
    page = await account(browser)
    form = {"current": PASSWORD, "password": NEW, "again": NEW} | fields
    assert notice(await do(page, "set_password", **form)).startswith(told)
    login = await site.authorize(site.browser())
    assert (await login.sign_in(EMAIL, PASSWORD)).status == 303


async def test_A_AZ_08_guesses_at_the_old_password_wait(site: Site) -> None:
    """As guesses at the login page do."""
    page = await account(site.browser())
    for _ in range(5):
        page = await do(page, "set_password", current="x", password=NEW, again=NEW)
    page = await do(page, "set_password", current=PASSWORD, password=NEW, again=NEW)
    assert notice(page).startswith("There were too many failed attempts.")


@pytest.mark.parametrize(
    "forgery",
    [
        {"token": ""},
        {"token": "0" * 64},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example"},
    ],
    ids=["no token", "other token", "other site", "other origin"],
)
async def test_A_AZ_05_forms_of_others_do_nothing(site: Site, forgery: dict[str, str]) -> None:
    """Whoever makes her browser send one doesn't know what stands in hers."""
    browser = site.browser()
    page = await account(browser)
    form = {"token": page.fields["token"], "action": "end_application", "client_id": "app"}
    headers = {name: value for name, value in forgery.items() if name not in form}
    fields = form | {name: value for name, value in forgery.items() if name in form}
    answer = await browser.post("/account", fields, **headers)
    assert answer.status == 403


async def test_who_is_signed_out_signs_in_first(site: Site) -> None:
    """And a form that comes too late does nothing."""
    browser = site.browser()
    page = await account(browser)
    thief = browser.twin()
    await do(page, "end_sessions")
    logout = await browser.follow(await browser.get("/connect/logout"))
    await logout.submit(action="sign_out")
    login = await thief.follow(
        await thief.post("/account", {"token": page.fields["token"], "action": "end_sessions"})
    )
    assert login.title == "Sign in"
    assert "to see your account" in login.text
    assert (await login.submit(action="cancel")).location == "/"


async def test_the_login_page_of_another_browser_is_none(site: Site) -> None:
    """Nobody signs somebody else in (RFC 9700 §4.7)."""
    mine = site.browser()
    login = await mine.follow(await mine.get("/account"))
    other = site.browser()
    assert (await other.get(login.url)).location == "/account"
    form = login.fields | {"email": EMAIL, "password": PASSWORD, "action": "sign_in"}
    answer = await other.post(login.action, form)
    assert "__Host-apogee_session" not in other.cookies
    assert answer.location == "/account"


@pytest.mark.parametrize("said", ["<script>alert(1)</script>", "evil", "", "throttled" * 99])
async def test_A_AZ_03_the_page_says_only_what_it_can_say(site: Site, said: str) -> None:
    """Whatever stands in the address."""
    browser = site.browser()
    await account(browser)
    page = await browser.get("/account?" + urlencode({"done": said}))
    assert (page.status, notice(page)) == (200, "")


def test_every_notice_has_its_words() -> None:
    """In the texts as they are shipped."""
    texts = load_texts(())
    assert all(texts(f"account.notice.{name}") for name in NOTICES)


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox, Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0",
            "Edge, Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1",
            "Safari, iPhone",
        ),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", ""),
    ],
)
def test_browsers_by_name(user_agent: str, name: str) -> None:
    """As people call them."""
    assert browser_name(user_agent) == name


async def test_of_many_sessions_none_is_left_out(site: Site) -> None:
    """The store gives a hundred at a time."""
    services = site.idp.installation.services
    user = await services.users.get(SUBJECT)
    assert user is not None
    proof = UserAuthentication(user, site.clock.now, site.clock.now)
    await asyncio.gather(*(services.sessions.begin(proof) for _ in range(130)))
    assert len(await services.sessions.of(SUBJECT)) == 130
