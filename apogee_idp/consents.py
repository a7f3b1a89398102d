"""What people have allowed clients, and wanted to be remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

from .browser_secrets import key_of
from .errors import AlreadyExists, Conflict, UnreadableDocument
from .model import Client
from .stores.base import Collection, Stored
from .stores.members import texts, whole

_ATTEMPTS = 3


class Consents:
    """Scopes by user and client; ``now`` gives Unix seconds."""

    __slots__ = ("_consents", "_now")

    def __init__(self, consents: Collection, *, now: Callable[[], int]) -> None:
        self._consents = consents
        self._now = now

    async def of(self, subject: str, client: Client) -> frozenset[str] | None:
        """The scopes that are remembered, or None for no consent; raises StoreUnavailable.

        What was allowed to a client that had the same id before is none.
        """
        stored = await self._consents.get(_key(subject, client.client_id))
        is_known = stored is not None and _given_at(stored) >= client.created_at
        return _scopes(stored) if stored is not None and is_known else None

    async def remember(self, subject: str, client: Client, scopes: Iterable[str]) -> None:
        """Adds ``scopes`` to what is remembered; raises StoreUnavailable.

        When several do so at once, one of them may not be remembered: she is asked again.
        """
        key = _key(subject, client.client_id)
        for _ in range(_ATTEMPTS):
            stored = await self._consents.get(key)
            known = await self.of(subject, client) or frozenset()
            document = {
                "subject": subject,
                "client_id": client.client_id,
                "scopes": sorted(known.union(scopes)),
                "given_at": self._now(),
            }
            with suppress(AlreadyExists, Conflict):
                if stored is None:
                    await self._consents.insert(key, document)
                else:
                    await self._consents.replace(key, document, version=stored.version)
                return


def _scopes(stored: Stored) -> frozenset[str]:
    try:
        return frozenset(texts(stored.document["scopes"]))
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableDocument("a consent can't be read") from error


def _given_at(stored: Stored) -> int:
    try:
        return whole(stored.document["given_at"])
    except (TypeError, KeyError) as error:
        raise UnreadableDocument("a consent can't be read") from error


def _key(subject: str, client_id: str) -> str:
    """Neither has a line break."""
    return key_of(f"{subject}\n{client_id}")
