"""Every page, on a phone and on a desk, in light and in dark: readable, and usable by everybody."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.async_api import expect

from tests.api.console import add_person

from .conftest import Desk

PHONE, WIDE = 360, 1280
PAGES = {
    "overview": ("/", "Overview"),
    "clients": ("/clients", "Clients"),
    "new-client": ("/new-client", "New client"),
    "client": ("/clients/billing", "Billing service"),
    "application": ("/clients/shop", "The shop"),
    "configured": ("/clients/ledger", "Ledger"),
    "secrets": ("/clients/billing/secrets", "Billing service"),
    "preview": ("/clients/billing/preview", "Billing service"),
    "scopes": ("/scopes", "Scopes"),
    "scope": ("/scopes/invoices.read", "invoices.read"),
    "new-scope": ("/new-scope", "New scope"),
    "resources": ("/resources", "Resources"),
    "resource": ("/resources/https%3A%2F%2Fbilling.example", "https://billing.example"),
    "new-resource": ("/new-resource", "New resource"),
    "keys": ("/keys", "Keys"),
    "users": ("/users", "Users"),
    "user": ("/users/usr_BBBBBBBBBBBBBBBBBBBBBB", "Bob Example"),
    "audit": ("/audit", "Audit"),
    "nothing": ("/nothing", "There is no such page"),
}
SCHEMES: dict[Literal["light", "dark"], tuple[str, ...]] = {
    "light": (),
    "dark": ("color-contrast",),
}
"""By which rules of axe-core a page is tested in each; none means all."""


@pytest.fixture
async def furnished(desk: Desk) -> Desk:
    """A server with something of everything."""
    idp = desk.idp
    secret = await idp.add_client(
        "billing",
        display_name="Billing service",
        scopes=("invoices.read", "stock.read"),
        endpoints=("introspection",),
    )
    await idp.grant("billing", secret, scope="invoices.read")
    await idp.grant("billing", secret, scope="unknown")
    await idp.secret_commands().add("billing", "the old pipeline")
    await idp.add_client(
        "shop",
        display_name="The shop",
        flow_type="authorization_code",
        client_type="public",
        application_type="spa",
        redirect_uris=("https://shop.example/callback", "https://shop.example/silent"),
        scopes=("stock.read",),
    )
    await idp.add_client("ledger", display_name="Ledger", skip_token_encryption=True)
    await idp.change_client("ledger", is_configured=True)
    await idp.add_client("retired", display_name="A service that was retired", enabled=False)
    profile = {"name": "Bob Example"}
    subject = "usr_" + "B" * 22
    await add_person(idp, "bob@example.com", subject, roles=("staff",), profile=profile)
    await desk.sign_in("/new-resource")
    await desk.field("Identifier").fill("https://billing.example")
    await desk.field("Display name").fill("The billing API")
    await desk.button("Register the API").click()
    await desk.tab.until_title("https://billing.example")
    return desk


async def settled(desk: Desk, path: str, heading: str) -> None:
    """Nothing is on its way any more."""
    await desk.open(path, heading)
    await expect(desk.tab.page.get_by_text("Loading ...")).to_have_count(0)


async def test_pages_are_readable(furnished: Desk) -> None:
    """WCAG 2.2 §1.4.10 on a phone, and whatever axe-core finds serious, on both.

    In the dark, colours alone are others.
    """
    page = furnished.tab.page
    for name, (path, heading) in PAGES.items():
        await settled(furnished, path, heading)
        for scheme, rules in SCHEMES.items():
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for width in (WIDE, PHONE):
                await page.set_viewport_size({"width": width, "height": 800})
                await furnished.tab.keep(f"console-{name}-{width}-{scheme}")
                assert await page.evaluate("document.documentElement.scrollWidth") <= width, name
                assert await furnished.tab.faults(*rules) == [], (name, width, scheme)
