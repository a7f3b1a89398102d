"""The audit trail: every change leaves one entry, which nobody can change or delete.

An entry is written before its change, as ``pending``; the changed document carries the entry's id;
then the outcome is recorded. A crash may leave a pending entry, never a change without one.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ..errors import (
    AlreadyExists,
    CommandRefused,
    Conflict,
    InvalidDocument,
    StoreError,
    UnreadableDocument,
)
from ..model import frozen, thawed
from ..requests import Actor
from ..stores.authorization_documents import read_authorization
from ..stores.base import Collection, Store, Stored
from ..stores.members import json_object, one_of, optional, text, whole
from ..stores.repositories import clients_in, load_key_ring, resources_in, scopes_in, users_in

Outcome = Literal["pending", "done", "refused", "unknown", "unreadable"]
Facts = Mapping[str, Any]

SETTLED_AFTER_SECONDS = 60
LAST_SECOND = 9_999_999_999
"""The latest time (Unix seconds) that the keys of entries can tell."""

_STORED_OUTCOMES: tuple[Outcome, ...] = ("pending", "done", "refused", "unknown")
_KEY = re.compile("([0-9]{10})-.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what, to what, when (Unix seconds); ``before`` and ``after`` have no secrets.

    What is added has nothing ``before``, what is deleted nothing ``after``. ``outcome``: ``done``;
    ``refused``, and nothing was changed; ``pending``, in these seconds; ``unknown``, as a process
    ended meanwhile, and the change never came or another has overwritten it; ``unreadable`` is what
    stands for an entry that was damaged.
    """

    id: str
    at: int
    actor: str
    action: str
    kind: str
    key: str
    before: Facts | None
    after: Facts | None
    request_id: str = ""
    outcome: Outcome = "pending"

    def facts(self) -> dict[str, Any]:
        """The same, for JSON."""
        return {name: thawed(getattr(self, name)) for name in self.__dataclass_fields__}


class Changed(Protocol):
    """What a command has changed."""

    @property
    def change_id(self) -> str: ...


class Audit:
    """The trail in ``entries``; ``now`` gives Unix seconds, ``new_id`` unique strings."""

    def __init__(
        self, entries: Collection, *, now: Callable[[], int], new_id: Callable[[], str]
    ) -> None:
        self._entries = entries
        self._now = now
        self._new_id = new_id
        self._settled_until: str | None = None

    @asynccontextmanager
    async def recording(
        self,
        actor: Actor,
        action: str,
        kind: str,
        key: str,
        *,
        before: Facts | None,
        after: Facts | None,
    ) -> AsyncIterator[str]:
        """An entry around one change, which must carry the id that is yielded as ``change_id``.

        Raises what the store raises if the entry can't be written: then the change isn't begun.
        If the change raises CommandRefused, AlreadyExists, Conflict or InvalidDocument, nothing may
        have been written by it. After anything else it may: the entry stays pending, and ``settle``
        looks. So it is if the outcome can't be recorded, which is no failure of the change.
        """
        now = self._now()
        entry = AuditEntry(
            f"{newest_first(now)}-{self._new_id()}",
            now,
            actor.subject,
            action,
            kind,
            key,
            before,
            after,
            actor.request_id,
        )
        version = await self._entries.insert(entry.id, _write(entry))
        try:
            yield entry.id
        except (CommandRefused, AlreadyExists, Conflict, InvalidDocument):
            with suppress(StoreError):
                await self._conclude(entry.id, version, "refused")
            raise
        with suppress(StoreError):
            await self._conclude(entry.id, version, "done")

    async def settle(self, store: Store) -> None:
        """Says what became of entries that are pending for a minute; raises StoreUnavailable.

        The first time it reads the whole trail, later what was written since.
        """
        lookups = _lookups(store)
        newest = newest_first(self._now() - SETTLED_AFTER_SECONDS)
        after: str | None = newest
        while after is not None:
            page = await self._entries.list(after=after)
            for stored in page.items:
                if stored.document.get("outcome") == "pending":
                    with suppress(UnreadableDocument):  # a damaged entry stays as it is
                        await self._settle(read_entry(stored), stored.version, lookups)
            is_known = self._settled_until is not None and (page.after or "") > self._settled_until
            after = None if is_known else page.after
        self._settled_until = newest

    async def _settle(self, entry: AuditEntry, version: str, lookups: Mapping[str, Lookup]) -> None:
        if entry.kind not in lookups:
            return  # of a later version, which knows where to look
        try:
            found = await lookups[entry.kind](entry.key)
        except UnreadableDocument:
            is_done = False
        else:
            change_id = None if found is None else found.change_id
            is_done = change_id == (None if entry.after is None else entry.id)
        with suppress(Conflict):  # another process was faster
            await self._conclude(entry.id, version, "done" if is_done else "unknown")

    async def _conclude(self, id: str, version: str, outcome: Outcome) -> None:
        await self._entries.replace(id, {"outcome": outcome}, version=version)


@dataclass(frozen=True, slots=True)
class _Alive:
    """A token, an authorization or a session that has not ended."""

    change_id: str = ""


Lookup = Callable[[str], Awaitable[Changed | None]]


def _lookups(store: Store) -> dict[str, Lookup]:
    async def key_ring(_: str) -> Changed | None:
        return await load_key_ring(store)

    async def token(key: str) -> Changed | None:
        return _Alive() if await store.revocations.get(key) is None else None

    async def opaque_token(key: str) -> Changed | None:
        return None if await store.tokens.get(key) is None else _Alive()

    async def authorization(key: str) -> Changed | None:
        stored = await store.authorizations.get(key)
        has_ended = stored is None or read_authorization(stored).state == "ended"
        return None if has_ended else _Alive()

    async def session(key: str) -> Changed | None:
        return None if await store.sessions.get(key) is None else _Alive()

    return {
        "client": clients_in(store).get,
        "scope": scopes_in(store).get,
        "resource": resources_in(store).get,
        "user": users_in(store).get,
        "key_ring": key_ring,
        "token": token,
        "opaque_token": opaque_token,
        "authorization": authorization,
        "session": session,
    }


def newest_first(at: int) -> str:
    """How keys begin, so that the order of keys is that of time, backwards."""
    return f"{LAST_SECOND - at:010}"


def time_of(key: str) -> int:
    """When the entry of this key was written, in Unix seconds; 0 if the key doesn't say."""
    match = _KEY.fullmatch(key)
    return 0 if match is None else LAST_SECOND - int(match[1])


def _write(entry: AuditEntry) -> dict[str, Any]:
    """Names of facts may have dots, which members can't: so they are JSON in a text."""
    return {
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "kind": entry.kind,
        "key": entry.key,
        "before": None if entry.before is None else json.dumps(thawed(entry.before)),
        "after": None if entry.after is None else json.dumps(thawed(entry.after)),
        "request_id": entry.request_id,
        "outcome": entry.outcome,
    }


def read_entry(stored: Stored) -> AuditEntry:
    """The entry of a document; raises UnreadableDocument."""
    document = stored.document
    try:
        return AuditEntry(
            id=stored.key,
            at=whole(document["at"]),
            actor=text(document["actor"]),
            action=text(document["action"]),
            kind=text(document["kind"]),
            key=text(document["key"]),
            before=_facts(document["before"]),
            after=_facts(document["after"]),
            request_id=text(document["request_id"]),
            outcome=one_of(_STORED_OUTCOMES, document["outcome"]),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableDocument(f"the audit entry {stored.key} can't be read") from error


def _facts(value: object) -> Facts | None:
    written = optional(text, value)
    return None if written is None else json_object(frozen(json.loads(written)))
