"""The life of a client that gets tokens for itself, from its first secret to its end."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.idp import is_jwe

from .conftest import Desk

SCOPE = "invoices.read"


async def created(desk: Desk, client_id: str = "billing", name: str = "Billing") -> str:
    """A client with SCOPE, made in the console; its secret, as it is on the clipboard."""
    await desk.field("Display name").fill(name)
    await desk.field("Client ID").fill(client_id)
    await desk.tab.page.get_by_label(SCOPE).first.check()
    await desk.button("Create the client").click()
    return await stored(desk)


async def stored(desk: Desk) -> str:
    """The secret that the dialog shows, copied, and said to be stored."""
    await expect(desk.dialog).to_contain_text("Store this secret now")
    await expect(desk.button("Done")).to_be_disabled()
    await desk.button("Copy the secret").click()
    await desk.dialog.get_by_text("Copied").wait_for()
    await desk.field("I have stored the secret").check()
    await desk.button("Done").click()
    return str(await desk.tab.page.evaluate("navigator.clipboard.readText()"))


async def token(desk: Desk, secret: str, client_id: str = "billing") -> str:
    """What a program gets with that secret."""
    return (await desk.idp.grant(client_id, secret, scope=SCOPE)).token


async def written_plain(desk: Desk) -> None:
    """The client's tokens are not encrypted any more, which is said beforehand."""
    await desk.field("Disable Token Encryption").check()
    await expect(desk.tab.page.get_by_text("Its next tokens are signed only (JWS)")).to_be_visible()
    await desk.button("Save").click()
    await desk.told("Billing is saved.")


async def rotated(desk: Desk) -> str:
    """Another secret, beside which the first goes on for an hour."""
    await desk.link("Secrets").click()
    await desk.button("Rotate ...").click()
    await desk.field("The old secrets").select_option("3600")
    await desk.button("Make the new secret").click()
    secret = await stored(desk)
    await expect(desk.dialog).to_contain_text("Step 3 of 3")
    await desk.button("Close").click()
    return secret


async def deleted(desk: Desk) -> None:
    """The client is gone, once its name was typed as it is."""
    await desk.link("Registration").click()
    await desk.button("Delete ...").click()
    await desk.field("Type Billing to confirm").fill("billing")
    await expect(desk.button("Delete for good")).to_be_disabled()
    await desk.field("Type Billing to confirm").fill("Billing")
    await desk.button("Delete for good").click()
    await desk.told("Billing is deleted.")
    await desk.tab.until_title("Clients")


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
async def test_a_machine_client_from_its_secret_to_its_end(desk: Desk) -> None:
    """Created, asked for a token, written plain, given another secret with overlap, deleted."""
    await desk.tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await desk.sign_in("/new-client")
    first = await created(desk)
    await desk.tab.until_title("Billing")
    assert is_jwe(await token(desk, first))
    await written_plain(desk)
    assert (await desk.idp.claims(await token(desk, first)))["scope"] == SCOPE
    second = await rotated(desk)
    assert second != first
    for secret in (first, second):
        assert (await desk.idp.claims(await token(desk, secret)))["sub"] == "billing"
    await deleted(desk)
    assert (await desk.idp.grant("billing", second)).status == 401
