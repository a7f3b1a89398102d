"""Forms of other sites, pages used twice, markup in every field, and too many cookies."""

from __future__ import annotations

import asyncio
import re
from html.parser import HTMLParser

import pytest

from apogee_idp.interactions import INTERACTION_SECONDS
from tests.browser import Browser, Page

from .conftest import CALLBACK, EMAIL, GOODBYE, PASSWORD, Site, address

MARKUP = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "</title><svg onload=alert(1)>",
    "{{ 77777 * 77777 }}{% raw %}",
    "{client}{email}{0}",
    "javascript:alert(1)",
    "\u202e<b>\u2028&lt;i&gt;",
]


class _Tags(HTMLParser):
    """Every tag and attribute, as a browser would read them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def check_page(page: Page) -> None:
    """R-AE-07, R-AE-08, A-AZ-04, A-AZ-12: nothing foreign in it, around it or after it."""
    policy = page.answer.headers["Content-Security-Policy"]
    assert policy.startswith(
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'"
    )
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.answer.headers["X-Frame-Options"] == "DENY"
    assert page.answer.headers["Referrer-Policy"] == "no-referrer"
    assert page.answer.headers["Cache-Control"] == "no-store"
    found = _Tags(page.text)
    assert not {"script", "img", "svg", "b", "style", "iframe", "base"} & set(found.tags)
    assert not [name for name in found.attributes if name.startswith("on") or name == "style"]
    assert "6049261729" not in page.text
    assert re.findall(r'(?:src|href)="(?!/)', page.text) == []


async def consent_page(site: Site, browser: Browser, **changes: str | None) -> Page:
    page = await site.authorize(browser, **changes)
    return await browser.follow(await page.sign_in(EMAIL, PASSWORD))


@pytest.mark.parametrize("text", MARKUP)
async def test_A_AZ_03_markup_stays_text(site: Site, text: str) -> None:
    """Whatever is echoed: hint, address, name, scope, state."""
    from apogee_idp.management.scopes import ScopeCommands
    from apogee_idp.model import Scope
    from tests.acting import acting

    store = site.idp.installation.store
    printable = "".join(c for c in text if c.isprintable())
    scope = Scope("odd", display_name=printable, description=printable)
    await ScopeCommands(store, **acting(store)).add(scope)
    await site.add_app("odd", display_name=printable, scopes=("odd",))
    browser = site.browser()
    page = await site.authorize(
        browser, client_id="odd", scope="odd", login_hint=text, state=text, ui_locales=text
    )
    assert page.fields["email"] == text
    check_page(page)
    page = await page.sign_in(text, text * 2)
    assert page.status == 400
    check_page(page)
    page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    check_page(page)
    assert (await page.allow()).parameters["state"] == text


@pytest.mark.parametrize("text", MARKUP)
async def test_A_AZ_03_error_pages_echo_nothing(site: Site, text: str) -> None:
    """Not even as text."""
    browser = site.browser()
    for page in (
        await browser.get(address(client_id=text, redirect_uri=text)),
        await browser.get(address(client_id="app", redirect_uri=CALLBACK + text)),
        await browser.get(f"/connect/interaction/{'x' * 43}?x=<script>"),
        await browser.get("/connect/logout?id_token_hint=<script>&id_token_hint=<script>"),
    ):
        check_page(page)
        assert text not in page.text


async def test_A_AZ_04_where_forms_may_lead(site: Site) -> None:
    """Browsers hold the redirect behind a form to form-action: so it names where that goes."""
    browser = site.browser()
    login = await site.authorize(browser)
    consent = await browser.follow(await login.sign_in(EMAIL, PASSWORD))
    for page in (login, consent):
        policy = page.answer.headers["Content-Security-Policy"]
        assert "; form-action 'self' https:;" in policy
        check_page(page)


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("http://127.0.0.1:4000/cb", "http://127.0.0.1:4000"),
        ("http://[::1]:4000/cb", "http:"),
        ("com.example.app:/cb", "com.example.app:"),
        ("https://a.example:8443/cb?x", "https:"),
    ],
)
async def test_A_AZ_04_where_forms_of_native_applications_lead(
    site: Site, uri: str, source: str
) -> None:
    """What the directive can't name is allowed by its scheme."""
    await site.add_app("tool", application_type="native", redirect_uris=(uri,))
    page = await site.authorize(site.browser(), client_id="tool", redirect_uri=uri)
    policy = page.answer.headers["Content-Security-Policy"]
    assert f"; form-action 'self' {source};" in policy


FOREIGN = [
    pytest.param({"Sec_Fetch_Site": "cross-site"}, id="another site"),
    pytest.param({"Sec_Fetch_Site": "same-site"}, id="a neighbour"),
    pytest.param({"Sec_Fetch_Site": "none"}, id="no site"),
    pytest.param({"Origin": "https://evil.example"}, id="another origin"),
    pytest.param({"Origin": "https://idp.example.evil.example"}, id="a longer one"),
    pytest.param({"Origin": "http://idp.example"}, id="without TLS"),
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("action", ["sign_in", "approve", "cancel"])
async def test_A_AZ_05_a_form_of_another_site(
    site: Site, headers: dict[str, str], action: str
) -> None:
    """403, and nothing has happened."""
    browser = site.browser()
    page = await site.authorize(browser)
    if action != "sign_in":
        page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    fields = page.fields | {"email": EMAIL, "password": PASSWORD, "action": action}
    refused = await browser.post(page.action, fields, **headers)
    assert (refused.status, refused.location, refused.answer.headers.get("Set-Cookie")) == (
        *(403, "", None),
    )
    assert (await browser.get(page.url)).title == page.title


async def test_A_AZ_05_the_own_site(site: Site) -> None:
    """With or without what newer browsers say."""
    browser = site.browser()
    page = await site.authorize(browser)
    fields = page.fields | {"email": EMAIL, "password": PASSWORD, "action": "sign_in"}
    done = await browser.post(page.action, fields, Origin="https://idp.example")
    assert done.status == 303


@pytest.mark.parametrize("token", ["", "x", "0" * 64, "é", "another tab's", "another browser's"])
@pytest.mark.parametrize("action", ["sign_in", "approve", "cancel"])
async def test_A_AZ_05_a_form_without_its_token(site: Site, token: str, action: str) -> None:
    """Of this interaction and this browser, no other."""
    browser, other = site.browser(), site.browser()
    page = await consent_page(site, browser) if action != "sign_in" else None
    page = page or await site.authorize(browser)
    if token == "another tab's":
        token = (await site.authorize(browser, prompt="consent")).fields["token"]
    elif token == "another browser's":
        token = (await site.authorize(other)).fields["token"]
    refused = await page.submit(token=token, action=action, email=EMAIL, password=PASSWORD)
    assert (refused.status, refused.location) == (403, "")
    assert (await browser.get(page.url)).title == page.title


async def test_A_AZ_05_a_page_of_another_browser(site: Site) -> None:
    """Its address alone is worth nothing, to look at or to use."""
    page = await site.authorize(site.browser())
    for other in (site.browser(), await site.signed_in()):
        assert (await other.get(page.url)).status == 410
        assert (await other.post(page.url, page.fields | {"action": "cancel"})).status == 410
    assert (await page.browser.get(page.url)).title == "Sign in"


async def test_A_AZ_05_what_is_allowed_is_what_was_shown(site: Site) -> None:
    """If somebody else has signed in meanwhile, she is asked, and allows nothing blindly."""
    await site.add_user("bob@example.com", "usr_" + "B" * 22)
    browser = site.browser()
    shown = await consent_page(site, browser)
    again = await site.authorize(browser, prompt="login", client_id="app", scope="openid")
    await again.sign_in("bob@example.com", PASSWORD)
    asked = await browser.follow(await shown.allow())
    assert asked.title == "Allow The App?"
    assert "bob@example.com" in asked.text
    assert "code" in (await asked.allow()).parameters


async def test_A_AZ_05_the_form_carries_nothing_of_the_request(site: Site) -> None:
    """Whatever is added to it changes nothing."""
    shown = await consent_page(site, site.browser())
    assert shown.fields.keys() == {"token", "approval", "remember"}
    evil = {"redirect_uri": "https://evil.example", "scope": "openid email", "state": "x"}
    back = await shown.submit(action="approve", **evil)
    assert back.location.startswith(CALLBACK)
    assert back.parameters["state"] != "x"


async def test_A_AZ_02_nothing_in_an_address_leads_elsewhere(site: Site) -> None:
    """What waits is kept by the server: the address has a random handle, the cookies two more."""
    browser = site.browser()
    page = await site.authorize(browser, login_hint="canary", nonce="canary", state="canary")
    assert re.fullmatch("/connect/interaction/[A-Za-z0-9_-]{43}", page.url)
    for value in browser.cookies.values():
        assert re.fullmatch("[A-Za-z0-9_-]{43}", value)
    for extra in ("returnUrl", "next", "redirect_uri", "url"):
        for evil in (
            "/\\evil.example",
            "//evil.example",
            "/%09/evil.example",
            "https:evil.example",
        ):
            other = await browser.get(f"{page.url}?{extra}={evil}")
            assert (other.status, other.location, "evil" in other.text) == (200, "", False)


@pytest.mark.parametrize(
    "handle", ["", "x", "x" * 42, "x" * 44, "..", "%2e%2e", "%00", "{}", "x" * 2000, "é" * 43]
)
async def test_a_handle_that_is_none(site: Site, handle: str) -> None:
    """A page that says so; for paths beside it, the usual 404."""
    assert (await site.browser().get(f"/connect/interaction/{handle}")).status in (404, 410)


async def test_A_AZ_07_the_cookies(site: Site) -> None:
    """Bound to this host and https, out of reach of scripts and of other sites' forms."""
    browser = site.browser()
    page = await site.authorize(browser)
    begun = await browser.get(address())
    cookies = begun.browser.set_cookies
    assert cookies == []
    await page.sign_in(EMAIL, PASSWORD)
    (cookie,) = browser.set_cookies
    name, *attributes = cookie.split("; ")
    assert name.startswith("__Host-apogee_session=")
    assert set(attributes) == {"HttpOnly", "Path=/", "SameSite=Lax", "Secure"}


@pytest.mark.parametrize("name", ["__Host-apogee_session", "__Host-apogee_browser"])
async def test_A_AZ_07_a_cookie_that_is_there_twice(site: Site, name: str) -> None:
    """Nobody can say which is ours: a plain 400, everywhere."""
    browser = await site.signed_in()
    page = await site.authorize(browser, prompt="consent")
    browser.cookies["x"] = f"1; {name}={'A' * 43}; {name}={'B' * 43}"
    for url in (address(prompt="login"), page.url, "/connect/logout"):
        if url.startswith("/connect/logout") and name.endswith("session"):
            continue  # it is read behind the redirect
        answer = await browser.get(url)
        assert (answer.status, answer.location) == (400, "")


@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param("; ".join(f"c{n}=x" for n in range(100)), id="many"),
        pytest.param("=x; ; ;;=; x; =", id="nameless"),
        pytest.param('__Host-apogee_session="quoted"', id="quoted"),
        pytest.param("__Host-apogee_session=" + "x" * 5000, id="long"),
        pytest.param("__Host-apogee_session=é", id="other alphabets"),
        pytest.param("apogee_session=" + "A" * 43, id="without the prefix"),
    ],
)
async def test_A_AZ_07_odd_cookies(site: Site, cookie: str) -> None:
    """Are as good as none."""
    page = await site.browser().get(address(), Cookie=cookie)
    assert page.status == 303


async def test_A_AZ_07_a_cookie_bomb(site: Site) -> None:
    """More than a head may have: 400, in our words."""
    bomb = "; ".join(f"c{n}={'x' * 1000}" for n in range(20))
    answer = await site.idp.send("GET", address(), headers={"Cookie": bomb}, allow_redirects=False)
    assert answer.status == 400
    assert b"xxx" not in answer.body


async def test_A_AZ_07_on_a_developers_machine_the_cookies_have_no_prefix(start_idp) -> None:  # type: ignore[no-untyped-def]
    """Browsers would refuse it without https."""
    from .conftest import Clock

    clock = Clock()
    site = Site(await start_idp(clock=clock, issuer="http://localhost:8080"), clock)
    await site.add_app()
    await site.add_user()
    browser = await site.signed_in()
    assert browser.cookies.keys() == {"apogee_session", "apogee_browser"}


async def test_A_AZ_11_going_back(site: Site) -> None:
    """A page that was used says so: no second code, no second sign-in by it."""
    browser = site.browser()
    login = await site.authorize(browser)
    consent = await browser.follow(await login.sign_in(EMAIL, PASSWORD))
    assert (await browser.get(login.url)).title == "Allow The App?"
    assert "code" in (await consent.allow()).parameters
    for late in (
        await browser.get(login.url),
        await consent.allow(),
        await login.sign_in(EMAIL, PASSWORD),
    ):
        assert (late.status, late.location) == (410, "")
        assert late.title == "This page is no longer good"
        check_page(late)


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
async def test_A_AZ_11_sending_it_twice_at_once(site: Site) -> None:
    """One code."""
    browser = site.browser()
    consent = await consent_page(site, browser)
    tabs = [Page(browser.twin(), consent.url, consent.answer) for _ in range(8)]
    answers = await asyncio.gather(*(tab.allow() for tab in tabs))
    assert sorted(answer.status for answer in answers) == [303] + [410] * 7


async def test_A_AZ_11_signing_in_twice_at_once(site: Site) -> None:
    """Whichever answer the browser keeps, it is signed in."""
    browser = site.browser()
    login = await site.authorize(browser)
    tabs = [Page(browser.twin(), login.url, login.answer) for _ in range(3)]
    for answer in await asyncio.gather(*(tab.sign_in(EMAIL, PASSWORD) for tab in tabs)):
        assert answer.status == 303
    for tab in tabs:
        assert (await tab.browser.get(login.url)).title == "Allow The App?"


async def test_A_AZ_11_two_tabs_with_two_clients(site: Site) -> None:
    """Neither gets into the other's way, in whatever order they are used."""
    other = "https://other.example/cb"
    await site.add_app("other", redirect_uris=(other,))
    browser = site.browser()
    first = await site.authorize(browser)
    second = await site.authorize(browser, client_id="other", redirect_uri=other, state="2")
    second = await browser.follow(await second.sign_in(EMAIL, PASSWORD))
    first = await browser.get(first.url)
    assert (first.title, second.title) == ("Allow The App?", "Allow other?")
    back = await first.allow()
    assert (back.location.startswith(CALLBACK), "code" in back.parameters) == (True, True)
    back = await second.allow()
    assert (back.location.startswith(other), back.parameters["state"]) == (True, "2")


async def test_A_AZ_11_a_page_that_was_left_open(site: Site) -> None:
    """For more than ten minutes."""
    browser = site.browser()
    login = await site.authorize(browser)
    site.clock.now += INTERACTION_SECONDS
    late = await login.sign_in(EMAIL, PASSWORD)
    assert (late.status, late.title) == (410, "This page is no longer good")
    assert "__Host-apogee_session" not in browser.cookies


async def test_the_session_ends_while_she_is_asked(site: Site) -> None:
    """She signs in again, and the request goes on."""
    browser = site.browser()
    consent = await consent_page(site, browser)
    del browser.cookies["__Host-apogee_session"]
    login = await browser.follow(await consent.allow())
    assert login.title == "Sign in"
    consent = await browser.follow(await login.sign_in(EMAIL, PASSWORD))
    assert "code" in (await consent.allow()).parameters


async def test_the_client_is_disabled_while_she_is_asked(site: Site) -> None:
    """A page, and nobody is sent anywhere."""
    browser = site.browser()
    consent = await consent_page(site, browser)
    await site.idp.change_client("app", enabled=False)
    site.idp.installation.services.clients.forget("app")
    page = await browser.follow(await consent.allow())
    assert (page.status, page.location) == (400, "")


@pytest.mark.parametrize("action", ["", "nonsense"])
async def test_a_form_that_asks_for_nothing(site: Site, action: str) -> None:
    """400."""
    page = await site.authorize(site.browser())
    assert (await page.submit(action=action)).status == 400


async def test_A_AZ_12_every_redirect_is_a_303(site: Site) -> None:
    """R-AE-06: no password is ever sent on; nothing is kept by caches."""
    browser = site.browser()
    steps = [await browser.get(address())]
    login = await browser.get(steps[0].location)
    steps.append(await login.sign_in(EMAIL, PASSWORD))
    consent = await browser.follow(steps[-1])
    steps.append(await consent.allow())
    steps.append(await browser.get(address()))
    for step in steps:
        assert (step.status, step.answer.headers["Cache-Control"]) == (303, "no-store")
        assert step.answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Proto": "http", "X-Forwarded-Prefix": "/evil"},
        {"Forwarded": "host=evil.example;proto=http"},
        {"Host": "evil.example"},
        {"X-Original-URL": "https://evil.example/", "X-Rewrite-URL": "/evil"},
    ],
    ids=lambda headers: next(iter(headers)),
)
async def test_A_AZ_14_headers_of_no_proxy_we_know(site: Site, headers: dict[str, str]) -> None:
    """Change no address, cookie or issuer."""
    browser = await site.signed_in()
    back = await browser.get(address(), **headers)
    assert back.parameters["iss"] == "https://idp.example"
    login = await site.browser().get(address(), **headers)
    assert login.location.startswith("/connect/interaction/")
    assert "Secure" in login.browser.set_cookies[0]
    for page in (await browser.get(address(prompt="consent"), **headers), login):
        shown = await page.browser.get(page.location, **headers)
        assert "evil" not in shown.text


async def test_A_AZ_09_errors_go_to_registered_places_only(site: Site) -> None:
    """prompt=none is no open redirector: clients are registered by administrators alone."""
    page = await site.browser().get(address(prompt="none", redirect_uri="https://evil.example/"))
    assert (page.status, page.location) == (400, "")
    await site.idp.change_client("app", post_logout_redirect_uris=(GOODBYE,))
    page = await site.browser().get(address(prompt="none", redirect_uri=GOODBYE))
    assert (page.status, page.location) == (400, "")


async def test_A_AZ_13_nothing_listens_to_other_pages(site: Site) -> None:
    """There is no frame to watch sessions by, and no script that takes messages."""
    told = (await site.idp.send("GET", "/.well-known/openid-configuration")).json
    assert not [name for name in told if name.startswith(("check_session", "frontchannel"))]
    page = await site.authorize(site.browser())
    assert "script" not in _Tags(page.text).tags


async def test_A_DOS_06_what_waits_for_a_person_waits_ten_minutes(site: Site) -> None:
    """Each request that might be somebody's is one document till then; a wrong one is none."""
    interactions = site.idp.installation.store.interactions
    for changes in ({"client_id": "nobody"}, {"redirect_uri": "https://evil.example/"}):
        for _ in range(20):
            assert (await site.browser().get(address(**changes))).status == 400
    assert (await interactions.list()).items == ()
    for _ in range(20):
        await site.browser().get(address())
    assert len((await interactions.list()).items) == 20
    site.clock.now += INTERACTION_SECONDS
    assert (await interactions.list()).items == ()
    assert await interactions.expire() == 20
