"""What stands before a page, and before the door: readable on a phone, and usable by everybody."""

from __future__ import annotations

import pytest

from .conftest import Desk


async def check(desk: Desk, name: str) -> None:
    """WCAG 2.2 §1.4.10, and whatever axe-core finds serious."""
    await desk.tab.keep(f"console-{name}")
    assert await desk.tab.page.evaluate("document.documentElement.scrollWidth") <= 360, name
    assert await desk.tab.faults() == [], name


@pytest.fixture(params=["light", "dark"])
async def phone(desk: Desk, request: pytest.FixtureRequest) -> Desk:
    """The secrets of a client, on a phone; its name ends those of the screenshots."""
    await desk.tab.page.set_viewport_size({"width": 360, "height": 740})
    await desk.tab.page.emulate_media(color_scheme=request.param)
    await desk.idp.add_client("billing", display_name="Billing")
    await desk.open("/clients/billing/secrets", "Apogee IdP")
    await check(desk, f"door-{request.param}")
    await desk.sign_in("/clients/billing/secrets")
    return desk


async def stored(desk: Desk) -> None:
    """Says that the secret is kept somewhere."""
    await desk.field("I have stored the secret").check()
    await desk.button("Done").click()


async def test_dialogs_on_secrets(phone: Desk, request: pytest.FixtureRequest) -> None:
    """Adding one, showing it once, retiring it."""
    scheme = request.node.callspec.params["phone"]
    await phone.button("Add a secret ...").click()
    await check(phone, f"add-secret-{scheme}")
    await phone.button("Make the secret").click()
    await phone.dialog.get_by_text("Store this secret now").wait_for()
    await check(phone, f"secret-once-{scheme}")
    await stored(phone)
    await phone.tab.page.get_by_role("row").last.get_by_role("button").click()
    await check(phone, f"retire-secret-{scheme}")


async def test_dialogs_that_lead_through(phone: Desk, request: pytest.FixtureRequest) -> None:
    """Rotating step by step, deleting by name."""
    scheme = request.node.callspec.params["phone"]
    await phone.button("Rotate ...").click()
    await check(phone, f"rotate-{scheme}")
    await phone.button("Make the new secret").click()
    await stored(phone)
    await phone.tab.page.get_by_text("Step 3 of 3").wait_for()
    await check(phone, f"old-secrets-{scheme}")
    await phone.button("Close").click()
    await phone.link("Registration").click()
    await phone.button("Delete ...").click()
    await check(phone, f"delete-{scheme}")
