"""A-AZ-03: text that would be markup, in every field: it is shown as it is, and does nothing."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Dialog, expect

from apogee_idp.stores.repositories import clients_in
from tests.api.console import add_person

from .conftest import Desk

CORPUS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "'-alert(1)-'",
    "javascript:alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "</title><iframe srcdoc='<script>alert(1)</script>'>",
    "<a href=javascript:alert(1)>x</a>",
    "&lt;b&gt;&#x3c;i&#x3e;",
)
ANSWERED = "path => document.querySelector('.problem') || location.pathname !== path"


@pytest.fixture
async def watched(desk: Desk) -> Desk:
    """Whatever would open a dialog of the browser's own fails the test."""

    async def refuse(dialog: Dialog) -> None:
        desk.tab.problems.append(f"a dialog: {dialog.message}")
        await dialog.dismiss()

    desk.tab.page.on("dialog", refuse)
    return desk


async def open_everything(desk: Desk) -> None:
    """Every part of the page that is folded, and a row of every list that takes more."""
    await desk.tab.page.get_by_role("heading", level=1).wait_for()
    await expect(desk.tab.page.get_by_text("Loading ...")).to_have_count(0)
    await desk.tab.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    for button in await desk.tab.page.get_by_role("button", name="Add ").all():
        await button.click()


async def type_everywhere(desk: Desk, text: str) -> None:
    """Into every field of the page that takes text."""
    fields = "input[type=text]:not([readonly]), input[type=search], textarea"
    for field in await desk.tab.page.locator(fields).all():
        await field.fill(text)


@pytest.mark.parametrize(
    "path",
    ["/new-client", "/clients/app", "/new-scope", "/new-resource", "/clients", "/users", "/audit"],
)
async def test_A_AZ_03_markup_in_every_field(watched: Desk, path: str) -> None:
    """Typed, complained about, and searched for."""
    await watched.idp.add_client(
        "app", flow_type="authorization_code", redirect_uris=("https://app.example/",)
    )
    await watched.sign_in(path)
    await open_everything(watched)
    for text in CORPUS:
        await type_everywhere(watched, text)
        save = watched.tab.page.locator("form button[type=submit]").last
        if await save.count():
            await save.click()
            await watched.tab.page.wait_for_function(ANSWERED, arg=f"/console{path}")
        if urlsplit(watched.tab.page.url).path != f"/console{path}":  # it was taken as it is
            await watched.open(path)
            await open_everything(watched)
    await expect(watched.tab.page.locator("main script, main img, main iframe")).to_have_count(0)


async def test_A_AZ_03_markup_in_every_thing_that_is_told(watched: Desk) -> None:
    """Names of clients, scopes and people, in lists, headings, notices, dialogs and the audit."""
    hostile = " ".join(CORPUS[:3])
    await watched.idp.add_client("billing", display_name=hostile, roles=("<b>",))
    subject = "usr_" + "B" * 22
    await add_person(watched.idp, "bob@example.com", subject, profile={"name": hostile})
    await watched.sign_in("/clients")
    await watched.link(hostile).click()
    await watched.tab.until_title(hostile)
    await watched.button("Delete ...").click()
    await expect(watched.dialog).to_contain_text(f"Delete {hostile}?")
    await watched.button("Cancel").click()
    await watched.field("Default audience").fill("https://other.example")
    await watched.button("Save").click()
    await watched.told(f"{hostile} is saved.")
    await watched.open(f"/users/{subject}", hostile)
    await watched.open("/audit?key=billing", "Audit")
    await watched.tab.page.get_by_text("What it changed").first.click()
    await expect(watched.tab.page.get_by_text("https://other.example").first).to_be_visible()
    await expect(watched.tab.page.locator("main script, main img, main svg")).to_have_count(0)
    assert await clients_in(watched.idp.installation.store).get("billing") is not None
