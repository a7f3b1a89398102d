"""A new secret, and the old ones beside it, while things go wrong around them."""

from __future__ import annotations

import asyncio

from playwright.async_api import Request, Route, expect

from apogee_idp.stores.repositories import clients_in

from .conftest import Desk
from .test_failures import ended, lose_the_first_answer

FOCUS = "dispatchEvent(new Event('focus'))"
HIDE = "Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true})"
SHOW = "delete document.visibilityState"
PERIOD = 5000
WATCHED = 10 * 60_000


async def at_secrets(desk: Desk) -> None:
    """Before the secrets of a client, with a clock that the test can put forward."""
    await desk.tab.page.clock.install()
    await desk.idp.add_client("billing")
    await desk.sign_in("/clients/billing/secrets")


async def watching(desk: Desk) -> None:
    """At the last step of a rotation."""
    await at_secrets(desk)
    await desk.button("Rotate ...").click()
    await desk.button("Make the new secret").click()
    await desk.field("I have stored the secret").check()
    await desk.button("Done").click()
    await expect(desk.dialog.get_by_role("row")).to_have_count(2)


async def test_a_secret_on_the_screen_outlives_session_and_network(desk: Desk) -> None:
    """A laptop that wakes has the focus before it has the network."""
    await at_secrets(desk)
    await desk.button("Add a secret ...").click()
    is_shown = asyncio.Event()

    async def end_the_session(route: Route) -> None:
        await is_shown.wait()
        await ended(desk)
        await route.continue_()

    page = desk.tab.page
    await page.route("**/api/v1/clients/billing", end_the_session)
    await desk.button("Make the secret").click()
    await desk.button("Show the secret").click()
    secret = await desk.dialog.locator("[data-secret]").inner_text()
    is_shown.set()
    signed_out = page.get_by_role("dialog", name="Your session has ended")
    await expect(signed_out).to_be_visible()
    await page.context.set_offline(True)
    await page.evaluate(FOCUS)
    await expect(page.get_by_role("alert")).to_contain_text("can't be reached")
    await expect(signed_out).to_be_visible()
    await expect(page.get_by_text(secret)).to_be_visible()


async def test_a_secret_whose_answer_was_lost_is_made_once(desk: Desk) -> None:
    """Its end is counted from where one began, however late it is sent again."""
    await at_secrets(desk)
    await desk.button("Add a secret ...").click()
    await desk.field("Expires").select_option("In 30 days")
    lost = await lose_the_first_answer(desk.tab.page, "**/api/v1/clients/billing/secrets")
    await desk.button("Make the secret").click()
    await expect(desk.dialog.get_by_role("alert")).to_contain_text("can't be reached")
    assert lost == [201]
    await desk.tab.page.clock.fast_forward(60_000)
    await desk.button("Make the secret").click()
    await desk.told("It was made by the first attempt, whose answer was lost.")
    client = await clients_in(desk.idp.installation.store).get("billing")
    assert client is not None
    assert len(client.secrets) == 2


async def test_who_watches_old_secrets_keeps_the_focus_while_the_server_is_gone(desk: Desk) -> None:
    """What went wrong takes it once, not with each look."""
    await watching(desk)
    page = desk.tab.page
    await page.context.set_offline(True)
    await page.clock.fast_forward(PERIOD)
    await expect(desk.dialog.get_by_role("alert")).to_be_focused()
    await desk.button("Close").focus()
    for _ in range(2):
        async with page.expect_event("requestfailed"):
            await page.clock.fast_forward(PERIOD)
    await expect(desk.button("Close")).to_be_focused()
    await page.context.set_offline(False)
    await page.clock.fast_forward(PERIOD)
    await expect(desk.dialog.get_by_role("alert")).to_be_hidden()


async def test_old_secrets_are_watched_for_somebody_who_looks(desk: Desk) -> None:
    """A page that is hidden, or was left alone for ten minutes, keeps no session alive."""
    await watching(desk)
    page = desk.tab.page
    looks: list[str] = []

    def note(request: Request) -> None:
        looks.append(request.url)

    page.on("request", note)
    await page.evaluate(HIDE)
    await page.clock.fast_forward(PERIOD)
    await page.evaluate(SHOW)
    async with page.expect_event("requestfinished"):
        await page.clock.fast_forward(PERIOD)
    await page.clock.fast_forward(WATCHED)
    await expect(desk.dialog.get_by_role("status")).to_contain_text("not looked at any more")
    await page.clock.fast_forward(PERIOD)
    assert len(looks) == 1
    async with page.expect_event("requestfinished"):
        await desk.button("Watch on").click()
    await expect(desk.button("Watch on")).to_be_hidden()
