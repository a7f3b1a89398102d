"""Chromium, driven by its own protocol: for what only a real browser decides."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

_PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
_SECONDS = 20.0
_OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0")


class Tab:
    """One page; what it logs as errors is kept in ``problems``."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._count = 0
        self.problems: list[str] = []

    async def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer of the browser."""
        self._count += 1
        await self._socket.send_json({"id": self._count, "method": method, "params": parameters})
        while True:
            told = json.loads((await self._socket.receive(_SECONDS)).data)
            if told.get("id") == self._count:
                assert "error" not in told, told
                return dict(told["result"])
            if told["method"] == "Log.entryAdded":
                self.problems.append(told["params"]["entry"]["text"])

    async def open(self, url: str) -> None:
        """Goes there."""
        await self.command("Page.navigate", url=url)

    async def evaluate(self, script: str) -> Any:
        """What ``script`` comes to, or None while the page is being left."""
        told = await self.command("Runtime.evaluate", expression=script, returnByValue=True)
        return told["result"].get("value")

    async def until(self, script: str) -> None:
        """Waits until ``script`` is true."""
        give_up = asyncio.get_running_loop().time() + _SECONDS
        while await self.evaluate(script) is not True:
            if asyncio.get_running_loop().time() > give_up:
                shown = await self.evaluate("location.href + ' ' + document.body.innerText")
                raise AssertionError(f"never came: {script}; instead {shown}; {self.problems}")
            await asyncio.sleep(0.05)

    async def until_title(self, title: str) -> None:
        """Waits for the page with this heading."""
        await self.until(
            f"document.readyState === 'complete'"
            f" && document.querySelector('h1')?.textContent === {json.dumps(title)}"
        )

    async def fill(self, **fields: str) -> None:
        """Types into fields, by their names."""
        for name, value in fields.items():
            await self.evaluate(
                f"document.querySelector('[name={name}]').value = {json.dumps(value)}"
            )

    async def press(self, action: str) -> None:
        """Presses the button."""
        await self.evaluate(f"document.querySelector('button[value={action}]').click()")


@asynccontextmanager
async def chromium() -> AsyncIterator[Tab]:
    """A browser of its own, without any past, with one tab.

    Without Chromium the test is skipped; with ``REQUIRE_BROWSER=1`` it fails.
    """
    if _PROGRAM is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail("REQUIRE_BROWSER=1, and there is no chromium")
        pytest.skip("NO BROWSER: install chromium to run this test")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        process = await asyncio.create_subprocess_exec(
            *(_PROGRAM, *_OPTIONS, f"--user-data-dir={home}", "about:blank"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with aiohttp.ClientSession() as session, _tab(session, Path(home)) as tab:
                yield tab
        finally:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def _tab(session: aiohttp.ClientSession, home: Path) -> AsyncIterator[Tab]:
    port = await _port(home / "DevToolsActivePort")
    async with session.get(f"http://127.0.0.1:{port}/json") as answer:
        (page,) = [target for target in await answer.json() if target["type"] == "page"]
    async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
        tab = Tab(socket)
        for domain in ("Page", "Runtime", "Log"):
            await tab.command(f"{domain}.enable")
        yield tab


async def _port(file: Path) -> int:
    async with asyncio.timeout(_SECONDS):
        while not (file.exists() and file.read_text()):
            await asyncio.sleep(0.05)
    return int(file.read_text().splitlines()[0])
