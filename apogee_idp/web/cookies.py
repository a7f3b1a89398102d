"""The two cookies: one says who is signed in, the other which browser this is."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from aiohttp import web

from ..browser_secrets import is_value
from ..errors import InvalidRequest

CookieName = Literal["session", "browser"]


class Cookies:
    """Random values for this host alone: no script, no other site and no page sees them.

    The prefix ``__Host-`` binds them to https, which browsers enforce; where the issuer is http,
    which is a developer's own machine, they have no prefix.
    """

    def __init__(self, issuer: str) -> None:
        self._is_secure = urlsplit(issuer).scheme == "https"

    def read(self, request: web.Request, name: CookieName) -> str | None:
        """The value, if it has the form of one of ours; raises InvalidRequest if there are two.

        Read by hand: libraries choose one of two, and other programs another.
        """
        wanted = self.full_name(name)
        pairs = (
            pair.strip(" \t").partition("=")
            for header in request.headers.getall("Cookie", [])
            for pair in header.split(";")
        )
        values = [value for found, _, value in pairs if found == wanted]
        if len(values) > 1:
            raise InvalidRequest("A cookie is there twice.")
        return values[0] if values and is_value(values[0]) else None

    def write(self, response: web.StreamResponse, name: CookieName, value: str) -> None:
        """Until the browser is closed; how long it counts, the server decides."""
        response.set_cookie(
            self.full_name(name),
            value,
            path="/",
            secure=self._is_secure,
            httponly=True,
            samesite="Lax",
        )

    def clear(self, response: web.StreamResponse, name: CookieName) -> None:
        """Takes it from the browser."""
        response.del_cookie(
            self.full_name(name),
            path="/",
            secure=self._is_secure,
            httponly=True,
            samesite="Lax",
        )

    def full_name(self, name: CookieName) -> str:
        """How the browser knows it."""
        return f"__Host-apogee_{name}" if self._is_secure else f"apogee_{name}"
