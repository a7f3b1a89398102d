"""What was counted in memory is written down in the end, if that can be done in time."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from apogee_idp.app import new_id, now
from apogee_idp.foundation import _LAST_FLUSH_SECONDS, Foundation, Given, founded
from apogee_idp.keyring import KeyRing
from apogee_idp.model import Client
from apogee_idp.settings import Settings
from apogee_idp.stores.base import Store
from apogee_idp.stores.sqlite import SqliteStore
from tests.stores.conftest import opened

PATIENCE = 60.0


def patient(path: Path) -> SqliteStore:
    return SqliteStore(str(path), now=now, new_id=new_id, patience=PATIENCE)


@asynccontextmanager
async def counting(store: Store) -> AsyncIterator[Foundation]:
    """In which a secret was used, and a client refused."""
    ring = KeyRing(lambda: None, now=now)
    async with founded(Settings(), store, ring, Given(), now=now, new_id=new_id) as foundation:
        foundation.usage.note("billing", "secret", "192.0.2.1")
        foundation.refusals.note(Client("billing"), "invalid_client", "wrong secret")
        yield foundation


async def test_both_counts_are_written_in_the_end(tmp_path: Path) -> None:
    """However short a process has lived."""
    async with opened(patient(tmp_path / "store.db")) as store:
        async with counting(store):
            pass
        assert await store.secrets.get("secret")
        assert await store.refusals.get("billing")


async def test_a_slow_store_is_waited_for_once_for_both(tmp_path: Path) -> None:
    """Or a process would not end in the time that it has."""
    async with opened(patient(tmp_path / "store.db")) as store:
        with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other:
            async with counting(store):
                other.execute("BEGIN IMMEDIATE")
                began = time.monotonic()
            assert time.monotonic() - began < 2 * _LAST_FLUSH_SECONDS
