"""SIGKILL of the database under load: what it acknowledged is there afterwards."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

from apogee_idp.errors import StoreUnavailable
from apogee_idp.stores.base import Collection
from apogee_idp.stores.mongo import MongoStore
from tests.mongodb import MongoDB, MongoProcess

from .conftest import Clock, answered, opened

WRITERS = 8


class Writer:
    """Inserts, replaces and deletes one document in turn, and knows what may have come of it.

    A state is the number that the document holds, or None for no document.
    """

    def __init__(self, documents: Collection, key: str) -> None:
        self._documents = documents
        self._key = key
        self._count = 0
        self._version: str | None = None
        self._possible: set[int | None] = {None}
        self.acknowledged = 0

    async def write_for_ever(self) -> None:
        while True:
            try:
                await self._write()
            except StoreUnavailable:
                await self.look()

    async def look(self) -> None:
        """Waits until the store answers; fails if what it has is not what it acknowledged."""
        stored = await answered(lambda: self._documents.get(self._key))
        state = stored.document["n"] if stored else None
        assert state in self._possible
        self._possible = {state}
        self._version = stored.version if stored else None

    async def _write(self) -> None:
        self._count += 1
        deletes = self._version is not None and self._count % 5 == 0
        new_state = None if deletes else self._count
        self._possible.add(new_state)
        if self._version is None:
            self._version = await self._documents.insert(self._key, {"n": self._count})
        elif deletes:
            await self._documents.delete(self._key, version=self._version)
            self._version = None
        else:
            changes = {"n": self._count}
            self._version = await self._documents.replace(self._key, changes, version=self._version)
        self._possible = {new_state}
        self.acknowledged += 1


async def test_no_acknowledged_write_is_lost(
    tmp_path: Path,
    clock: Clock,
    new_id: Callable[[], str],
    long: Callable[[int, int], int],
    seed: int,
) -> None:
    """5 kills at random moments (torture: 100), the same store open throughout."""
    chance = random.Random(seed)
    with MongoProcess(str(tmp_path / "data")) as server:
        url = MongoDB(server.uri).url("apogee")
        async with opened(MongoStore(url, now=clock, new_id=new_id, patience=2)) as store:
            writers = [Writer(store.applications, f"key-{n}") for n in range(WRITERS)]
            writing = [asyncio.create_task(writer.write_for_ever()) for writer in writers]
            for _ in range(long(5, 100)):
                before = sum(writer.acknowledged for writer in writers)
                while sum(writer.acknowledged for writer in writers) < before + 50:
                    assert not any(task.done() for task in writing), writing
                    await asyncio.sleep(chance.uniform(0, 0.1))
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
            for task in writing:
                task.cancel()
            ended = await asyncio.gather(*writing, return_exceptions=True)
            assert [type(end) for end in ended] == [asyncio.CancelledError] * WRITERS
            for writer in writers:
                await writer.look()
            print(f"{sum(writer.acknowledged for writer in writers)} acknowledged writes kept")
