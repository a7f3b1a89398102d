"""``/console/sign-in``: to the login page, and back to where in the console somebody wanted to be.

Only ever to an address below ``/console``: whoever sends somebody here sends her nowhere else.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from aiohttp import web

from ...errors import OAuthError
from ...services import Services
from .account_sign_in import AccountSignIn
from .destinations import see_other
from .people import People
from .plain_pages import PlainPages

_PLACE = re.compile(r"/[A-Za-z0-9._~%!$&'()*+,;=:@/-]*(\?[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*)?")
_UPWARDS = frozenset({".", ".."})
_MAXIMUM_CHARACTERS = 1000


class ConsoleSignInEndpoint:
    """Who is signed in already goes there at once, unless she wants to sign in ``again``."""

    def __init__(self, services: Services, people: People) -> None:
        self._people = people
        self._sign_in = AccountSignIn(services, people)

    async def handle(self, request: web.Request) -> web.Response:
        """Raises StoreUnavailable: a page says so, and one can try again."""
        try:
            place = place_in_console(request.query.getall("to", []))
            if "again" not in request.query and await self._people.session(request) is not None:
                return see_other(self._sign_in.console + place)
            secret = self._people.secret(request)
            return await self._sign_in.ask_for_console(request, secret, place)
        except OAuthError as error:
            return PlainPages.refused(request, error)


def place_in_console(given: list[str]) -> str:
    """The one path and query below the console that is ``given``; the console itself for others.

    No segment of it leads upwards, not even for who decodes it once more.
    """
    place = given[0] if len(given) == 1 else ""
    if len(place) > _MAXIMUM_CHARACTERS or not _PLACE.fullmatch(place):
        return ""
    segments = unquote(place.partition("?")[0]).split("/")
    return place if _UPWARDS.isdisjoint(segments) else ""
