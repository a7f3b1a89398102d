"""Whoever gives commands in tests, and the trail that they are recorded in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from apogee_idp.app import changes_in, now
from apogee_idp.management.audit import AuditEntry
from apogee_idp.management.audit_queries import AuditFilter, AuditQueries
from apogee_idp.management.changes import Changes
from apogee_idp.requests import Actor
from apogee_idp.stores.base import Store

TESTER = Actor("tester", frozenset({"idp:admin"}), request_id="test")


class Acting(TypedDict):
    changes: Changes
    actor: Actor


def acting(store: Store, *, now: Callable[[], int] = now) -> Acting:
    """What every kind of commands needs besides its store."""
    return {"changes": changes_in(store, now=now), "actor": TESTER}


async def entries_in(store: Store) -> list[AuditEntry]:
    """Of the trail, the latest, newest first."""
    found, _ = await AuditQueries(store.audit).page(AuditFilter(), after=None, limit=100)
    return found
