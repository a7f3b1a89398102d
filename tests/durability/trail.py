"""What the audit trail must say once the processes that wrote it are gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from apogee_idp.app import audit_of, now
from apogee_idp.management.audit import SETTLED_AFTER_SECONDS, AuditEntry, read_entry
from apogee_idp.stores.base import Store
from apogee_idp.stores.repositories import (
    clients_in,
    documents_in,
    load_key_ring,
    resources_in,
    scopes_in,
    users_in,
)

from .oracle import Change


async def settled(store: Store, *, now: Callable[[], int] = now) -> dict[str, AuditEntry]:
    """Every entry by id, after the recovery that each server does once a minute."""
    await audit_of(store, now=lambda: now() + SETTLED_AFTER_SECONDS + 1).settle(store)
    entries = [read_entry(stored) async for stored in documents_in(store.audit)]
    assert [entry for entry in entries if entry.outcome == "pending"] == []
    return {entry.id: entry for entry in entries}


def check_acknowledged(entries: dict[str, AuditEntry], acknowledged: Counter[Change]) -> None:
    """Each change that anybody was told of has its entry, and none says that it was refused."""
    told = Counter((e.action, e.key) for e in entries.values() if e.outcome != "refused")
    assert acknowledged - told == Counter()


async def check_documents(store: Store, entries: dict[str, AuditEntry]) -> None:
    """Whatever stands in the store has the entry of its last change; what is gone, one of its end.

    People whom a test has put there without a command have no change.
    """
    standing = set()
    for repository, kind in (
        (clients_in(store), "client"),
        (scopes_in(store), "scope"),
        (resources_in(store), "resource"),
        (users_in(store), "user"),
    ):
        listing = await repository.all()  # type: ignore[attr-defined]
        assert listing.unreadable == ()
        for entity in listing.items:
            key = _key_of(entity, kind)
            standing.add((kind, key))
            if entity.change_id:
                entry = entries[entity.change_id]
                assert (entry.kind, entry.key) == (kind, key)
                assert entry.outcome == "done"
    ring = await load_key_ring(store)
    assert ring is not None
    assert entries[ring.change_id].kind == "key_ring"
    done = [entry for entry in entries.values() if entry.outcome == "done"]
    added = {(e.kind, e.key) for e in done if e.before is None and e.kind != "key_ring"}
    ended = {(e.kind, e.key) for e in entries.values() if e.after is None}
    assert added - standing - ended == set()


def _key_of(entity: object, kind: str) -> str:
    name = {"client": "client_id", "scope": "name", "resource": "identifier", "user": "subject"}
    return str(getattr(entity, name[kind]))
