"""Questions about the audit trail: one entry, or a page of those that match."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import NotFound, UnreadableDocument
from ..stores.base import MAXIMUM_PAGE, Collection, Stored
from .audit import AuditEntry, newest_first, read_entry, time_of

MAXIMUM_READ = 1000
"""So many entries one question reads at most; then it says where to go on."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What matches; an empty text does not matter.

    Times are Unix seconds: from ``since`` on, and before ``until``, which is at least 1.
    """

    actor: str = ""
    action: str = ""
    kind: str = ""
    key: str = ""
    since: int | None = None
    until: int | None = None

    def matches(self, entry: AuditEntry) -> bool:
        """Whether every criterion but time holds; of what can't be read, nobody can deny it."""
        return entry.outcome == "unreadable" or (
            self.actor in ("", entry.actor)
            and self.action in ("", entry.action)
            and self.kind in ("", entry.kind)
            and self.key in ("", entry.key)
        )

    @property
    def begin(self) -> str | None:
        """The key behind which those before ``until`` come, in the order of the trail."""
        return None if self.until is None else newest_first(self.until - 1)

    def is_over(self, key: str) -> bool:
        """Whether the entry of this key, and so every one behind it, is older than ``since``."""
        return self.since is not None and key[:10] > newest_first(self.since)


class AuditQueries:
    """Raises NotFound, and whatever the store raises.

    An entry that is damaged keeps no other from being read. It is told of, at its place, with the
    outcome ``unreadable`` and nothing but its id and time.
    """

    def __init__(self, entries: Collection) -> None:
        self._entries = entries

    async def get(self, entry_id: str) -> AuditEntry:
        """The entry of this id."""
        stored = await self._entries.get(entry_id)
        if stored is None:
            raise NotFound("there is no such entry")
        return _entry(stored)

    async def page(
        self, wanted: AuditFilter, *, after: str | None, limit: int
    ) -> tuple[list[AuditEntry], str | None]:
        """Up to ``limit`` entries behind ``after``, newest first, and where the next may begin.

        A page may be short, or empty, and still not the last: see MAXIMUM_READ.
        """
        found: list[AuditEntry] = []
        after = wanted.begin if after is None else after
        for _ in range(MAXIMUM_READ // MAXIMUM_PAGE):
            page = await self._entries.list(after=after, limit=MAXIMUM_PAGE)
            for stored in page.items:
                if wanted.is_over(stored.key):
                    return found, None
                if len(found) == limit:
                    return found, after
                after = stored.key
                entry = _entry(stored)
                if wanted.matches(entry):
                    found.append(entry)
            if page.after is None:
                return found, None
            after = page.after
        return found, after


def _entry(stored: Stored) -> AuditEntry:
    try:
        return read_entry(stored)
    except UnreadableDocument:
        at = time_of(stored.key)
        return AuditEntry(stored.key, at, "", "", "", "", None, None, outcome="unreadable")
