"""The audit trail: an entry before its change, its outcome behind it, and what a crash leaves."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from apogee_idp.errors import (
    AlreadyExists,
    CommandRefused,
    Conflict,
    StoreUnavailable,
)
from apogee_idp.management.actor import local_actor
from apogee_idp.management.audit import Audit, AuditEntry
from apogee_idp.management.audit_queries import AuditFilter, AuditQueries
from apogee_idp.model import Scope
from apogee_idp.requests import Actor, Grant
from apogee_idp.stores.authorization_documents import new_authorization
from apogee_idp.stores.base import Store
from apogee_idp.stores.repositories import scopes_in
from tests.clock import NOW, Clock

ACTOR = Actor("usr_ann", frozenset({"idp:clients"}), request_id="req-1")


@pytest.fixture
def audit(store: Store, clock: Clock) -> Audit:
    ids = count()
    return Audit(store.audit, now=clock, new_id=lambda: f"{next(ids):032}")


def adding(audit: Audit, key: str = "a") -> AbstractAsyncContextManager[str]:
    return audit.recording(ACTOR, "add_scope", "scope", key, before=None, after={"name": key})


def deleting(audit: Audit, key: str = "a") -> AbstractAsyncContextManager[str]:
    return audit.recording(ACTOR, "delete_scope", "scope", key, before={"name": key}, after=None)


async def entries(audit: Audit) -> list[AuditEntry]:
    queries = AuditQueries(audit._entries)
    found, _ = await queries.page(AuditFilter(), after=None, limit=1000)
    return found


async def only_entry(audit: Audit) -> AuditEntry:
    (entry,) = await entries(audit)
    return entry


async def test_an_entry_says_who_did_what(audit: Audit) -> None:
    """It is there, pending, before the change, and done behind it."""
    async with audit.recording(
        ACTOR, "change_scope", "scope", "a", before={"a.b": [1]}, after={"$x": None}
    ) as change_id:
        pending = await only_entry(audit)
    assert pending == AuditEntry(
        id=change_id,
        at=NOW,
        actor="usr_ann",
        action="change_scope",
        kind="scope",
        key="a",
        before={"a.b": (1,)},
        after={"$x": None},
        request_id="req-1",
        outcome="pending",
    )
    assert await only_entry(audit) == replace(pending, outcome="done")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (CommandRefused("no"), "refused"),
        (AlreadyExists("scopes"), "refused"),
        (Conflict("scopes"), "refused"),
        (StoreUnavailable("gone"), "pending"),
        (asyncio.CancelledError(), "pending"),
        (ValueError("a fault"), "pending"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
async def test_only_what_proves_that_nothing_was_written_is_refused(
    audit: Audit, error: BaseException, outcome: str
) -> None:
    """After anything else nobody knows, so the entry waits to be settled."""
    with pytest.raises(type(error)):
        async with adding(audit):
            raise error
    assert (await only_entry(audit)).outcome == outcome


async def test_the_newest_comes_first(audit: Audit, clock: Clock) -> None:
    """By the time of the entry."""
    for key in "abcde":
        async with adding(audit, key):
            clock.now += 1
    assert [entry.key for entry in await entries(audit)] == ["e", "d", "c", "b", "a"]


class Failing:
    """A collection whose writes of one kind fail; the rest is that of a real one."""

    def __init__(self, collection: Any, operation: str) -> None:
        self._collection = collection
        self._operation = operation

    def __getattr__(self, name: str) -> Any:
        return self._fail if name == self._operation else getattr(self._collection, name)

    async def _fail(self, *_: object, **__: object) -> None:
        raise StoreUnavailable("gone")


async def test_without_its_entry_a_change_is_not_begun(store: Store, clock: Clock) -> None:
    """The body of the command never runs."""
    audit = Audit(Failing(store.audit, "insert"), now=clock, new_id=lambda: "x")  # type: ignore[arg-type]
    began = False
    with pytest.raises(StoreUnavailable):
        async with adding(audit):
            began = True
    assert not began
    assert await entries(audit) == []


async def test_an_outcome_that_is_lost_fails_no_command(store: Store, clock: Clock) -> None:
    """The change was made; what became of it is found out later."""
    audit = Audit(Failing(store.audit, "replace"), now=clock, new_id=lambda: "x")  # type: ignore[arg-type]
    async with adding(audit) as change_id:
        await scopes_in(store).add(Scope("a", change_id=change_id))
    assert (await only_entry(audit)).outcome == "pending"
    clock.now += 60
    later = Audit(store.audit, now=clock, new_id=lambda: "y")
    await later.settle(store)
    assert (await only_entry(later)).outcome == "done"


async def interrupted(recording: AbstractAsyncContextManager[str]) -> str:
    """The id of an entry whose process was killed before it began the change."""
    return await recording.__aenter__()


async def test_F_PR_02_what_a_crash_left_is_settled(
    audit: Audit, store: Store, clock: Clock
) -> None:
    """Done if the document carries the change or is gone as it should; else nobody knows."""
    scopes = scopes_in(store)
    for key in ("deleted", "kept"):
        await scopes.add(Scope(key))
    await scopes.add(Scope("added", change_id=await interrupted(adding(audit, "added"))))
    await interrupted(adding(audit, "missing"))
    await interrupted(deleting(audit, "deleted"))
    await scopes.delete("deleted")
    await interrupted(deleting(audit, "kept"))
    overwritten = await scopes.add(Scope("changed", change_id=await interrupted(adding(audit))))
    await scopes.update(replace(overwritten, change_id="later"))
    clock.now += 60
    await audit.settle(store)
    outcomes = {entry.key: entry.outcome for entry in await entries(audit)}
    assert outcomes == {
        "added": "done",
        "missing": "unknown",
        "deleted": "done",
        "kept": "unknown",
        "a": "unknown",
    }


async def test_what_became_of_tokens_is_settled(audit: Audit, store: Store, clock: Clock) -> None:
    """One on the deny-list has ended, an opaque one that is gone, an authorization that says so."""
    grant = Grant("app", "usr_" + "A" * 22, (), 0, 0, "https://app.example/cb")
    times = {"created_at": 0, "code_expires_at": 60, "ends_at": 60}
    authorization = new_authorization(grant, code_hash="", **times)
    await store.authorizations.insert("valid", authorization)
    await store.authorizations.insert("ended", {**authorization, "state": "ended"})
    await store.revocations.insert("denied", {})
    await store.tokens.insert("kept", {})
    for kind, key in (
        *(("token", "denied"), ("token", "good")),
        *(("opaque_token", "gone"), ("opaque_token", "kept")),
        *(("authorization", "ended"), ("authorization", "valid")),
    ):
        await interrupted(audit.recording(ACTOR, "x", kind, key, before={}, after=None))
    clock.now += 60
    await audit.settle(store)
    outcomes = {entry.key: entry.outcome for entry in await entries(audit)}
    assert outcomes == {
        "denied": "done",
        "gone": "done",
        "ended": "done",
        "good": "unknown",
        "kept": "unknown",
        "valid": "unknown",
    }


async def test_what_is_in_progress_is_not_settled(audit: Audit, store: Store, clock: Clock) -> None:
    """A command takes seconds; the trail waits for a minute."""
    async with adding(audit):
        clock.now += 59
        await audit.settle(store)
        assert (await only_entry(audit)).outcome == "pending"
    assert (await only_entry(audit)).outcome == "done"


async def test_entries_of_later_and_damaged_ones_are_left_alone(
    audit: Audit, store: Store, clock: Clock
) -> None:
    """And keep no other from being settled; a damaged entry is never shown as another."""
    await interrupted(adding(audit, "older"))
    clock.now += 1
    await interrupted(audit.recording(ACTOR, "x", "planet", "x", before=None, after={}))
    clock.now += 60
    await audit.settle(store)
    assert [entry.outcome for entry in await entries(audit)] == ["pending", "unknown"]
    await store.audit.insert("0", {"outcome": "pending"})
    await audit.settle(store)
    outcomes = [entry.outcome for entry in await entries(audit)]
    assert outcomes == ["unreadable", "pending", "unknown"]


async def test_a_long_trail_is_read_once(audit: Audit, store: Store, clock: Clock) -> None:
    """All of it the first time; after that, what was written since."""
    for number in range(150):
        await interrupted(adding(audit, f"scope-{number}"))
        clock.now += 1
    clock.now += 60
    await audit.settle(store)
    assert [entry.outcome for entry in await entries(audit)] == ["unknown"] * 150
    pages = []
    listed = store.audit.list

    class Counting(Failing):
        async def list(self, **options: Any) -> Any:
            pages.append(options)
            return await listed(**options)

    audit._entries = Counting(store.audit, "")  # type: ignore[assignment]
    await interrupted(adding(audit, "new"))
    clock.now += 60
    await audit.settle(store)
    assert len(pages) == 1
    assert (await entries(audit))[0].outcome == "unknown"


async def test_a_lost_store_is_settled_later(audit: Audit, store: Store, clock: Clock) -> None:
    """Nothing is skipped because it could not be asked."""
    await interrupted(adding(audit))
    clock.now += 60
    entries = audit._entries
    audit._entries = Failing(entries, "replace")  # type: ignore[assignment]
    with pytest.raises(StoreUnavailable):
        await audit.settle(store)
    audit._entries = entries
    await audit.settle(store)
    assert (await only_entry(audit)).outcome == "unknown"


def test_an_administrator_may_everything() -> None:
    """Everybody else what he was granted."""
    assert local_actor("ann") == Actor("cli:ann", frozenset({"idp:admin"}), is_local=True)
    assert local_actor("ann").may("idp:keys")
    assert ACTOR.may("idp:clients")
    assert not ACTOR.may("idp:keys")
