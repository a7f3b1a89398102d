"""Our forms are sent from our pages only (RFC 9700 §4.7)."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from ...errors import InvalidRequest

_OWN_SITES = frozenset({"same-origin"})


class OriginCheck:
    """What browsers say about where a form comes from, beside the token in the form.

    Pages that say ``no-referrer`` send ``Origin: null`` (Fetch §3.1), so that alone proves nothing.
    """

    def __init__(self, issuer: str) -> None:
        url = urlsplit(issuer)
        self._origin = f"{url.scheme}://{url.netloc}".lower()

    def check(self, request: web.Request) -> None:
        """Raises InvalidRequest (403) for a form of another site."""
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        origin = request.headers.get("Origin", "null").lower()
        if site not in _OWN_SITES or origin not in ("null", self._origin):
            raise InvalidRequest("The form was sent from another site.", status=403)
