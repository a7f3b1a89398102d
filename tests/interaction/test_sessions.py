"""Who is signed in, for how long, and when she has to sign in again."""

from __future__ import annotations

import pytest

from apogee_idp.sessions import SEEN_EVERY_SECONDS
from tests.browser import Browser

from .conftest import EMAIL, PASSWORD, SUBJECT, Site, id_token

OTHER = "usr_" + "B" * 22
SESSION = "__Host-apogee_session"


async def is_signed_in(site: Site, browser: Browser) -> bool:
    """As prompt=none tells."""
    told = (await site.authorize(browser, prompt="none")).parameters
    assert told.keys() & {"code", "error"}
    assert told.get("error") in (None, "login_required")
    return "code" in told


async def test_R_OC_02_prompt_none_with_a_session(site: Site) -> None:
    """Silent, once it was allowed."""
    assert await is_signed_in(site, await site.signed_in())


async def test_R_OC_02_prompt_none_without_consent(site: Site) -> None:
    """More than was allowed needs a person."""
    browser = await site.signed_in()
    told = (await site.authorize(browser, prompt="none", scope="openid email")).parameters
    assert told["error"] == "consent_required"


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
async def test_R_OC_02_prompt_login_asks_once(site: Site, prompt: str) -> None:
    """Although she is signed in; and not again behind it, in the very same second."""
    browser = await site.signed_in()
    before = browser.cookies[SESSION]
    page = await site.authorize(browser, prompt=prompt)
    assert page.title == "Sign in"
    assert f"You are signed in as {EMAIL}." in page.text
    page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    if "consent" in prompt:
        assert page.title == "Allow The App?"
        page = await page.allow()
    assert "code" in page.parameters
    assert browser.cookies[SESSION] != before


async def test_R_OC_02_prompt_login_in_another_tab_does_not_do(site: Site) -> None:
    """Each request that wants it has a sign-in of its own."""
    browser = await site.signed_in()
    first = await site.authorize(browser, prompt="login")
    second = await site.authorize(browser, prompt="login")
    assert "code" in (await browser.follow(await second.sign_in(EMAIL, PASSWORD))).parameters
    assert (await browser.get(first.url)).title == "Sign in"


async def test_R_OC_02_prompt_consent_asks_again(site: Site) -> None:
    """Although it is remembered."""
    page = await site.authorize(await site.signed_in(), prompt="consent")
    assert page.title == "Allow The App?"


@pytest.mark.parametrize(
    ("max_age", "later", "asked"),
    [
        pytest.param("0", 0, True, id="none at all"),
        pytest.param("1", 1, False, id="just in time"),
        pytest.param("1", 2, True, id="a second late"),
        pytest.param("10000", 9000, False, id="long"),
    ],
)
async def test_R_OC_02_max_age(site: Site, max_age: str, later: int, asked: bool) -> None:
    """Counted from when she proved who she is; satisfied by signing in."""
    browser = await site.signed_in()
    site.clock.now += later
    page = await site.authorize(browser, max_age=max_age)
    if asked:
        assert page.title == "Sign in"
        page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    assert "code" in page.parameters
    told = (await site.authorize(browser, prompt="none", max_age="0")).parameters
    assert told["error"] == "login_required"


async def test_R_OC_02_a_hint_at_her(site: Site) -> None:
    """Expired ones, too."""
    browser = await site.signed_in()
    hint = await id_token(site)
    site.clock.now += 4000
    assert "code" in (await site.authorize(browser, id_token_hint=hint, prompt="none")).parameters


async def test_R_OC_02_a_hint_at_somebody_else(site: Site) -> None:
    """login_required: at once, or when the wrong one has signed in."""
    browser = await site.signed_in()
    hint = await id_token(site, sub=OTHER)
    told = (await site.authorize(browser, id_token_hint=hint, prompt="none")).parameters
    assert told["error"] == "login_required"
    page = await site.authorize(browser, id_token_hint=hint)
    assert page.title == "Sign in"
    told = (await browser.follow(await page.sign_in(EMAIL, PASSWORD))).parameters
    assert told["error"] == "login_required"


async def test_R_OC_02_a_hint_that_is_none(site: Site) -> None:
    """Nobody is let in silently by it; whoever is there may go on."""
    browser = await site.signed_in()
    told = (await site.authorize(browser, id_token_hint="x.y.z", prompt="none")).parameters
    assert told["error"] == "login_required"
    assert "code" in (await site.authorize(browser, id_token_hint="x.y.z")).parameters


async def test_a_wrong_password(site: Site) -> None:
    """And an unknown address: the same page, with what she typed but for the password."""
    browser = site.browser()
    page = await site.authorize(browser)
    for email, password in ((EMAIL, "wrong"), ("nobody@example.com", PASSWORD), ("", "")):
        page = await page.sign_in(email, password)
        assert (page.status, page.title) == (400, "Sign in")
        assert "The e-mail address or the password is wrong." in page.text
        assert page.fields["email"] == email
        assert page.fields["password"] == ""
        assert SESSION not in browser.cookies
    page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    assert page.title == "Allow The App?"


async def test_A_AZ_08_too_many_wrong_passwords(site: Site) -> None:
    """One has to wait, and is told for how long."""
    page = await site.authorize(site.browser())
    for _ in range(5):
        page = await page.sign_in(EMAIL, "wrong")
    page = await page.sign_in(EMAIL, PASSWORD)
    assert (page.status, page.title) == (429, "Sign in")
    seconds = page.answer.headers["Retry-After"]
    assert f"Wait {seconds} seconds" in page.text


async def test_cancelling(site: Site) -> None:
    """The client is told, from both pages; and nothing is left of the request."""
    browser = site.browser()
    login = await site.authorize(browser)
    told = await login.submit(action="cancel")
    assert told.parameters["error"] == "access_denied"
    assert (await browser.get(login.url)).status == 410
    consent = await browser.follow(await (await site.authorize(browser)).sign_in(EMAIL, PASSWORD))
    assert (await consent.submit(action="cancel")).parameters["error"] == "access_denied"
    assert (await site.authorize(browser)).title == "Allow The App?"


async def test_consent_that_is_not_to_be_remembered(site: Site) -> None:
    """Is asked for each time."""
    browser = site.browser()
    page = await browser.follow(await (await site.authorize(browser)).sign_in(EMAIL, PASSWORD))
    assert "code" in (await page.allow(remember=False)).parameters
    assert (await site.authorize(browser)).title == "Allow The App?"


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
async def test_consent_adds_up(site: Site) -> None:
    """What was allowed before, and what was allowed now, is allowed together."""
    browser = await site.signed_in()
    page = await site.authorize(browser, scope="openid email")
    assert "See your e-mail address" in page.text
    await page.allow()
    told = await site.authorize(browser, scope="openid email profile", prompt="none")
    assert "code" in told.parameters


async def test_consent_is_of_one_person_and_one_client(site: Site) -> None:
    """Others are asked."""
    await site.add_app("other")
    await site.add_user("bob@example.com", OTHER)
    browser = await site.signed_in()
    assert (await site.authorize(browser, client_id="other")).title == "Allow other?"
    page = await site.authorize(browser, prompt="login")
    page = await browser.follow(await page.sign_in("bob@example.com", PASSWORD))
    assert page.title == "Allow The App?"


@pytest.mark.parametrize("uri", ["http://127.0.0.1:4000/cb", "com.example.app:/cb"])
async def test_consent_is_not_remembered_where_anyone_could_be(site: Site, uri: str) -> None:
    """RFC 8252 §8.6: another program of the same machine can be behind that address."""
    await site.add_app("tool", application_type="native", redirect_uris=(uri,))
    browser = site.browser()
    page = await site.authorize(browser, client_id="tool", redirect_uri=uri)
    page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    assert "remember" not in page.fields
    assert (await page.allow()).location.startswith(uri + "?code=")
    told = await site.authorize(browser, client_id="tool", redirect_uri=uri, prompt="none")
    assert told.parameters["error"] == "consent_required"


async def test_scopes_in_words(site: Site) -> None:
    """Ours by our words, the operator's by hers."""
    from apogee_idp.management.scopes import ScopeCommands
    from apogee_idp.model import Scope
    from tests.acting import acting

    store = site.idp.installation.store
    scope = Scope("mail.send", display_name="Send mail", description="In your name.")
    await ScopeCommands(store, **acting(store)).add(scope)
    await site.add_app("post", scopes=("mail.send", "ping"), allow_offline_access=True)
    wanted = "openid profile email phone address roles offline_access mail.send ping"
    browser = site.browser()
    page = await site.authorize(browser, client_id="post", scope=wanted)
    page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    for words in ("See your roles", "Stay connected", "Send mail", "In your name.", "ping"):
        assert words in page.text


async def test_A_AZ_06_a_session_never_has_a_value_that_came_along(site: Site) -> None:
    """Neither a stranger's nor an older one's; the older one has ended."""
    browser = site.browser()
    browser.cookies[SESSION] = planted = "A" * 43
    page = await site.authorize(browser)
    assert browser.cookies[SESSION] == planted
    await page.sign_in(EMAIL, PASSWORD)
    first = browser.cookies[SESSION]
    assert first != planted
    twin = browser.twin()
    page = await site.authorize(browser, prompt="login")
    await page.sign_in(EMAIL, PASSWORD)
    assert len({planted, first, browser.cookies[SESSION]}) == 3
    assert not await is_signed_in(site, twin)


async def test_A_AZ_06_a_session_ends_when_nobody_is_there(site: Site) -> None:
    """Whether or not the browser still has its cookie."""
    browser = await site.signed_in()
    idle = site.idp.installation.settings.session_idle_seconds
    site.clock.now += idle - 1
    assert await is_signed_in(site, browser)
    site.clock.now += idle - 1
    assert await is_signed_in(site, browser)
    site.clock.now += idle
    assert not await is_signed_in(site, browser)


async def test_A_AZ_06_a_session_ends_however_busy(site: Site) -> None:
    """After its lifetime, counted from when it began."""
    browser = await site.signed_in()
    settings = site.idp.installation.settings
    until = site.clock.now + settings.session_lifetime
    while site.clock.now + settings.session_idle_seconds // 2 < until:
        site.clock.now += settings.session_idle_seconds // 2
        assert await is_signed_in(site, browser)
    site.clock.now = until - 1
    assert await is_signed_in(site, browser)
    site.clock.now = until
    assert not await is_signed_in(site, browser)


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
async def test_a_session_is_written_to_once_a_minute(site: Site) -> None:
    """Not at each request."""
    browser = await site.signed_in()
    sessions = site.idp.installation.store.sessions
    versions = []
    for later in (0, SEEN_EVERY_SECONDS - 1, 1, 1):
        site.clock.now += later
        await is_signed_in(site, browser)
        versions.append((await sessions.list()).items[0].version)
    assert versions[0] == versions[1] != versions[2] == versions[3]


async def test_the_store_has_no_value_of_a_cookie(site: Site) -> None:
    """Who reads the store can't be anyone by what he finds there."""
    browser = await site.signed_in()
    await site.authorize(browser, prompt="consent")
    store = site.idp.installation.store
    for collection in (store.sessions, store.interactions, store.consents):
        for stored in (await collection.list()).items:
            for value in browser.cookies.values():
                assert value not in f"{stored.key} {stored.document}"


@pytest.mark.parametrize("change", ["disabled", "ended", "gone"])
async def test_a_session_ends_with_its_user(site: Site, change: str) -> None:
    """At once."""
    browser = await site.signed_in()
    if change == "disabled":
        await site.change_user(enabled=False)
    elif change == "ended":
        await site.change_user(sessions_not_before=site.clock.now)
    else:
        await site.idp.installation.store.users.delete(SUBJECT)
    assert not await is_signed_in(site, browser)
    if change == "ended":  # a new one, of the very same second, counts
        page = await site.authorize(browser)
        await page.sign_in(EMAIL, PASSWORD)
        assert await is_signed_in(site, browser)
