"""The log of changes in a SQLite file, whoever makes them."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, closing
from pathlib import Path

import pytest

from apogee_idp.stores.base import ANYTHING, Change
from apogee_idp.stores.sqlite import SqliteStore
from apogee_idp.stores.values import FOLLOWED

from .conftest import Clock


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """One that is open, in a file."""
    opened = SqliteStore(str(tmp_path / "a.db"), now=Clock(), new_id=lambda: "v")
    await opened.open()
    await opened.upgrade()
    yield opened
    await opened.close()


@pytest.fixture
def other(store: SqliteStore, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Another process at the same file."""
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as db:
        yield db


async def changes_in(stream: AsyncIterator[Sequence[Change]]) -> Sequence[Change]:
    while not (changes := await anext(stream)):
        pass
    return changes


def insert(db: sqlite3.Connection, table: str, keys: range) -> None:
    rows = ((f"key-{n}",) for n in keys)
    db.execute("BEGIN")
    db.executemany(f"INSERT INTO {table} VALUES (?, 'v', NULL, '{{}}')", rows)
    db.execute("COMMIT")


async def test_changes_of_another_program_are_told(
    store: SqliteStore, other: sqlite3.Connection
) -> None:
    """The database itself writes the log: no program can forget it, an older one least of all."""
    async with aclosing(store.changes()) as stream:
        assert await anext(stream) == (ANYTHING,)
        for table in FOLLOWED:
            insert(other, table, range(2))
            assert await changes_in(stream) == tuple(Change(table, f"key-{n}") for n in range(2))
        other.execute("UPDATE scopes SET version = 'w' WHERE key = 'key-1'")
        other.execute("DELETE FROM scopes WHERE key = 'key-1'")
        assert await changes_in(stream) == (Change("scopes", "key-1"),)


async def test_a_log_that_was_outrun_says_anything(
    store: SqliteStore, other: sqlite3.Connection
) -> None:
    """It has room for so many changes; who comes too late knows that there were others."""
    async with aclosing(store.changes()) as stream:
        await anext(stream)
        insert(other, "scopes", range(1))
        assert await changes_in(stream) == (Change("scopes", "key-0"),)
        insert(other, "applications", range(10_001))
        assert await changes_in(stream) == (ANYTHING,)
        insert(other, "scopes", range(1, 2))
        assert await changes_in(stream) == (Change("scopes", "key-1"),)
    assert other.execute("SELECT count(*) FROM changes").fetchone() == (10_000,)


async def test_following_reads_no_documents(other: sqlite3.Connection) -> None:
    """However many clients there are, it costs what has changed."""
    plan = other.execute("EXPLAIN QUERY PLAN SELECT id FROM changes WHERE id >= 7 ORDER BY id")
    assert [row[3] for row in plan] == ["SEARCH changes USING INTEGER PRIMARY KEY (rowid>?)"]
