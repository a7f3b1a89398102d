"""Threads that own a SQLite connection each, and what is submitted to them."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar, cast

from ..errors import StoreUnavailable
from ..waiting import for_store

Result = TypeVar("Result")
Operation = Callable[[sqlite3.Connection], Result]

_MAXIMUM_BATCH = 256
_MAXIMUM_WAITING = 10_000


class Worker:
    """A thread with a connection of its own, to which operations are submitted.

    A writing worker commits whatever has queued up in one transaction, so that a disk's sync is
    shared by all who wait for it; an operation that fails is rolled back alone.
    """

    def __init__(
        self,
        name: str,
        database: str,
        connect: Callable[[], sqlite3.Connection],
        patience: float,
        *,
        writes: bool,
    ) -> None:
        self._name = name
        self._patience = patience
        self._database = database
        self._connect = connect
        self._writes = writes
        self._queue: queue.Queue[Job[Any] | None] = queue.Queue(_MAXIMUM_WAITING)
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        """Connects, if it hasn't yet; raises StoreUnavailable. Then the thread takes operations."""
        if self._thread is not None:
            return
        try:
            db = await asyncio.to_thread(self._connect)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"SQLite can't open {self._database}: {error}") from error
        self._thread = threading.Thread(target=self._work, args=(db,), name=self._name, daemon=True)
        self._thread.start()

    async def run(self, operation: Operation[Result]) -> Result:
        if self._thread is None:
            raise StoreUnavailable("the SQLite store is not open")
        job: Job[Result] = Job(operation)
        try:
            self._queue.put_nowait(job)
        except queue.Full:
            raise StoreUnavailable("too many operations wait for SQLite") from None
        try:
            async with asyncio.timeout(self._patience):
                with for_store():
                    return await job.future
        except TimeoutError:
            raise StoreUnavailable("SQLite did not answer in time") from None

    async def stop(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.to_thread(self._queue.put, None)
            await asyncio.to_thread(thread.join)

    def _work(self, db: sqlite3.Connection) -> None:
        last = False
        while not last:
            batch, last = self._next_batch()
            if batch:
                self._perform(db, batch)
        db.close()

    def _next_batch(self) -> tuple[list[Job[Any]], bool]:
        batch: list[Job[Any]] = []
        job = self._queue.get()
        while job is not None:
            batch.append(job)
            if len(batch) == _MAXIMUM_BATCH:
                return batch, False
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _perform(self, db: sqlite3.Connection, batch: list[Job[Any]]) -> None:
        try:
            if self._writes:
                _in_one_transaction(db, batch)
            else:
                for job in batch:
                    job.attempt(db)
        except sqlite3.Error as error:
            for job in batch:
                job.fail(StoreUnavailable(f"SQLite: {error}"))
        for job in batch:
            job.deliver()


class Job(Generic[Result]):
    """An operation, and where its outcome goes."""

    def __init__(self, operation: Operation[Result]) -> None:
        self._operation = operation
        self._loop = asyncio.get_running_loop()
        self._result: Result | None = None
        self._error: Exception | None = None
        self.future: asyncio.Future[Result] = self._loop.create_future()

    def attempt(self, db: sqlite3.Connection) -> bool:
        """Runs the operation and keeps its outcome; whether it succeeded.

        What nobody waits for any more is not begun.
        """
        if self.future.cancelled():
            return True
        try:
            self._result = self._operation(db)
        except sqlite3.Error as error:
            self._error = StoreUnavailable(f"SQLite: {error}")
        except (KeyboardInterrupt, StopIteration, SystemExit) as error:
            # Neither a thread nor a future can pass these on.
            self._error = StoreUnavailable(f"an operation raised {type(error).__name__}")
        except Exception as error:
            self._error = error
        return self._error is None

    def fail(self, error: Exception) -> None:
        """Replaces the outcome: what surrounds the operation failed."""
        self._error = error

    def deliver(self) -> None:
        """Hands the outcome to whoever still waits, on their own loop."""
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        if self.future.done():
            return
        if self._error is not None:
            self.future.set_exception(self._error)
        else:
            self.future.set_result(cast(Result, self._result))


def _in_one_transaction(db: sqlite3.Connection, batch: list[Job[Any]]) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        for job in batch:
            db.execute("SAVEPOINT job")
            if not job.attempt(db):
                db.execute("ROLLBACK TO job")
            db.execute("RELEASE job")
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
