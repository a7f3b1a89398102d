"""What administrators do at the console, beside the life of a machine's client."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from apogee_idp.stores.repositories import clients_in, load_key_ring, users_in
from tests.api.console import add_person

from .conftest import Desk

BOB = "usr_" + "B" * 22


async def test_the_flow_decides_what_is_asked(desk: Desk) -> None:
    """Client Credentials hides what people's clients have; what was typed elsewhere stays."""
    await desk.sign_in("/new-client")
    await desk.field("Client ID").fill("shop")
    for label in ("Redirect URIs", "Application type", "Client type", "Require PKCE"):
        await expect(desk.tab.page.get_by_text(label, exact=True)).to_be_hidden()
    await expect(desk.field("Disable Token Encryption")).to_be_visible()
    await desk.tab.page.get_by_label("Authorization Code with PKCE").check()
    await desk.field("Application type").select_option("spa")
    await expect(desk.field("Client type")).to_be_disabled()
    await expect(desk.field("Client type")).to_have_value("public")
    await expect(desk.field("Require PKCE")).to_be_checked()
    uris = desk.tab.page.get_by_role("group", name="Redirect URIs", exact=True)
    await uris.get_by_role("button", name="Add URI").click()
    await desk.tab.page.keyboard.type("http://shop.example")
    await expect(uris).to_contain_text("A redirect URI begins with https://")
    await uris.get_by_role("textbox").fill("https://shop.example/callback")
    await expect(desk.field("Client ID")).to_have_value("shop")
    await desk.button("Create the client").click()
    await desk.told("shop is registered.")
    client = await clients_in(desk.idp.installation.store).get("shop")
    assert client is not None
    assert (client.client_type, client.secrets) == ("public", ())


async def test_a_preset_writes_tokens_as_the_other_side_wants_them(desk: Desk) -> None:
    """And the preview says who takes them, layer by layer, and how they came about."""
    await desk.sign_in("/new-client")
    await desk.field("Client ID").fill("deployer")
    await desk.field("Preset").select_option("aws-sts")
    await desk.field("Default audience").fill("sts.amazonaws.com")
    await desk.button("Create the client").click()
    await desk.field("I have stored the secret").check()
    await desk.button("Done").click()
    await desk.link("Token preview").click()
    token = desk.tab.page.get_by_role("region", name="Its next token")
    await expect(token).to_contain_text("JWS")
    await expect(token).to_contain_text('"sub": "deployer"')
    verdicts = desk.tab.page.get_by_role("region", name="Who would take it").get_by_role("listitem")
    await expect(verdicts.filter(has_text="AWS STS").first).to_contain_text("issuer")
    await expect(verdicts.filter(has_text="Vault").first).to_contain_text("would take it")
    steps = desk.tab.page.get_by_role("region", name="How it came about")
    await expect(steps).to_contain_text("generate_token")


async def test_a_preview_says_what_was_refused_and_by_whom(desk: Desk) -> None:
    """The pipeline's own no, with the handler that said it."""
    await desk.idp.add_client("billing", scopes=("invoices.read",))
    await desk.sign_in("/clients/billing/preview")
    await desk.field("invoices.read").check()
    await desk.button("Preview").click()
    await expect(desk.tab.page.get_by_role("region", name="Its next token")).to_contain_text("JWE")
    await desk.link("Registration").click()
    await desk.button("Disable").click()
    await desk.told("billing is disabled.")
    await desk.link("Token preview").click()
    alert = desk.tab.page.get_by_role("alert")
    await expect(alert).to_contain_text("It would get no token: invalid_client")
    await expect(alert).to_contain_text("validate_client")


async def test_a_secret_is_downloaded(desk: Desk, tmp_path: Path) -> None:
    """As a manifest for Kubernetes, and as a file of variables."""
    await desk.idp.add_client("billing")
    await desk.sign_in("/clients/billing/secrets")
    await desk.button("Add a secret ...").click()
    await desk.field("Name").fill("ci")
    await desk.button("Make the secret").click()
    await desk.button("Show the secret").click()
    secret = await desk.dialog.locator("[data-secret]").inner_text()
    await desk.tab.page.keyboard.press("Escape")
    for button, name in (
        ("Kubernetes Secret", "billing-secret.yaml"),
        (".env file", "billing.env"),
    ):
        async with desk.tab.page.expect_download() as begun:
            await desk.button(button).click()
        download = await begun.value
        await download.save_as(tmp_path / name)
        assert download.suggested_filename == name
        assert secret in (tmp_path / name).read_text()
    await desk.field("I have stored the secret").check()
    await desk.button("Done").click()
    await expect(desk.tab.page.get_by_text(secret)).to_have_count(0)


async def test_a_secret_is_retired_by_who_knows_what_he_does(desk: Desk) -> None:
    """One that nobody uses at once, the last that works only by force."""
    await desk.idp.add_client("billing")
    await desk.idp.secret_commands().add("billing", "pipeline")
    await desk.sign_in("/clients/billing/secrets")
    row = desk.tab.page.get_by_role("row").filter(has_text="pipeline")
    await expect(row).to_contain_text("safe to retire")
    await row.get_by_role("button").click()
    await desk.button("Retire").click()
    await desk.told("The secret pipeline has ended.")
    await expect(row).to_have_count(0)
    await desk.tab.page.get_by_role("row").get_by_role("button").click()
    await expect(desk.button("Retire")).to_be_disabled()
    await desk.field("End it all the same").check()
    await desk.button("Retire").click()
    await expect(desk.tab.page.get_by_text("It has no secret.")).to_be_visible()


async def test_scopes_and_resources(desk: Desk) -> None:
    """Made, changed, and deleted by name."""
    await desk.sign_in("/new-resource")
    await desk.field("Identifier").fill("https://api.example")
    await desk.button("Register the API").click()
    await desk.tab.until_title("https://api.example")
    await desk.field("Lifetime of its tokens at most, in seconds").fill("300")
    await desk.button("Save").click()
    await desk.told("https://api.example is saved.")
    await desk.open("/new-scope", "New scope")
    await desk.field("Name").fill("api.read")
    await desk.button("Add resource").click()
    await desk.tab.page.keyboard.type("https://api.example")
    await desk.button("Create the scope").click()
    await desk.tab.until_title("api.read")
    await desk.open("/resources/https%3A%2F%2Fapi.example", "https://api.example")
    await expect(desk.tab.page.get_by_text("5 minutes")).to_be_visible()
    for path, name in (
        ("/resources/https%3A%2F%2Fapi.example", "https://api.example"),
        ("/scopes/api.read", "api.read"),
    ):
        await desk.open(path, name)
        await desk.button("Delete ...").click()
        await desk.field(f"Type {name} to confirm").fill(name)
        await desk.button("Delete for good").click()
        await expect(desk.dialog).to_be_hidden()
    await expect(desk.link("api.read")).to_be_hidden()


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
async def test_keys_are_rotated_and_revoked(desk: Desk) -> None:
    """The next one now; a lost one at once, once its name was typed."""
    await desk.sign_in("/keys")
    await desk.button("Make the next key now for ES256").click()
    await desk.told("is published, and signs in")
    group = desk.tab.page.get_by_role("table", name="Keys for ES256")
    await expect(group.get_by_text("published", exact=True)).to_be_visible()
    active = group.get_by_role("row").filter(has_text="active")
    kid = await active.locator("code").inner_text()
    await active.get_by_role("button").click()
    await expect(desk.dialog).to_contain_text("It is the one in use")
    await desk.field(f"Type {kid} to confirm").fill(kid)
    await desk.button("Revoke at once").click()
    await desk.told("has taken over")
    await expect(group.get_by_text(kid)).to_have_count(0)
    ring = await load_key_ring(desk.idp.installation.store)
    assert ring is not None
    assert kid in ring.revoked


async def test_people_their_roles_and_sessions(desk: Desk) -> None:
    """Granted, taken back, signed out, disabled; all of it in the audit, before and after."""
    profile = {"name": "Bob Example"}
    await add_person(desk.idp, "bob@example.com", BOB, roles=(), profile=profile)
    await desk.sign_in("/users")
    await desk.link("Bob Example").click()
    await desk.field("Another role").fill("staff")
    await desk.button("Grant").click()
    await desk.told("The role staff is granted.")
    await desk.button("Take back staff").click()
    await desk.told("The role staff is taken back")
    await desk.button("End all sessions").click()
    await desk.told("All sessions have ended.")
    await desk.button("Disable").click()
    await desk.told("The account is disabled.")
    bob = await users_in(desk.idp.installation.store).get(BOB)
    assert bob is not None
    assert (bob.enabled, bob.roles) == (False, ())
    await desk.link("Audit").click()
    await desk.field("Of which one").fill(BOB)
    entry = desk.tab.page.get_by_role("listitem").filter(has_text="Disable user")
    await entry.get_by_text("What it changed").click()
    await expect(entry.get_by_role("row").filter(has_text="Enabled")).to_contain_text("yes")
    await expect(desk.tab.page).to_have_url(re.compile(f"key={BOB}"))


async def test_the_overview_says_what_needs_somebody(desk: Desk) -> None:
    """Counts that lead to lists, and a client that fails, with the reason."""
    await desk.idp.add_client("billing", display_name="Billing")
    await desk.idp.grant("billing", "wrong")
    await desk.sign_in("/")
    failing = desk.tab.page.get_by_role("region", name="Failing clients")
    await expect(failing).to_contain_text("billing")
    await expect(failing).to_contain_text("invalid_client")
    await desk.tab.page.get_by_role("link", name="1 Client Credentials").click()
    await desk.tab.until_title("Clients")
    await expect(desk.field("Flow")).to_have_value("client_credentials")
    await expect(desk.link("Billing")).to_be_visible()
    await desk.field("Name or id").fill("nobody")
    await expect(desk.tab.page.get_by_text("No client is like that.")).to_be_visible()


async def test_by_keyboard_alone(desk: Desk) -> None:
    """Skipping, going, and where the focus is then; a dialog keeps it and gives it back."""
    keys = desk.tab.page.keyboard
    await desk.idp.add_client("billing", display_name="Billing")
    await desk.sign_in("/clients")
    await desk.link("Billing").wait_for()
    await keys.press("Tab")
    await expect(desk.link("Skip to the page")).to_be_focused()
    await keys.press("Enter")
    await expect(desk.tab.page.get_by_role("main")).to_be_focused()
    await desk.link("Billing").focus()
    await keys.press("Enter")
    await expect(desk.tab.page.get_by_role("heading", level=1, name="Billing")).to_be_focused()
    await desk.button("Delete ...").focus()
    await keys.press("Enter")
    await expect(desk.field("Type Billing to confirm")).to_be_focused()
    for _ in range(6):
        await keys.press("Tab")
        inside = (
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
        assert await desk.tab.page.evaluate(inside)
    await keys.press("Escape")
    await expect(desk.button("Delete ...")).to_be_focused()
