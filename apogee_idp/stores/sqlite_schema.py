"""The tables of the SQLite store, step by step; ``PRAGMA user_version`` counts the steps done."""

from __future__ import annotations

import sqlite3

from .base import Schema
from .sqlite_changes import change_log


def _table(name: str) -> str:
    return (
        f"CREATE TABLE {name} (key TEXT PRIMARY KEY, version TEXT NOT NULL, expires_at INTEGER,"
        " document TEXT NOT NULL) STRICT, WITHOUT ROWID"
    )


def _expiring_table(name: str) -> tuple[str, str]:
    return _table(name), f"CREATE INDEX {name}_expires_at ON {name} (expires_at)"


STEPS: dict[str, tuple[str, ...]] = {
    "tables for applications, scopes and keys": (
        _table("applications"),
        _table("scopes"),
        _table("keys"),
    ),
    "keys of documents in their column only": (
        "UPDATE applications SET document = json_remove(document, '$.client_id')",
        "UPDATE scopes SET document = json_remove(document, '$.name')",
    ),
    "tables for resources, revocations, tokens and assertions": (
        _table("resources"),
        *_expiring_table("revocations"),
        *_expiring_table("tokens"),
        *_expiring_table("assertions"),
    ),
    "a table for the audit trail": (_table("audit"),),
    "table for the use of secrets": (_table("secrets"),),
    "table for Idempotency-Keys": _expiring_table("idempotency"),
    "tables for users, sessions and grants": (
        *map(_table, ("users", "logins", "consents")),
        *_expiring_table("sessions"),
        *_expiring_table("interactions"),
        *_expiring_table("authorizations"),
    ),
    "table for refusals": _expiring_table("refusals"),
    "a log of changes": change_log("applications", "scopes", "keys", "resources"),
}
"""Numbered from 1. A step that was released is never changed: new tables are a new step.

A step adds, and takes nothing away that the version before needs, which may run beside this one.
"""


def read_schema(db: sqlite3.Connection) -> Schema:
    (done,) = db.execute("PRAGMA user_version").fetchone()
    steps = tuple(STEPS)
    return Schema(steps, steps[done:], newer=max(0, done - len(steps)))


def do_missing_steps(db: sqlite3.Connection) -> None:
    """Runs inside the writer's transaction, so two processes can't both do a step."""
    missing = read_schema(db).missing
    for step in missing:
        for statement in STEPS[step]:
            db.execute(statement)
    if missing:
        db.execute(f"PRAGMA user_version = {len(STEPS)}")
