"""An administrator at the console, in a real browser, before a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Locator, Request, expect

from tests.api.console import add_person
from tests.chromium import Tab, chromium
from tests.conftest import StartIdp
from tests.idp import Idp
from tests.interaction.conftest import EMAIL, PASSWORD

# Whatever a page does against its policy becomes an error of its console, which Tab keeps.
_TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""
_OF_A_STATUS = "Failed to load resource: the server responded with a status of"
_OF_A_DEAD_SERVER = "Failed to load resource: net::"


@dataclass
class Desk:
    """The console in a tab, and the server behind it."""

    tab: Tab
    idp: Idp
    asked: set[str] = field(default_factory=set)

    @property
    def origin(self) -> str:
        """Where browsers find the server."""
        return f"http://localhost:{self.idp.port}"

    def note(self, request: Request) -> None:
        """Every host that a page asks for something."""
        self.asked.add(urlsplit(request.url).netloc)

    async def open(self, path: str = "/", heading: str | None = None) -> None:
        """Goes to a page of the console."""
        await self.tab.open(f"{self.origin}/console{path}")
        if heading is not None:
            await self.tab.until_title(heading)

    async def sign_in(self, path: str = "/", *, email: str = EMAIL) -> None:
        """Through the login page, to a page of the console."""
        await self.open(path)
        await self.link("Sign in").click()
        await self.tab.sign_in(email, PASSWORD)

    def button(self, name: str, *, exact: bool = True) -> Locator:
        """The button of this name, in front of the page if a dialog is open."""
        return self._front().get_by_role("button", name=name, exact=exact)

    def link(self, name: str) -> Locator:
        """The link of this name."""
        return self.tab.page.get_by_role("link", name=name, exact=True)

    def field(self, label: str) -> Locator:
        """The control with this label."""
        return self._front().get_by_label(label, exact=True)

    @property
    def dialog(self) -> Locator:
        """What stands before the page."""
        return self.tab.page.get_by_role("dialog")

    async def told(self, text: str) -> None:
        """Waits for a notice that says so."""
        notice = self.tab.page.locator(".notices").get_by_text(text)
        await expect(notice.first).to_be_visible()

    def _front(self) -> Locator:
        return self.tab.page.locator("dialog[open], body:not(:has(dialog[open]))")

    @property
    def faults(self) -> list[str]:
        """What the browser complained about, statuses of the server apart."""
        expected = (_OF_A_STATUS, _OF_A_DEAD_SERVER)
        return [text for text in self.tab.problems if not text.startswith(expected)]


OpenDesk = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def open_desk(start_idp: StartIdp) -> AsyncIterator[OpenDesk]:
    """Ann, who is an administrator, at a server with these settings.

    Nothing that she does may break the policy of the page, or ask any other host.
    """
    desks: list[Desk] = []
    async with chromium() as tab:
        await tab.page.add_init_script(_TELL_VIOLATIONS)

        async def open_(**settings: Any) -> Desk:
            idp = await start_idp(**{"issuer": "http://localhost:8080"} | settings)
            await add_person(idp, profile={"name": "Ann Example"})
            desk = Desk(tab, idp)
            tab.page.on("request", desk.note)
            desks.append(desk)
            return desk

        yield open_
        for desk in desks:
            assert desk.faults == []
            assert {host for host in desk.asked if host} <= {f"localhost:{desk.idp.port}"}


@pytest.fixture
async def desk(open_desk: OpenDesk) -> Desk:
    """The same, with the default settings."""
    return await open_desk()
