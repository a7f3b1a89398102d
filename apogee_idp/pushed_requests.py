"""Authorization requests that clients have pushed (RFC 9126), each good for one code."""

from __future__ import annotations

import json
from collections.abc import Callable

from .browser_secrets import is_value, key_of, new_value
from .errors import UnreadableDocument
from .interactions import INTERACTION_SECONDS, Parameters
from .stores.base import Collection, Stored
from .stores.members import text, whole

REQUEST_URI_PREFIX = "urn:ietf:params:oauth:request_uri:"
PUSHED_SECONDS = 60
"""So long a browser may take to come with the request_uri (RFC 9126 §2.2: 5 to 600 seconds)."""


class PushedRequests:
    """Pushed requests by their ``request_uri``, of which the store has the SHA-256 alone.

    Whoever has come in time may take as long over the pages as others may; what ends a request is
    the code that it leads to, not the first visit. ``now`` gives Unix seconds. Every method that
    waits raises StoreUnavailable.
    """

    __slots__ = ("_now", "_requests")

    def __init__(self, requests: Collection, *, now: Callable[[], int]) -> None:
        self._requests = requests
        self._now = now

    @staticmethod
    def new_uri() -> str:
        """A ``request_uri`` of 256 random bits (RFC 9126 §7.1)."""
        return REQUEST_URI_PREFIX + new_value()

    async def keep(self, request_uri: str, client_id: str, parameters: Parameters) -> int:
        """Keeps what ``client_id`` has pushed; the seconds for which it can be visited."""
        usable_until = self._now() + PUSHED_SECONDS
        document = {
            "client_id": client_id,
            "parameters": json.dumps(parameters),
            "usable_until": usable_until,
        }
        key = _key(request_uri)
        expires_at = usable_until + INTERACTION_SECONDS
        await self._requests.insert(key, document, expires_at=expires_at)
        return PUSHED_SECONDS

    async def find(self, request_uri: str, client_id: str) -> Parameters | None:
        """What this client has pushed under it, unless that is too long ago or was used."""
        if not is_value(request_uri.removeprefix(REQUEST_URI_PREFIX)):
            return None
        stored = await self._requests.get(_key(request_uri))
        if stored is None:
            return None
        owner, parameters, usable_until = _read(stored)
        is_usable = owner == client_id and self._now() < usable_until
        return parameters if is_usable else None

    async def take(self, request_uri: str) -> bool:
        """Ends it: of any number of callers, one at most is told that it was there."""
        return await self._requests.take(_key(request_uri)) is not None


def is_pushed(request_uri: str) -> bool:
    """Whether ``request_uri`` claims to be one of those."""
    return request_uri.startswith(REQUEST_URI_PREFIX)


def _key(request_uri: str) -> str:
    """Apart from the interactions, which have the same collection."""
    return "pushed:" + key_of(request_uri)


def _read(stored: Stored) -> tuple[str, Parameters, int]:
    document = stored.document
    try:
        pairs = json.loads(document["parameters"])
        parameters = tuple((text(name), text(value)) for name, value in pairs)
        return text(document["client_id"]), parameters, whole(document["usable_until"])
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableDocument("a pushed request can't be read") from error
