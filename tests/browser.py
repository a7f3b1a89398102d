"""A browser small enough to be read: cookies, redirects that it is asked to follow, and forms."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from .idp import FORM, Answer, Idp

_FIELD = re.compile(r'<input[^>]*?name="([^"]*)"[^>]*>')
_VALUE = re.compile(r'value="([^"]*)"')


@dataclass
class Browser:
    """One browser at one server; it keeps cookies as their ``Set-Cookie`` says.

    ``source`` is the address that a proxy names, if there is one before the server.
    """

    idp: Idp
    cookies: dict[str, str] = field(default_factory=dict)
    set_cookies: list[str] = field(default_factory=list)
    source: str = ""

    async def get(self, url: str, **headers: str) -> Page:
        """Opens an address of the server."""
        return await self._send("GET", url, headers)

    async def post(self, url: str, fields: dict[str, str] | str, **headers: str) -> Page:
        """Sends a form."""
        body = fields if isinstance(fields, str) else urlencode(fields)
        headers = {"Content-Type": FORM, "Sec-Fetch-Site": "same-origin", "Origin": "null"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return await self._send("POST", url, headers, data=body)

    async def follow(self, page: Page) -> Page:
        """Follows redirects as long as they lead to the server itself."""
        for _ in range(10):
            if not page.location.startswith("/"):
                return page
            assert page.status == 303
            page = await self.get(page.location)
        raise AssertionError(f"round in circles at {page.url}")

    def twin(self) -> Self:
        """Another tab's requests that are under way at once: the same cookies."""
        return type(self)(self.idp, dict(self.cookies), source=self.source)

    async def _send(self, method: str, url: str, headers: dict[str, str], **options: Any) -> Page:
        if self.cookies:
            headers = {"Cookie": "; ".join(f"{n}={v}" for n, v in self.cookies.items())} | headers
        if self.source:
            headers = {"X-Forwarded-For": self.source} | headers
        answer = await self.idp.send(
            method, url, headers={"Accept": "text/html"} | headers, allow_redirects=False, **options
        )
        # CIMultiDict has all of them; the Mapping that Answer promises has getall as well.
        self.set_cookies = answer.headers.getall("Set-Cookie", [])  # type: ignore[attr-defined]
        for cookie in self.set_cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies.pop(name, None)
            if "Max-Age=0" not in cookie:
                self.cookies[name] = value
        return Page(self, url, answer)


@dataclass
class Page:
    """What a browser shows."""

    browser: Browser
    url: str
    answer: Answer

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def text(self) -> str:
        return self.answer.body.decode()

    @property
    def location(self) -> str:
        return self.answer.headers.get("Location", "")

    @property
    def parameters(self) -> dict[str, str]:
        """Those that the browser takes along to the client."""
        query = urlsplit(self.location).query
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    @property
    def title(self) -> str:
        match = re.search("<h1>(.*?)</h1>", self.text)
        assert match is not None, self.text
        return html.unescape(match[1])

    @property
    def fields(self) -> dict[str, str]:
        """The fields of the form, as they stand; boxes are checked."""
        found = {}
        for tag in _FIELD.finditer(self.text):
            value = _VALUE.search(tag[0])
            found[html.unescape(tag[1])] = html.unescape(value[1]) if value else ""
        return found

    @property
    def action(self) -> str:
        match = re.search('<form method="post" action="([^"]*)"', self.text)
        assert match is not None, self.text
        return html.unescape(match[1])

    async def submit(self, **fields: str) -> Page:
        """Sends the form, with these fields changed; those that are ``""`` are left out."""
        whole = self.fields | fields
        return await self.browser.post(self.action, {n: v for n, v in whole.items() if v})

    async def sign_in(self, email: str, password: str) -> Page:
        """Sends the login page."""
        return await self.submit(email=email, password=password, action="sign_in")

    async def allow(self, *, remember: bool = True) -> Page:
        """Sends the consent page."""
        return await self.submit(action="approve", remember="yes" if remember else "")
