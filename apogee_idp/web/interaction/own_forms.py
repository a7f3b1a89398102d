"""Our forms come from our pages only, from the browser they were made for (RFC 9700 §4.7)."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from ...browser_secrets import is_proof, proof
from ...errors import InvalidRequest
from ...settings import Settings
from .parsing import form_of, read_parameters


class OwnForms:
    """Reads what is sent to a page, if one of its own forms was sent."""

    def __init__(self, settings: Settings) -> None:
        url = urlsplit(settings.issuer)
        self._origin = f"{url.scheme}://{url.netloc}".lower()
        self._timeout = settings.request_timeout

    async def read(self, request: web.Request, secret: str, handle: str) -> dict[str, str]:
        """The fields of a form that was made with the same ``secret`` and ``handle``.

        Raises InvalidRequest, with 403 for a form that isn't this browser's.
        """
        self._check_origin(request)
        form = form_of(await read_parameters(request, timeout=self._timeout))
        if not is_proof(form.get("token", ""), secret, "form", handle):
            raise InvalidRequest("The form is not one of this browser.", status=403)
        return form

    def _check_origin(self, request: web.Request) -> None:
        """What browsers say of it, beside the token in the form.

        Pages that say ``no-referrer`` send ``Origin: null`` (Fetch §3.1), so that proves nothing.
        """
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        origin = request.headers.get("Origin", "null").lower()
        if site != "same-origin" or origin not in ("null", self._origin):
            raise InvalidRequest("The form was sent from another site.", status=403)


def form_token(secret: str, handle: str) -> str:
    """What a form has to carry: nobody makes it without this browser's ``secret``."""
    return proof(secret, "form", handle)
