"""The embedded store: SQLite in WAL mode, one file, any number of processes of one machine."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

from ..errors import AlreadyExists, Conflict, StoreUnavailable
from ..model import Finding, thawed
from .base import MAXIMUM_PAGE, Change, Page, Schema, Stored
from .polling import Versions, poll_versions
from .sqlite_worker import Worker
from .values import (
    COLLECTIONS,
    Document,
    check_document,
    check_expiry,
    check_key,
    check_size,
    check_version,
    merged,
)

MEMORY = ":memory:"
_POLL_SECONDS = 0.5

_STEPS: dict[str, tuple[str, ...]] = {
    "tables for applications, scopes and keys": tuple(
        f"CREATE TABLE {name} (key TEXT PRIMARY KEY, version TEXT NOT NULL, expires_at INTEGER,"
        " document TEXT NOT NULL) STRICT, WITHOUT ROWID"
        for name in ("applications", "scopes", "keys")
    ),
    "keys of documents in their column only": (
        "UPDATE applications SET document = json_remove(document, '$.client_id')",
        "UPDATE scopes SET document = json_remove(document, '$.name')",
    ),
}
"""The schema, step by step; ``PRAGMA user_version`` counts the steps done.

A step that was released is never changed: new tables are a new step.
"""


class SqliteStore:
    """A store in the file ``path``, or in memory for ``:memory:``.

    ``now`` gives Unix seconds, ``new_id`` unique strings for versions. An operation that takes
    longer than ``patience`` seconds is StoreUnavailable; a write may still have happened then.
    """

    def __init__(
        self,
        path: str,
        *,
        now: Callable[[], int],
        new_id: Callable[[], str],
        patience: float = 5.0,
    ) -> None:
        self._path = path
        self._patience = patience
        self._writer = Worker("sqlite-writer", path, self._connect, patience, writes=True)
        self._reader = (
            self._writer
            if path == MEMORY
            else Worker("sqlite-reader", path, self._connect, patience, writes=False)
        )
        self.applications, self.scopes, self.keys = (
            SqliteCollection(name, self._reader, self._writer, now, new_id) for name in COLLECTIONS
        )

    def prospect(self) -> Finding | None:
        """In memory there is always something to open."""
        if self._path == MEMORY or Path(self._path).exists():
            return None
        path = Path(self._path).absolute()
        if os.access(path.parent, os.W_OK):
            return Finding("store", True, f"none yet: the first start makes {path}")
        detail = f"none yet, and {path.parent} is no directory that can be written: create it"
        return Finding("store", False, detail)

    async def open(self) -> None:
        """Creates an empty file (readable by its owner only) where there is none."""
        for worker in (self._writer, self._reader):
            await worker.start()
        await self.schema()

    async def schema(self) -> Schema:
        return Schema(await self._reader.run(_steps_done), tuple(_STEPS))

    async def upgrade(self) -> None:
        if await self._reader.run(_steps_done) != len(_STEPS):
            await self._writer.run(_upgrade)

    def changes(self) -> AsyncGenerator[Sequence[Change], None]:
        return poll_versions(_VersionReader(self._reader), every=_POLL_SECONDS)

    async def check(self) -> list[Finding]:
        """Asks SQLite to look for damage."""
        verdict = await self._reader.run(
            lambda db: [row[0] for row in db.execute("PRAGMA quick_check(1)")]
        )
        if verdict != ["ok"]:
            return [Finding("store", False, f"{self._path}: is damaged; restore a backup")]
        return [Finding("store", True, f"SQLite {sqlite3.sqlite_version}, {self._path}")]

    async def close(self) -> None:
        """Commits what was submitted, then closes the connections."""
        for worker in {self._reader, self._writer}:
            await worker.stop()

    def _connect(self) -> sqlite3.Connection:
        if self._path != MEMORY:
            Path(self._path).touch(mode=0o600)
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        db.execute(f"PRAGMA busy_timeout = {round(self._patience * 800)}")
        self._switch_to_wal(db)
        db.execute("PRAGMA synchronous = FULL")
        return db

    def _switch_to_wal(self, db: sqlite3.Connection) -> None:
        """Again and again: while another process does the same, SQLite refuses without waiting."""
        give_up = time.monotonic() + self._patience * 0.8
        while True:
            try:
                db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.01)
            else:
                return


class _VersionReader:
    """Reads the versions of all documents, if anything was committed since the last time.

    ``data_version`` tells of other connections' commits, ``total_changes`` of this one's.
    """

    def __init__(self, reader: Worker) -> None:
        self._reader = reader
        self._last: tuple[int, int] | None = None

    async def __call__(self) -> Versions | None:
        return await self._reader.run(self._read)

    def _read(self, db: sqlite3.Connection) -> Versions | None:
        (data_version,) = db.execute("PRAGMA data_version").fetchone()
        if self._last == (data_version, db.total_changes):
            return None
        self._last = (data_version, db.total_changes)
        return {
            Change(name, key): version
            for name in COLLECTIONS
            for key, version in db.execute(f"SELECT key, version FROM {name}")
        }


class SqliteCollection:
    """One table: key, version, expiry and the document as JSON."""

    __slots__ = ("_name", "_new_id", "_now", "_reader", "_writer")

    def __init__(
        self,
        name: str,
        reader: Worker,
        writer: Worker,
        now: Callable[[], int],
        new_id: Callable[[], str],
    ) -> None:
        self._name = name
        self._reader = reader
        self._writer = writer
        self._now = now
        self._new_id = new_id

    async def insert(self, key: str, document: Document, *, expires_at: int | None = None) -> str:
        text = self._encoded({}, check_document(self._name, document))
        row = (check_key(key), self._new_id(), check_expiry(expires_at), text)
        now = self._now()

        def operation(db: sqlite3.Connection) -> str:
            db.execute(f"DELETE FROM {self._name} WHERE key = ? AND expires_at <= ?", (key, now))
            try:
                db.execute(f"INSERT INTO {self._name} VALUES (?, ?, ?, ?)", row)
            except sqlite3.IntegrityError:
                raise AlreadyExists(f"{self._name}: the key is taken") from None
            return row[1]

        return await self._writer.run(operation)

    async def get(self, key: str) -> Stored | None:
        parameters = (check_key(key), self._now())
        return await self._reader.run(lambda db: self._find(db, parameters))

    async def replace(self, key: str, changes: Document, *, version: str) -> str:
        parameters = (check_key(key), self._now())
        check_version(version)
        check_document(self._name, changes)
        new_version = self._new_id()

        def operation(db: sqlite3.Connection) -> str:
            found = self._find(db, parameters)
            if found is None or found.version != version:
                raise Conflict(f"{self._name}: the document was changed or deleted meanwhile")
            db.execute(
                f"UPDATE {self._name} SET version = ?, document = ? WHERE key = ?",
                (new_version, self._encoded(found.document, changes), key),
            )
            return new_version

        return await self._writer.run(operation)

    async def delete(self, key: str, *, version: str | None = None) -> bool:
        parameters = (check_key(key), self._now())
        if version is not None:
            check_version(version)

        def operation(db: sqlite3.Connection) -> bool:
            found = self._find(db, parameters)
            if version is not None and (found is None or found.version != version):
                raise Conflict(f"{self._name}: the document was changed or deleted meanwhile")
            db.execute(f"DELETE FROM {self._name} WHERE key = ?", (key,))
            return found is not None

        return await self._writer.run(operation)

    async def take(self, key: str) -> Stored | None:
        parameters = (check_key(key), self._now())

        def operation(db: sqlite3.Connection) -> Stored | None:
            found = self._find(db, parameters)
            db.execute(f"DELETE FROM {self._name} WHERE key = ?", (key,))
            return found

        return await self._writer.run(operation)

    async def list(self, *, after: str | None = None, limit: int = MAXIMUM_PAGE) -> Page:
        if not 1 <= limit <= MAXIMUM_PAGE:
            raise ValueError(f"limit must be 1 to {MAXIMUM_PAGE}")
        behind = "" if after is None else check_key(after)
        rows = await self._reader.run(
            lambda db: db.execute(
                f"SELECT key, document, version FROM {self._name} WHERE key > ?"
                " AND (expires_at IS NULL OR expires_at > ?) ORDER BY key LIMIT ?",
                (behind, self._now(), limit + 1),
            ).fetchall()
        )
        items = tuple(_stored(row) for row in rows[:limit])
        return Page(items, items[-1].key if len(rows) > limit else None)

    async def expire(self) -> int:
        now = self._now()
        return await self._writer.run(
            lambda db: (
                db.execute(f"DELETE FROM {self._name} WHERE expires_at <= ?", (now,)).rowcount
            )
        )

    def _find(self, db: sqlite3.Connection, parameters: tuple[str, int]) -> Stored | None:
        row = db.execute(
            f"SELECT key, document, version FROM {self._name}"
            " WHERE key = ? AND (expires_at IS NULL OR expires_at > ?)",
            parameters,
        ).fetchone()
        return None if row is None else _stored(row)

    def _encoded(self, document: Document, changes: Document) -> str:
        text = json.dumps(thawed(merged(document, changes)), separators=(",", ":"))
        check_size(len(text))
        return text


def _steps_done(db: sqlite3.Connection) -> int:
    """How many steps were done; raises StoreUnavailable if they are more than we know."""
    (done,) = db.execute("PRAGMA user_version").fetchone()
    if done > len(_STEPS):
        raise StoreUnavailable(
            f"the database has schema {done}, this version knows {len(_STEPS)}: upgrade apogee-idp"
        )
    return int(done)


def _upgrade(db: sqlite3.Connection) -> None:
    """Runs inside the writer's transaction, so two processes can't both do a step."""
    for statements in list(_STEPS.values())[_steps_done(db) :]:
        for statement in statements:
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {len(_STEPS)}")


def _stored(row: tuple[str, str, str]) -> Stored:
    key, document, version = row
    return Stored(key, json.loads(document), version)
