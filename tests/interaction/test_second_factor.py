"""A second factor: set up at ``/account``, asked for at each sign-in, wanted by clients."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import jwt
import pytest

from apogee_idp import ONE_FACTOR, TWO_FACTORS
from apogee_idp.crypto.one_time_passwords import PERIOD_SECONDS, totp_at
from apogee_idp.stores.repositories import users_in
from apogee_idp.web.interaction.second_factor import FRESH_SECONDS
from tests.acting import entries_in
from tests.browser import Browser, Page
from tests.canary import PLANTED

from .conftest import EMAIL, PASSWORD, SUBJECT, Site
from .test_account import account, do, notice

SETUP = "/account/second-factor"


class App:
    """An authenticator that has scanned the page."""

    def __init__(self, site: Site, secret: str, recovery: list[str]) -> None:
        self.site = site
        self.secret = secret
        self.recovery = recovery

    def code(self) -> str:
        """The next one that was not used yet."""
        self.site.clock.now += PERIOD_SECONDS
        return totp_at(self.secret, self.site.clock.now)


async def set_up(site: Site, page: Page) -> tuple[App, Page]:
    """From the page with the secret to the one with the recovery codes."""
    assert page.title == "Set up a second factor"
    secret = page.fields["secret"]
    PLANTED.add(secret)
    done = await page.submit(code=totp_at(secret, site.clock.now), action="enrol")
    assert done.title == "Keep these codes"
    codes = re.findall(r"<code>([a-z2-7-]{19})</code>", done.text)
    PLANTED.update(codes)
    return App(site, secret, codes), done


@pytest.fixture
async def app(site: Site) -> App:
    """Ann's."""
    browser = site.browser()
    await account(browser)
    return (await set_up(site, await browser.get(SETUP)))[0]


async def second_step(browser: Browser, page: Page) -> Page:
    """The page behind the password."""
    page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    assert page.title == "Second step"
    return page


async def claims(site: Site, page: Page) -> Any:
    """Of the id_token for the code that the client got."""
    tokens = (await site.redeem(page.parameters["code"])).json
    return jwt.decode(tokens["id_token"], options={"verify_signature": False})


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
async def test_set_up_used_and_turned_off(site: Site) -> None:
    """Nobody is signed in between the two steps, and clients are told of both."""
    browser = site.browser()
    await account(browser)
    before = browser.cookies["__Host-apogee_session"]
    app, _ = await set_up(site, await browser.get(SETUP))
    assert len(app.recovery) == 8
    assert browser.cookies["__Host-apogee_session"] != before
    assert "Recovery codes that are left: 8." in (await account(browser)).text
    other = site.browser()
    page = await second_step(other, await site.authorize(other))
    assert (await other.get("/account")).status == 303
    assert "__Host-apogee_session" not in other.cookies
    page = await other.follow(await page.submit(code=app.code(), action="second_factor"))
    told = await claims(site, await page.allow())
    assert (told["acr"], told["amr"]) == (TWO_FACTORS, ["pwd", "otp", "mfa"])
    page = await do(await account(other), "remove_second_factor", code=app.code())
    assert notice(page) == "Your password alone is enough now."
    third = site.browser()
    page = await site.authorize(third)
    page = await third.follow(await page.sign_in(EMAIL, PASSWORD))
    assert (await claims(site, await page.allow() if page.status == 200 else page))[
        "acr"
    ] == ONE_FACTOR
    entries = await entries_in(site.idp.installation.store)
    done_by = {e.action: e.actor for e in entries if e.kind == "user"}
    assert done_by == {"add_second_factor": SUBJECT, "remove_second_factor": SUBJECT}


async def test_a_recovery_code_in_its_stead(site: Site, app: App) -> None:
    """Once."""
    for title in ("Allow The App?", "Second step"):
        browser = site.browser()
        page = await second_step(browser, await site.authorize(browser))
        page = await page.submit(code=app.recovery[0], action="second_factor")
        assert (await browser.follow(page)).title == title
    assert (
        "Recovery codes that are left: 7."
        in (await (await signed_in(site, app)).get("/account")).text
    )


async def signed_in(site: Site, app: App) -> Browser:
    browser = site.browser()
    page = await second_step(browser, await browser.follow(await browser.get("/account")))
    await browser.follow(await page.submit(code=app.code(), action="second_factor"))
    return browser


async def test_a_wrong_code(site: Site, app: App) -> None:
    """She is told, and can try again; her password alone leads nowhere."""
    browser = site.browser()
    page = await second_step(browser, await site.authorize(browser))
    for wrong in ("000000", "", "x" * 40, totp_at(app.secret, site.clock.now)):
        answer = await page.submit(code=wrong, action="second_factor")
        assert (answer.status, answer.title) == (400, "Second step")
    assert 'aria-invalid="true"' in answer.text
    answer = await answer.submit(code=app.code(), action="second_factor")
    assert (await browser.follow(answer)).title == "Allow The App?"


async def test_A_AZ_08_guesses_wait(site: Site, app: App) -> None:
    """Whoever knows the password."""
    browser = site.browser()
    page = await second_step(browser, await site.authorize(browser))
    for _ in range(5):
        await page.submit(code="000000", action="second_factor")
    answer = await page.submit(code=app.code(), action="second_factor")
    assert (answer.status, answer.answer.headers["Retry-After"]) == (429, "1")


@pytest.mark.parametrize("change", ["disabled", "new password"])
async def test_what_ends_between_the_two_steps(site: Site, app: App, change: str) -> None:
    """The code is good for nothing then: she begins anew."""
    browser = site.browser()
    page = await second_step(browser, await site.authorize(browser))
    site.clock.now += 1
    if change == "disabled":
        await site.users.set_enabled(SUBJECT, enabled=False)
    else:
        await site.users.set_password(SUBJECT, "a sentence of her own")
    answer = await page.submit(code=app.code(), action="second_factor")
    assert (await browser.follow(answer)).title == "Sign in"
    assert "__Host-apogee_session" not in browser.cookies


async def test_starting_over(site: Site, app: App) -> None:
    """As somebody else."""
    await site.add_user("bob@example.com", "usr_" + "B" * 22)
    browser = site.browser()
    page = await second_step(browser, await site.authorize(browser))
    page = await browser.follow(await page.submit(action="start_over", code="x"))
    page = await browser.follow(await page.sign_in("bob@example.com", PASSWORD))
    assert "bob@example.com" in page.text
    assert page.title == "Allow The App?"


async def test_the_second_step_is_of_one_browser(site: Site, app: App) -> None:
    """And of one sign-in: a code does not carry over to another."""
    mine, other = site.browser(), site.browser()
    page = await second_step(mine, await site.authorize(mine))
    assert (await other.get(page.url)).status == 410
    login = await site.authorize(other)
    form = login.fields | {"code": app.code(), "action": "second_factor"}
    answer = await other.follow(await other.post(login.action, form))
    assert answer.title == "Sign in"
    assert "__Host-apogee_session" not in other.cookies


async def test_a_client_that_wants_it_of_who_has_none(site: Site) -> None:
    """She sets it up on the way, and goes on to the client."""
    await site.add_app("bank", require_second_factor=True)
    browser = site.browser()
    page = await site.authorize(browser, client_id="bank")
    page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    assert page.title == "A second factor is needed"
    setup = await browser.follow(await page.submit(action="set_up"))
    _, done = await set_up(site, setup)
    link = re.search(r'<a href="([^"]+)">I have kept them', done.text)
    assert link is not None
    page = await browser.follow(await browser.get(html.unescape(link[1])))
    assert page.title == "Allow bank?"
    told = (await site.redeem((await page.allow()).parameters["code"], "bank")).json
    access = await site.idp.decrypted(told["access_token"])
    assert (access["acr"], access["amr"]) == (TWO_FACTORS, ["pwd", "otp", "mfa"])


@pytest.mark.parametrize("wish", [{"prompt": "login"}, {"max_age": "0"}], ids=str)
async def test_who_sets_it_up_on_the_way_has_signed_in_for_it(
    site: Site, wish: dict[str, str]
) -> None:
    """Once is enough, also for a client that wants that of her."""
    await site.add_app("bank", require_second_factor=True)
    browser = site.browser()
    page = await site.authorize(browser, client_id="bank", **wish)
    page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    _, done = await set_up(site, await browser.follow(await page.submit(action="set_up")))
    link = re.search(r'<a href="([^"]+)">I have kept them', done.text)
    assert link is not None
    page = await browser.follow(await browser.get(html.unescape(link[1])))
    assert page.title == "Allow bank?"


async def test_who_has_signed_in_before_sets_it_up_and_signs_in_for_it(site: Site) -> None:
    """A second factor is not what ``prompt`` wants."""
    await site.add_app("bank", require_second_factor=True)
    browser = await site.signed_in()
    login = await site.authorize(browser, client_id="bank", prompt="login")
    handle = login.action.rpartition("/")[2]
    await set_up(site, await browser.get(f"{SETUP}?continue={handle}"))
    assert (await browser.get(login.url)).title == "Sign in"


async def test_a_client_that_wants_it_hears_who_does_not(site: Site) -> None:
    """Who cancels, and whom no page may be shown."""
    await site.add_app("bank", require_second_factor=True)
    browser = await site.signed_in()
    page = await site.authorize(browser, client_id="bank", prompt="none")
    assert page.parameters["error"] == "interaction_required"
    page = await site.authorize(browser, client_id="bank")
    assert (await page.submit(action="cancel")).parameters["error"] == "access_denied"


@pytest.mark.parametrize(
    ("client_id", "changes"),
    [("bank", {}), ("app", {"acr_values": TWO_FACTORS})],
    ids=["client", "acr_values"],
)
async def test_who_signed_in_before_it_was_set_up_steps_up(
    site: Site, client_id: str, changes: dict[str, str]
) -> None:
    """By the code alone; the session is another one then."""
    await site.add_app("bank", require_second_factor=True)
    browser = await site.signed_in()
    elsewhere = site.browser()
    await account(elsewhere)
    app, _ = await set_up(site, await elsewhere.get(SETUP))
    assert "code" in (await site.authorize(browser)).parameters, "the app doesn't want it"
    before = browser.cookies["__Host-apogee_session"]
    page = await site.authorize(browser, client_id=client_id, **changes)
    assert page.title == "Second step"
    assert "start_over" not in page.text, "it would lead here again"
    page = await browser.follow(await page.submit(code=app.code(), action="second_factor"))
    assert browser.cookies["__Host-apogee_session"] != before
    assert page.title == f"Allow {client_id}?" if client_id == "bank" else "code" in page.parameters


async def test_who_can_not_step_up_goes_back_to_the_client(site: Site) -> None:
    """She is signed in as before."""
    await site.add_app("bank", require_second_factor=True)
    browser, elsewhere = await site.signed_in(), site.browser()
    await account(elsewhere)
    await set_up(site, await elsewhere.get(SETUP))
    page = await site.authorize(browser, client_id="bank")
    assert page.title == "Second step"
    assert (await page.submit(action="cancel")).parameters["error"] == "access_denied"
    assert (await browser.get("/account")).status == 200


@pytest.mark.parametrize("acr_values", [TWO_FACTORS, f"{TWO_FACTORS} {ONE_FACTOR}", "urn:x"])
async def test_acr_values_are_a_wish(site: Site, acr_values: str) -> None:
    """Nobody who has no second factor is kept out by them (OpenID Connect Core §3.1.2.1)."""
    browser = await site.signed_in()
    assert "code" in (await site.authorize(browser, acr_values=acr_values)).parameters


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": "A" * 32},
        {"secret": "A" * 31},
        {"proof": "0" * 64},
        {"token": "0" * 64},
    ],
    ids=["other secret", "no secret", "no proof", "no token"],
)
async def test_A_AZ_05_nobody_is_given_the_secret_of_another(
    site: Site, changes: dict[str, str]
) -> None:
    """What is set up is what this page has shown in this browser."""
    browser = site.browser()
    await account(browser)
    page = await browser.get(SETUP)
    code = totp_at(changes.get("secret", page.fields["secret"]).ljust(32, "A"), site.clock.now)
    answer = await page.submit(code=code, action="enrol", **changes)
    assert answer.status == 403
    user = await users_in(site.idp.installation.store).get(SUBJECT)
    assert user is not None
    assert user.second_factor is None


async def test_a_wrong_code_sets_nothing_up(site: Site) -> None:
    """The same secret is shown again: the app has it already."""
    browser = site.browser()
    await account(browser)
    page = await browser.get(SETUP)
    again = await page.submit(code="000000", action="enrol")
    assert (again.status, again.fields["secret"]) == (400, page.fields["secret"])
    await set_up(site, again)
    assert (await browser.get(SETUP)).location == "/account"


async def test_who_sits_at_her_screen_sets_nothing_up(site: Site) -> None:
    """Only who has signed in a moment ago."""
    browser = site.browser()
    await account(browser)
    site.clock.now += FRESH_SECONDS + 1
    page = await browser.follow(await browser.get(SETUP))
    assert page.title == "Sign in"
    page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    assert page.title == "Set up a second factor"
    site.clock.now += FRESH_SECONDS + 1
    await set_up(site, page)


async def test_only_a_code_turns_it_off(site: Site, app: App) -> None:
    """Not a session alone."""
    browser = await signed_in(site, app)
    page = await do(await browser.get("/account"), "remove_second_factor", code="000000")
    assert notice(page).startswith("The code is wrong")
    page = await do(page, "remove_second_factor", code=app.recovery[3])
    assert notice(page) == "Your password alone is enough now."


async def test_an_administrator_takes_it_away(site: Site, app: App) -> None:
    """From who has lost everything; who has not asked for it is seen in the audit."""
    await site.users.remove_second_factor(SUBJECT)
    browser = site.browser()
    page = await site.authorize(browser)
    page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    assert page.title == "Allow The App?"


async def test_a_damaged_second_factor_lets_nobody_in(site: Site, app: App) -> None:
    """It is not taken for none."""
    users = users_in(site.idp.installation.store)
    user = await users.get(SUBJECT)
    assert user is not None
    assert user.second_factor is not None
    await users.update(replace(user, second_factor=replace(user.second_factor, sealed="x")))
    browser = site.browser()
    page = await second_step(browser, await site.authorize(browser))
    answer = await page.submit(code=app.code(), action="second_factor")
    assert answer.status == 503
