"""What can go wrong is shown for what it is, and nothing that was typed is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect

from apogee_idp import CommandStage, Registry, Services, UpdateClient
from apogee_idp.errors import Forbidden
from apogee_idp.stores.repositories import clients_in, scopes_in
from tests.api.console import add_person
from tests.chromium import Tab
from tests.conftest import copy_store
from tests.interaction.conftest import EMAIL, PASSWORD, SUBJECT
from tests.mongodb import Databases
from tests.wire_proxy import WireProxy

from .conftest import Desk, OpenDesk

NAME = "Display name"
BOB = "usr_" + "B" * 22


async def editing(desk: Desk) -> None:
    """A client's form with something typed that is not saved yet."""
    await desk.idp.add_client("billing", display_name="Billing", scopes=("invoices.read",))
    await desk.sign_in("/clients/billing")
    await desk.tab.until_title("Billing")
    await desk.field(NAME).fill("Typed")


async def ended(desk: Desk) -> None:
    """Somebody else has ended the session."""
    sessions = desk.idp.installation.services.sessions
    for session in await sessions.of(SUBJECT):
        await sessions.end(session)


async def stored_name(desk: Desk) -> str:
    client = await clients_in(desk.idp.installation.store).get("billing")
    assert client is not None
    return client.display_name


async def test_a_session_that_ends_meanwhile_is_begun_again_in_another_tab(desk: Desk) -> None:
    """The form stays as it is, and is saved afterwards."""
    await editing(desk)
    await ended(desk)
    await desk.button("Save").click()
    await expect(desk.dialog).to_contain_text("Your session has ended")
    await desk.tab.page.keyboard.press("Escape")
    await expect(desk.dialog).to_be_visible()
    async with desk.tab.page.context.expect_page() as opened:
        await desk.dialog.get_by_role("link", name="Sign in, in a new tab").click()
    other = Tab(await opened.value)
    await other.sign_in(EMAIL, PASSWORD)
    await other.until_title("You are signed in")
    await expect(desk.dialog).to_be_hidden()
    await expect(desk.field(NAME)).to_have_value("Typed")
    await desk.button("Save").click()
    await desk.told("Typed is saved.")
    assert await stored_name(desk) == "Typed"


async def test_a_session_that_ends_meanwhile_is_begun_again_in_the_same_tab(desk: Desk) -> None:
    """What was typed is back on the page that one returns to."""
    await editing(desk)
    await ended(desk)
    await desk.button("Save").click()
    await desk.dialog.get_by_role("link", name="sign in here").click()
    await desk.tab.sign_in(EMAIL, PASSWORD)
    await expect(desk.tab.page.get_by_text("didn't save, is back")).to_be_visible()
    await expect(desk.field(NAME)).to_have_value("Typed")
    await desk.button("Discard changes").click()
    await expect(desk.field(NAME)).to_have_value("Billing")


async def test_another_sign_in_has_another_csrf_token_and_nobody_notices(desk: Desk) -> None:
    await editing(desk)
    other = Tab(await desk.tab.page.context.new_page())
    await other.open(f"{desk.origin}/console/sign-in?again=1&to=/clients")
    await other.sign_in(EMAIL, PASSWORD)
    await other.until_title("Clients")
    await desk.button("Save").click()
    await desk.told("Typed is saved.")


async def test_who_is_no_administrator_hears_who_she_is_and_why_not(desk: Desk) -> None:
    """She can come back as somebody else."""
    facts = {"roles": ("staff",), "profile": {"name": "Bob Example"}}
    await add_person(desk.idp, "bob@example.com", BOB, **facts)
    await desk.sign_in("/clients", email="bob@example.com")
    await desk.tab.until_title("This needs an administrator")
    told = desk.tab.page.get_by_role("main")
    await expect(told).to_contain_text("Bob Example")
    await expect(told).to_contain_text("idp-admin")
    await expect(told).to_contain_text("Your roles: staff")
    await desk.tab.keep("console-stranger")
    assert await desk.tab.faults() == []
    await desk.link("Use another account").click()
    await desk.tab.sign_in(EMAIL, PASSWORD)
    await desk.tab.until_title("Clients")


async def forbid(_: UpdateClient) -> None:
    raise Forbidden("the moon is full")


def register_forbidding(registry: Registry, _: Services) -> None:
    registry.add(UpdateClient, forbid, name="forbid", order=CommandStage.EXECUTE - 1)


async def test_what_is_forbidden_says_to_whom(open_desk: OpenDesk) -> None:
    """403: the reason, and who she is."""
    desk = await open_desk(register=register_forbidding)
    await editing(desk)
    await desk.button("Save").click()
    alert = desk.tab.page.get_by_role("alert")
    await expect(alert).to_contain_text("You may not do this")
    await expect(alert).to_contain_text("the moon is full")
    await expect(alert).to_contain_text("Ann Example")
    await expect(desk.field(NAME)).to_have_value("Typed")


async def test_who_was_faster_is_shown_and_ones_own_is_put_on_top(desk: Desk) -> None:
    """412: field by field; of what both have changed, one chooses."""
    await editing(desk)
    await desk.field("Default audience").fill("https://mine.example")
    await desk.idp.change_client(
        "billing", display_name="Theirs", default_audience="https://theirs.example", roles=("a",)
    )
    await desk.button("Save").click()
    await expect(desk.tab.page.get_by_text("Somebody else was faster")).to_be_visible()
    rows = desk.tab.page.get_by_role("table", name="Their changes and yours")
    name, audience, roles = (
        rows.get_by_role("row").filter(has_text=text)
        for text in ("Display name", "Default audience", "Roles")
    )
    for text in ("Billing", "Theirs", "Typed"):
        await expect(name).to_contain_text(text)
    await expect(roles).to_contain_text("unchanged")
    await audience.get_by_label("https://theirs.example").check()
    await desk.tab.keep("console-conflict")
    assert await desk.tab.faults() == []
    await desk.button("Take theirs, and put my changes on top").click()
    await expect(desk.field(NAME)).to_have_value("Typed")
    await expect(desk.field("Default audience")).to_have_value("https://theirs.example")
    await desk.button("Save").click()
    await desk.told("Typed is saved.")
    client = await clients_in(desk.idp.installation.store).get("billing")
    assert client is not None
    assert (client.display_name, client.default_audience, client.roles) == (
        "Typed",
        "https://theirs.example",
        ("a",),
    )


async def test_what_the_server_complains_of_stands_beside_the_field(desk: Desk) -> None:
    """409 and 422, by the pointers of the answer."""
    await desk.idp.add_client("other", display_name="Taken")
    await editing(desk)
    await desk.field(NAME).fill("taken")
    await desk.button("Save").click()
    await expect(desk.field(NAME)).to_have_attribute("aria-invalid", "true")
    await expect(desk.field(NAME)).to_have_accessible_description(
        "For people. Empty, it is the client id. the client other has this name already."
    )
    await desk.field(NAME).fill("Free")
    await desk.tab.page.get_by_label("ping").first.check()
    scopes = scopes_in(desk.idp.installation.store)
    ping = await scopes.get("ping")
    assert ping is not None
    await scopes.delete("ping", version=ping.concurrency_token)
    await desk.button("Save").click()
    group = desk.tab.page.get_by_role("group", name="Scopes", exact=True)
    await expect(group).to_contain_text("there is no scope ping")
    await expect(desk.tab.page.get_by_role("alert")).to_contain_text("Scopes")


async def test_a_server_that_is_gone_and_comes_back(desk: Desk) -> None:
    """What was typed stays; the same click does it later."""
    await editing(desk)
    context: BrowserContext = desk.tab.page.context
    await context.set_offline(True)
    await desk.button("Save").click()
    await expect(desk.tab.page.get_by_role("alert")).to_contain_text("can't be reached")
    await expect(desk.field(NAME)).to_have_value("Typed")
    await context.set_offline(False)
    await desk.button("Save").click()
    await desk.told("Typed is saved.")


async def test_each_attempt_that_fails_takes_the_focus_to_why(desk: Desk) -> None:
    """Whether the same was said before or not, and whether it was sent or not."""
    await editing(desk)
    alert = desk.tab.page.get_by_role("alert")
    await desk.tab.page.context.set_offline(True)
    for told in ("can't be reached", "Mend this first"):
        for _ in range(2):
            await desk.button("Save").click()
            await expect(alert).to_contain_text(told)
            await expect(alert).to_be_focused()
            await expect(desk.button("Save")).to_be_enabled()
        await desk.field(NAME).fill("x" * 201)


async def lose_the_first_answer(page: Page, path: str) -> list[int]:
    """The server does what it is asked, and nobody hears of it; the statuses that were lost."""
    lost: list[int] = []

    async def lose(route: Route) -> None:
        if route.request.method != "POST" or lost:
            await route.continue_()
            return
        # What the browser adds behind the route, it would leave out of a request of the driver's.
        headers = await route.request.all_headers() | {"sec-fetch-site": "same-origin"}
        lost.append((await route.fetch(headers=headers)).status)
        await route.abort()

    await page.route(path, lose)
    return lost


async def test_a_creation_whose_answer_was_lost_is_done_once(desk: Desk) -> None:
    """Sent again, it is the first one's answer, without the secret; which is said."""
    await desk.sign_in("/new-client")
    await desk.field("Client ID").fill("billing")
    lost = await lose_the_first_answer(desk.tab.page, "**/api/v1/clients")
    await desk.button("Create the client").click()
    await expect(desk.tab.page.get_by_role("alert")).to_contain_text("can't be reached")
    assert lost == [201]
    await desk.button("Create the client").click()
    await desk.told("was made by the first attempt, whose answer was lost")
    await expect(desk.button("Rotate ...")).to_be_visible()


@pytest.mark.parametrize("backend", ["mongodb"])
async def test_F_DB_06_a_lost_store_is_said_with_when_to_try_again(
    open_desk: OpenDesk, databases: Databases, proxy: WireProxy, prepared_database: Path
) -> None:
    """503: the form waits, and is saved once the store is back."""
    await copy_store(prepared_database, url := databases.new())
    desk = await open_desk(store=proxy.in_front_of(url), handler_timeout=1.0)
    await editing(desk)
    proxy.swallows = True
    await desk.button("Save").click()
    # The last: the list of scopes, above, may not have been read before the store was lost.
    alert = desk.tab.page.get_by_role("alert").last
    await expect(alert).to_contain_text("can't answer at the moment", timeout=30_000)
    await expect(alert).to_contain_text("Try again in 1 s")
    proxy.swallows = False
    for _ in range(20):
        await desk.button("Save").click()
        await expect(desk.button("Save")).to_be_enabled(timeout=30_000)
        if await desk.tab.page.get_by_text("Typed is saved.").count():
            break
    assert await stored_name(desk) == "Typed"


async def test_a_client_from_configuration_is_read_only(desk: Desk) -> None:
    """Seen at once, in the list and on its page; nothing of it can be typed."""
    await desk.idp.add_client("billing", display_name="Billing")
    await desk.idp.change_client("billing", is_configured=True)
    await desk.sign_in("/clients")
    row = desk.tab.page.get_by_role("row").filter(has_text="billing")
    await expect(row).to_contain_text("read-only")
    await desk.link("Billing").click()
    await expect(desk.tab.page.get_by_text("is read-only here")).to_be_visible()
    await expect(desk.field(NAME)).to_be_disabled()
    await expect(desk.button("Save")).to_be_hidden()
    await desk.link("Secrets").click()
    await expect(desk.tab.page.get_by_text("its secret is changed there")).to_be_visible()
    await expect(desk.button("Rotate ...")).to_be_hidden()
