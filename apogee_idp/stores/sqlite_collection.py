"""One table of SQLite, with the few operations that every store has."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

from ..errors import AlreadyExists, Conflict, UnreadableDocument
from ..model import thawed
from .base import MAXIMUM_PAGE, Page, Stored, check_limit
from .expiry import remove_in_batches
from .sqlite_worker import Worker
from .values import (
    Document,
    check_document,
    check_expiry,
    check_key,
    check_size,
    check_version,
    merged,
)

# By name: a later version of this program may have added others.
_COLUMNS = "(key, version, expires_at, document)"


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
                db.execute(f"INSERT INTO {self._name} {_COLUMNS} VALUES (?, ?, ?, ?)", row)
            except sqlite3.IntegrityError:
                raise AlreadyExists(self._name) from None
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
                raise Conflict(self._name)
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
                raise Conflict(self._name)
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
        check_limit(limit)
        behind = "" if after is None else check_key(after)
        rows = await self._reader.run(
            lambda db: db.execute(
                f"SELECT key, document, version FROM {self._name} WHERE key > ?"
                " AND (expires_at IS NULL OR expires_at > ?) ORDER BY key LIMIT ?",
                (behind, self._now(), limit + 1),
            ).fetchall()
        )
        items = tuple(self._stored(row) for row in rows[:limit])
        return Page(items, items[-1].key if len(rows) > limit else None)

    async def expire(self) -> int:
        expired = f"SELECT key FROM {self._name} WHERE expires_at <= ? LIMIT ?"
        statement = f"DELETE FROM {self._name} WHERE key IN ({expired})"
        now = self._now()
        return await remove_in_batches(
            lambda limit: self._writer.run(lambda db: db.execute(statement, (now, limit)).rowcount)
        )

    def _find(self, db: sqlite3.Connection, parameters: tuple[str, int]) -> Stored | None:
        row = db.execute(
            f"SELECT key, document, version FROM {self._name}"
            " WHERE key = ? AND (expires_at IS NULL OR expires_at > ?)",
            parameters,
        ).fetchone()
        return None if row is None else self._stored(row)

    def _encoded(self, document: Document, changes: Document) -> str:
        text = json.dumps(thawed(merged(document, changes)), separators=(",", ":"))
        check_size(len(text))
        return text

    def _stored(self, row: tuple[str, str, str]) -> Stored:
        key, text, version = row
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UnreadableDocument(f"{self._name}: a document is no JSON") from error
        if not isinstance(document, dict):
            raise UnreadableDocument(f"{self._name}: a document is no JSON object")
        return Stored(key, document, version)
