"""What is SQLite's alone: the file, its schema, other processes, and faults."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest

from apogee_idp.errors import StoreUnavailable
from apogee_idp.stores.base import Collection
from apogee_idp.stores.expiry import EXPIRED_AT_ONCE
from apogee_idp.stores.sqlite import SqliteStore
from apogee_idp.stores.sqlite_schema import STEPS
from apogee_idp.stores.values import EXPIRING

from .conftest import NOW, Clock


def store_at(path: Path | str, patience: float = 5.0) -> SqliteStore:
    return SqliteStore(str(path), now=Clock(), new_id=lambda: "v", patience=patience)


async def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    """WAL, synchronous=FULL: acknowledged means on disk."""
    store = store_at(tmp_path / "a.db")
    await store.open()
    await store.upgrade()
    await store.applications.insert("key", {"n": 1})
    await store.close()
    again = store_at(tmp_path / "a.db")
    await again.open()
    await again.upgrade()
    assert await again.applications.get("key") is not None
    await again.close()
    db = sqlite3.connect(tmp_path / "a.db")
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
    db.close()


async def test_every_commit_waits_for_the_disk(tmp_path: Path) -> None:
    """``synchronous = FULL`` (2), on the connection that writes."""
    store = store_at(tmp_path / "a.db")
    await store.open()
    await store.upgrade()
    pragma = await store._writer.run(lambda db: db.execute("PRAGMA synchronous").fetchone())
    await store.close()
    assert pragma == (2,)


SCHEMA_1 = """
CREATE TABLE applications (key TEXT PRIMARY KEY, version TEXT NOT NULL, expires_at INTEGER,
    document TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE scopes (key TEXT PRIMARY KEY, version TEXT NOT NULL, expires_at INTEGER,
    document TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE keys (key TEXT PRIMARY KEY, version TEXT NOT NULL, expires_at INTEGER,
    document TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO applications VALUES ('old', 'v1', NULL, '{"client_id":"old"}');
PRAGMA user_version = 1;
"""


async def test_a_database_of_the_first_release_opens(tmp_path: Path) -> None:
    """Its schema is written down here, so that no later change of the code rewrites history."""
    db = sqlite3.connect(tmp_path / "a.db")
    db.executescript(SCHEMA_1)
    db.close()
    store = store_at(tmp_path / "a.db")
    await store.open()
    await store.upgrade()
    assert await store.applications.get("old") is not None
    for collection in (store.applications, store.scopes, store.keys):
        await collection.insert("new", {})
    await store.close()


async def test_writes_that_come_together_are_committed_together(tmp_path: Path) -> None:
    """One sync of the disk for all who wait."""
    store = store_at(tmp_path / "a.db")
    await store.open()
    await store.upgrade()
    seen: list[str] = []
    await store._writer.run(lambda db: db.set_trace_callback(seen.append))
    await asyncio.gather(*(store.applications.insert(f"k{n}", {}) for n in range(200)))
    await store._writer.run(lambda db: db.set_trace_callback(None))
    await store.close()
    assert sum(statement == "COMMIT" for statement in seen) <= 10


async def test_a_failed_operation_leaves_nothing_behind(tmp_path: Path) -> None:
    """What it wrote before it failed is undone, and its neighbours stay."""
    store = store_at(tmp_path / "a.db")
    await store.open()
    await store.upgrade()

    def write_and_fail(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO applications VALUES ('half', 'v', NULL, '{}')")
        raise ValueError("on purpose")

    outcomes = await asyncio.gather(
        store.applications.insert("before", {}),
        store._writer.run(write_and_fail),
        store.applications.insert("behind", {}),
        return_exceptions=True,
    )
    keys = [item.key for item in (await store.applications.list()).items]
    await store.close()
    assert [type(outcome) for outcome in outcomes] == [str, ValueError, str]
    assert keys == ["before", "behind"]


async def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    """They hold sealed keys and hashes of secrets."""
    store = store_at(tmp_path / "a.db")
    await store.open()
    await store.upgrade()
    await store.applications.insert("key", {})
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    await store.close()
    assert set(modes) >= {"a.db", "a.db-wal"}
    assert set(modes.values()) == {0o600}


LATER = """
ALTER TABLE applications ADD COLUMN owner TEXT;
CREATE INDEX applications_owner ON applications (owner);
CREATE TABLE gadgets (key TEXT PRIMARY KEY);
"""


async def test_a_later_versions_schema_will_do(tmp_path: Path) -> None:
    """Its steps only add: an old program goes on beside the new ones, and takes nothing back."""
    store = store_at(tmp_path / "a.db")
    await store.open()
    await store.upgrade()
    db = sqlite3.connect(tmp_path / "a.db")
    db.executescript(f"{LATER} PRAGMA user_version = {len(STEPS) + 2}")
    assert await store.applications.insert("running", {}), "through the change"
    await store.close()
    again = store_at(tmp_path / "a.db")
    await again.open()
    assert await again.upgrade() == ()
    version = await again.applications.insert("key", {"n": 1})
    await again.applications.replace("key", {"n": 2}, version=version)
    assert await again.applications.take("key")
    schema = await again.schema()
    await again.close()
    assert (schema.missing, schema.newer) == ((), 2)
    assert db.execute("PRAGMA user_version").fetchone() == (len(STEPS) + 2,)
    db.close()


@pytest.mark.parametrize("what", ["no directory", "a directory", "no database"])
async def test_a_path_that_is_no_database_is_named(tmp_path: Path, what: str) -> None:
    """With a sentence, not a traceback."""
    path = tmp_path / "x" / "a.db" if what == "no directory" else tmp_path / "a.db"
    if what == "a directory":
        path.mkdir()
    if what == "no database":
        path.write_bytes(b"this is no database at all" * 100)
    store = store_at(path)
    with pytest.raises(StoreUnavailable):
        await store.open()
    await store.close()


async def test_operations_on_a_closed_store_are_refused(tmp_path: Path) -> None:
    """At once, and as what they are: no answer."""
    store = store_at(tmp_path / "a.db")
    with pytest.raises(StoreUnavailable):
        await store.applications.get("key")
    await store.open()
    await store.upgrade()
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.applications.insert("key", {})


async def test_close_finishes_what_was_begun(tmp_path: Path) -> None:
    """Everything submitted is committed and answered."""
    store = store_at(tmp_path / "a.db")
    await store.open()
    await store.upgrade()
    writes = [asyncio.create_task(store.applications.insert(f"k{n}", {})) for n in range(500)]
    await asyncio.sleep(0)
    await store.close()
    assert await asyncio.gather(*writes) == ["v"] * 500


async def test_one_failure_in_a_batch_is_its_own(tmp_path: Path) -> None:
    """Writes that share a transaction don't share their errors."""
    store = store_at(tmp_path / "a.db")
    await store.open()
    await store.upgrade()
    keys = ["a", "b", "a", "c", "b", "d"]
    outcomes = await asyncio.gather(
        *(store.applications.insert(key, {}) for key in keys), return_exceptions=True
    )
    assert [isinstance(o, str) for o in outcomes] == [True, True, False, True, False, True]
    assert len((await store.applications.list()).items) == 4
    await store.close()


async def test_a_locked_database_is_unavailable_and_recovers(tmp_path: Path) -> None:
    """Another process holds the write lock: a clear error in bounded time, then all is well."""
    store = store_at(tmp_path / "a.db", patience=2)
    await store.open()
    await store.upgrade()
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await asyncio.wait_for(store.applications.insert("key", {}), 10)
    assert await store.applications.get("key") is None
    reader = store_at(tmp_path / "a.db", patience=0.5)
    await reader.open()  # what is up to date is opened without writing
    await reader.upgrade()
    assert await reader.applications.get("key") is None
    await reader.close()
    other.execute("ROLLBACK")
    other.close()
    await store.applications.insert("key", {})
    await store.close()


RACER = """
import asyncio, json, sys
from apogee_idp.errors import AlreadyExists
from apogee_idp.stores.sqlite import SqliteStore

async def race():
    store = SqliteStore(sys.argv[1], now=lambda: 0, new_id=lambda: sys.argv[2])
    await store.open()
    await store.upgrade()
    won = []
    for n in range(50):
        try:
            await store.applications.insert(f"key-{n}", {"by": sys.argv[2]})
            won.append(n)
        except AlreadyExists:
            pass
    await store.close()
    print(json.dumps(won))

asyncio.run(race())
"""


async def test_several_processes_share_one_file(tmp_path: Path) -> None:
    """They may even create it together; every key has one winner."""
    racers = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            RACER,
            str(tmp_path / "a.db"),
            f"racer-{n}",
            stdout=asyncio.subprocess.PIPE,
        )
        for n in range(4)
    ]
    outputs = [(await racer.communicate())[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 4
    won = [n for output in outputs for n in json.loads(output)]
    assert sorted(won) == list(range(50))


async def test_what_nobody_waits_for_is_not_begun(tmp_path: Path) -> None:
    """A caller who was told that a write failed must not find it done later."""
    store = store_at(tmp_path / "a.db", patience=0.5)
    await store.open()
    await store.upgrade()
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    first = asyncio.create_task(store.applications.insert("first", {}))  # keeps the writer busy
    await asyncio.sleep(0)  # it is submitted ...
    while not store._writer._queue.empty():  # ... and taken
        await asyncio.sleep(0)
    waiting = [asyncio.create_task(store.applications.insert(f"k{n}", {})) for n in range(20)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    other.execute("ROLLBACK")
    other.close()
    await first
    await store.applications.insert("last", {})
    keys = [item.key for item in (await store.applications.list()).items]
    await store.close()
    assert keys == ["first", "last"]


async def test_an_operation_that_exits_ends_no_thread(tmp_path: Path) -> None:
    """The store goes on."""
    store = store_at(tmp_path / "a.db")
    await store.open()
    await store.upgrade()

    def leave(db: sqlite3.Connection) -> None:
        sys.exit(3)

    with pytest.raises(StoreUnavailable, match="SystemExit"):
        await store._writer.run(leave)
    await store.applications.insert("key", {})
    await store.close()


OPENER = """
import asyncio, sys
from apogee_idp.stores.sqlite import SqliteStore

async def main():
    for n in range(20):
        store = SqliteStore(f"{sys.argv[1]}/{n}.db", now=lambda: 0, new_id=lambda: "v")
        print("ready", flush=True)
        sys.stdin.readline()
        await store.open()
        await store.upgrade()
        await store.close()

asyncio.run(main())
"""


async def test_processes_may_make_the_file_in_the_same_instant(tmp_path: Path) -> None:
    """The switch to WAL is refused without waiting while another process does it."""
    command, pipe = (sys.executable, "-c", OPENER, str(tmp_path)), asyncio.subprocess.PIPE
    openers = [
        await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe) for _ in range(2)
    ]
    for _ in range(20):
        for opener in openers:
            assert opener.stdout is not None
            assert await opener.stdout.readline() == b"ready\n"
        for opener in openers:
            assert opener.stdin is not None
            opener.stdin.write(b"\n")
    assert [await opener.wait() for opener in openers] == [0, 0]


async def test_a_cancelled_caller_leaves_the_store_working(tmp_path: Path) -> None:
    """A time-out must not wedge the writer."""
    store = store_at(tmp_path / "a.db")
    await store.open()
    await store.upgrade()
    task = asyncio.create_task(store.applications.insert("key", {}))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.applications.insert("another", {})
    await store.close()


async def test_what_expires_holds_no_writer_up(tmp_path: Path) -> None:
    """Of this process or of another: they need not wait until all of it is cleaned away."""
    store, other = store_at(tmp_path / "a.db"), store_at(tmp_path / "a.db")
    for each in (store, other):
        await each.open()
        await each.upgrade()
    expired = [(f"key-{n}", NOW) for n in range(40 * EXPIRED_AT_ONCE)]
    with closing(sqlite3.connect(tmp_path / "a.db")) as db, db:
        db.executemany("INSERT INTO sessions VALUES (?, 'v', ?, '{}')", expired)
    expiring = asyncio.create_task(store.sessions.expire())
    await asyncio.sleep(0)  # it has begun
    await store.users.insert("here", {})
    await other.users.insert("there", {})
    rest = await other.sessions.expire()
    assert rest > EXPIRED_AT_ONCE
    assert await expiring + rest == len(expired)
    for each in (store, other):
        await each.close()


async def test_nothing_is_scanned_but_what_is_listed(tmp_path: Path) -> None:
    """Of any collection that grows with the traffic; nor when what has expired is cleaned away."""
    store = store_at(tmp_path / "a.db")
    await store.open()
    await store.upgrade()
    seen: list[str] = []
    for worker in (store._writer, store._reader):
        await worker.run(lambda db: db.set_trace_callback(seen.append))
    for name in EXPIRING:
        documents: Collection = getattr(store, name)
        version = await documents.insert("key", {}, expires_at=NOW + 1)
        await documents.replace("key", {"n": 1}, version=version)
        await documents.list()
        assert await documents.take("key")
        await documents.delete("key")
        await documents.expire()
    await store.close()
    db = sqlite3.connect(tmp_path / "a.db")
    asked = {text for text in seen if text.startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))}
    plans = {text: [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {text}")] for text in asked}
    db.close()
    assert len([text for text in asked if "IN (SELECT" in text]) == len(EXPIRING)
    for text, plan in plans.items():
        assert not any(step.startswith("SCAN") for step in plan), (text, plan)
        if "IN (SELECT" in text:
            assert any("_expires_at (expires_at<?)" in step for step in plan), plan
