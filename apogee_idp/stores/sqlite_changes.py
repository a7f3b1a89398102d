"""What has changed in a SQLite store: a log that triggers write, whichever process changes it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from functools import partial

from .base import ANYTHING, Change
from .sqlite_worker import Worker

_KEPT = 10_000
_POLL_SECONDS = 0.5
_ROWS = {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}
_LOG = """CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, collection TEXT NOT NULL, key TEXT NOT NULL
) STRICT"""
_BOUND = f"""CREATE TRIGGER changes_insert AFTER INSERT ON changes BEGIN
    DELETE FROM changes WHERE id <= NEW.id - {_KEPT};
END"""


def change_log(*tables: str) -> tuple[str, ...]:
    """The statements that make the log, of the latest changes of ``tables``."""
    return (_LOG, *(_trigger(table, event) for table in tables for event in _ROWS), _BOUND)


def _trigger(table: str, event: str) -> str:
    return (
        f"CREATE TRIGGER {table}_{event.lower()} AFTER {event} ON {table} BEGIN"
        f" INSERT INTO changes (collection, key) VALUES ('{table}', {_ROWS[event]}.key); END"
    )


async def follow_changes(reader: Worker) -> AsyncGenerator[Sequence[Change], None]:
    """The stream that ``Store.changes`` promises; the log is read twice a second."""
    last = await reader.run(_newest)
    yield (ANYTHING,)
    while True:
        await asyncio.sleep(_POLL_SECONDS)
        changes, last = await reader.run(partial(_since, last))
        yield changes


def _newest(db: sqlite3.Connection) -> int:
    (newest,) = db.execute("SELECT coalesce(max(id), 0) FROM changes").fetchone()
    return int(newest)


def _since(last: int, db: sqlite3.Connection) -> tuple[Sequence[Change], int]:
    """What came after ``last``, each once, and where the log ends now.

    Where ``last`` itself is there no more, something after it may have been missed.
    """
    rows = db.execute("SELECT id, collection, key FROM changes WHERE id >= ? ORDER BY id", (last,))
    found = rows.fetchall()
    oldest = found[0][0] if found else 0
    if oldest not in (last, 1):
        return (ANYTHING,), _newest(db)
    changes = (Change(name, key) for number, name, key in found if number > last)
    return tuple(dict.fromkeys(changes)), found[-1][0] if found else last
