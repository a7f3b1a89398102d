"""What people have allowed clients, and wanted to be remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

from .errors import AlreadyExists, Conflict, UnreadableDocument
from .model import Client
from .stores.base import Collection, Stored
from .stores.listing import keys_with
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
        return _remembered(await self._consents.get(_key(subject, client.client_id)), client)

    async def clients_of(self, subject: str) -> list[str]:
        """Whom she has allowed something; raises StoreUnavailable."""
        return await keys_with(self._consents, _key(subject, ""))

    async def forget(self, subject: str, client_id: str) -> None:
        """From now on she is asked again; raises StoreUnavailable."""
        await self._consents.delete(_key(subject, client_id))

    async def remember(self, subject: str, client: Client, scopes: Iterable[str]) -> None:
        """Adds ``scopes`` to what is remembered; raises StoreUnavailable.

        When several do so at once, one of them may not be remembered: she is asked again.
        """
        key = _key(subject, client.client_id)
        for _ in range(_ATTEMPTS):
            stored = await self._consents.get(key)
            known = _remembered(stored, client) or frozenset()
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


def _remembered(stored: Stored | None, client: Client) -> frozenset[str] | None:
    if stored is None:
        return None
    try:
        scopes, given_at = texts(stored.document["scopes"]), whole(stored.document["given_at"])
    except (TypeError, KeyError) as error:
        raise UnreadableDocument("a consent can't be read") from error
    return frozenset(scopes) if given_at >= client.created_at else None


def _key(subject: str, client_id: str) -> str:
    """Neither has a slash."""
    return f"{subject}/{client_id}"
