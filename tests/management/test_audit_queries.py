"""Reading the trail: by who, what and when, in bounded steps, whatever one entry looks like."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from apogee_idp.errors import NotFound
from apogee_idp.management.audit import Audit, newest_first
from apogee_idp.management.audit_queries import MAXIMUM_READ, AuditFilter, AuditQueries
from apogee_idp.requests import Actor
from apogee_idp.stores.base import Page, Store
from tests.clock import NOW, Clock


@pytest.fixture
def queries(store: Store) -> AuditQueries:
    return AuditQueries(store.audit)


class Trail:
    """Writes entries, one a second."""

    def __init__(self, store: Store, clock: Clock) -> None:
        ids = count()
        self._clock = clock
        self._audit = Audit(store.audit, now=clock, new_id=lambda: f"{next(ids):032}")

    async def add(self, key: str, *, actor: str = "ann", kind: str = "scope") -> str:
        who = Actor(actor, frozenset())
        recording = self._audit.recording(who, f"add_{kind}", kind, key, before=None, after={})
        async with recording as entry_id:
            self._clock.now += 1
        return entry_id


@pytest.fixture
def trail(store: Store, clock: Clock) -> Trail:
    return Trail(store, clock)


async def keys(queries: AuditQueries, **criteria: Any) -> str:
    found, _ = await queries.page(AuditFilter(**criteria), after=None, limit=100)
    return "".join(entry.key for entry in found)


async def test_entries_are_found_by_who_and_what(queries: AuditQueries, trail: Trail) -> None:
    """All criteria hold together; a part of a name is none."""
    await trail.add("a")
    await trail.add("b", actor="bob")
    await trail.add("c", actor="bob", kind="client")
    assert await keys(queries) == "cba"
    assert await keys(queries, actor="bob") == "cb"
    assert await keys(queries, actor="bo") == ""
    assert await keys(queries, kind="scope") == "ba"
    assert await keys(queries, action="add_scope", actor="bob") == "b"
    assert await keys(queries, key="a") == "a"


async def test_entries_are_found_by_time(queries: AuditQueries, trail: Trail) -> None:
    """From the first second on and before the last one, so that no entry is in two spans."""
    for key in "abcde":
        await trail.add(key)
    assert await keys(queries, since=NOW + 3) == "ed"
    assert await keys(queries, until=NOW + 3) == "cba"
    assert await keys(queries, since=NOW + 1, until=NOW + 3) == "cb"
    assert await keys(queries, since=NOW + 3, until=NOW + 3) == ""
    assert await keys(queries, since=0, until=9_999_999_999) == "edcba"
    assert await keys(queries, until=1) == ""
    found, after = await queries.page(AuditFilter(until=NOW + 4), after=None, limit=2)
    rest, end = await queries.page(AuditFilter(until=NOW + 4), after=after, limit=2)
    assert [entry.key for entry in (*found, *rest)] == ["d", "c", "b", "a"]
    assert end is None


async def test_what_is_not_asked_for_is_not_read(store: Store, trail: Trail) -> None:
    """A span of time costs what is in it, however long the trail is."""
    for number in range(300):
        await trail.add(f"key-{number}")
    counting = Counting(store)
    wanted = AuditFilter(since=NOW + 10, until=NOW + 12)
    found, after = await AuditQueries(counting).page(wanted, after=None, limit=50)  # type: ignore[arg-type]
    assert [entry.key for entry in found] == ["key-11", "key-10"]
    assert (after, counting.pages) == (None, 1)


class Counting:
    """The trail of a store, of which it is counted how many pages are read."""

    def __init__(self, store: Store) -> None:
        self._audit = store.audit
        self.pages = 0

    async def list(self, **options: Any) -> Page:
        self.pages += 1
        return await self._audit.list(**options)


async def test_one_question_reads_a_thousand_entries_at_most(store: Store, clock: Clock) -> None:
    """Then it says where to go on, though it has found nothing."""
    for number in range(MAXIMUM_READ + 1):
        entry = {"actor": "ann", "action": "x", "kind": "x", "key": "x", "outcome": "done"}
        entry |= {"at": NOW - number, "before": None, "after": None, "request_id": ""}  # type: ignore[dict-item]
        if number == MAXIMUM_READ:
            entry["actor"] = "bob"
        await store.audit.insert(f"{newest_first(NOW - number)}-{number:032}", entry)
    counting = Counting(store)
    queries = AuditQueries(counting)  # type: ignore[arg-type]
    found, after = await queries.page(AuditFilter(actor="bob"), after=None, limit=1)
    assert (found, counting.pages) == ([], 10)
    assert after is not None
    found, after = await queries.page(AuditFilter(actor="bob"), after=after, limit=1)
    assert ([entry.at for entry in found], after) == ([NOW - MAXIMUM_READ], None)


async def test_a_damaged_entry_is_told_of_and_hides_no_other(
    queries: AuditQueries, store: Store, trail: Trail
) -> None:
    """At its place in time; as nobody knows whose it was, for whoever is asked about."""
    await trail.add("a")
    damaged = f"{newest_first(NOW)}-x"
    await store.audit.insert(damaged, {"actor": "bob", "outcome": "whatever"})
    await trail.add("b")
    found, _ = await queries.page(AuditFilter(actor="ann"), after=None, limit=100)
    assert [(entry.id == damaged, entry.key) for entry in found] == [
        (False, "b"),
        (False, "a"),
        (True, ""),
    ]
    entry = await queries.get(damaged)
    assert (entry.outcome, entry.at, entry.actor, entry.before) == ("unreadable", NOW, "", None)
    assert await keys(queries, until=NOW) == ""
    await store.audit.insert("0", {})
    assert (await queries.get("0")).at == 0


async def test_one_entry_by_its_id(queries: AuditQueries, trail: Trail) -> None:
    """An unknown one is not found."""
    entry_id = await trail.add("a")
    assert (await queries.get(entry_id)).key == "a"
    with pytest.raises(NotFound):
        await queries.get("x")
