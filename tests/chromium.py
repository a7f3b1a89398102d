"""Chromium, for what only a real browser decides."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import ConsoleMessage, Page, async_playwright, expect

_PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
_PACKAGES = Path(__file__).parent / "javascript" / "node_modules"
_SCREENSHOTS = Path(__file__).parent.parent / "build" / "screenshots"
# The whole of what axe-core has to say would take longer to bring here than to find.
_FIND_FAULTS = """async (rules) => {
  const told = {resultTypes: ["violations"], ...(rules.length ? {runOnly: rules} : {})};
  return (await axe.run(told)).violations
    .filter(({impact}) => ["serious", "critical"].includes(impact))
    .map(({id, nodes}) => `${id}: ${nodes.map(({html}) => html)}`);
}"""


@dataclass
class Tab:
    """One page; what it logs as errors is kept in ``problems``."""

    page: Page
    problems: list[str] = field(default_factory=list)

    def note(self, told: ConsoleMessage) -> None:
        """Browsers ask for an icon everywhere, and complain where there is none."""
        if told.type == "error" and not told.location["url"].endswith("/favicon.ico"):
            self.problems.append(told.text)

    async def open(self, url: str) -> None:
        """Goes there."""
        await self.page.goto(url)

    async def until_title(self, title: str) -> None:
        """Waits for the page with this heading."""
        await expect(self.page.get_by_role("heading", level=1, name=title)).to_be_visible()

    async def fill(self, **fields: str) -> None:
        """Types into fields, by their names."""
        for name, value in fields.items():
            await self.page.fill(f"[name={name}]", value)

    async def press(self, action: str) -> None:
        """Presses the button."""
        await self.page.click(f"button[value={action}]")

    async def sign_in(self, email: str, password: str) -> None:
        """Waits for the login page, and sends it."""
        await self.until_title("Sign in")
        await self.fill(email=email, password=password)
        await self.press("sign_in")

    async def faults(self, *rules: str) -> list[str]:
        """What axe-core finds serious, or worse, by these rules or all of them."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(package("axe-core/axe.min.js"))
        found: list[str] = await self.page.evaluate(_FIND_FAULTS, rules)
        return found

    async def keep(self, name: str) -> None:
        """A screenshot for people, ``build/screenshots/<name>.png``."""
        await asyncio.to_thread(_SCREENSHOTS.mkdir, parents=True, exist_ok=True)
        await self.page.screenshot(path=_SCREENSHOTS / f"{name}.png", full_page=True)


def package(path: str) -> str:
    """The script ``path`` of an npm package, which ``tests/javascript`` locks."""
    file = _PACKAGES / path
    if not file.exists():
        do_without("run `npm ci --ignore-scripts` in tests/javascript")
    return file.read_text(encoding="utf-8")


@asynccontextmanager
async def chromium() -> AsyncIterator[Tab]:
    """A browser of its own, without any past, with one tab.

    Without Chromium the test is skipped; with ``REQUIRE_BROWSER=1`` it fails.
    """
    if _PROGRAM is None:
        do_without("install chromium")
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=_PROGRAM,
            args=["--no-sandbox"],
            # People's browsers keep pages to go back to.
            ignore_default_args=["--disable-back-forward-cache"],
        )
        try:
            context = await browser.new_context()
            tab = Tab(await context.new_page())
            tab.page.on("console", tab.note)
            tab.page.on("pageerror", lambda error: tab.problems.append(str(error)))
            yield tab
        finally:
            await browser.close()


@asynccontextmanager
async def another_site(app: web.Application) -> AsyncIterator[str]:
    """The address of a client's own server, which logs nothing: codes come to it in addresses."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def do_without(remedy: str) -> None:
    """Skips the test, and says how it would run; with ``REQUIRE_BROWSER=1`` it fails."""
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(f"REQUIRE_BROWSER=1: {remedy}")
    pytest.skip(f"NO BROWSER TEST: {remedy}")
