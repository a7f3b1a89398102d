"""The embedded store: SQLite in WAL mode, one file, any number of processes of one machine."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

from ..model import Finding
from .base import Change, Foreign, Schema
from .collections import Collections
from .sqlite_changes import follow_changes
from .sqlite_collection import SqliteCollection
from .sqlite_schema import do_missing_steps, read_schema
from .sqlite_worker import Worker
from .values import COLLECTIONS

MEMORY = ":memory:"


class SqliteStore(Collections[SqliteCollection]):
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
        super().__init__(
            {
                name: SqliteCollection(name, self._reader, self._writer, now, new_id)
                for name in COLLECTIONS
            }
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
        return await self._reader.run(read_schema)

    async def upgrade(self) -> Sequence[str]:
        if (await self.schema()).missing:
            await self._writer.run(do_missing_steps)
        return ()

    def changes(self) -> AsyncGenerator[Sequence[Change], None]:
        return follow_changes(self._reader)

    async def check(self) -> list[Finding]:
        """Asks SQLite to look for damage."""
        verdict = await self._reader.run(
            lambda db: [row[0] for row in db.execute("PRAGMA quick_check(1)")]
        )
        if verdict != ["ok"]:
            return [Finding("store", False, f"{self._path}: is damaged; restore a backup")]
        return [Finding("store", True, f"SQLite {sqlite3.sqlite_version}, {self._path}")]

    async def foreign(self) -> Foreign:
        """Nobody else writes to the file."""
        return Foreign()

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
