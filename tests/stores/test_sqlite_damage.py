"""A row that somebody else has damaged: a fault of this row, not of the others."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apogee_idp.errors import UnreadableDocument
from apogee_idp.model import Client
from apogee_idp.refusals import Refusals
from apogee_idp.secret_usage import SecretUsage
from apogee_idp.stores.base import Store

from .conftest import Clock, NewStore, opened

pytestmark = pytest.mark.parametrize("kind", ["sqlite file"], indirect=True)


async def damage(new_store: NewStore, path: Path, table: str, document: str) -> None:
    """Makes the store, with the row ``damaged``."""
    async with opened(new_store()) as store:
        await getattr(store, table).insert("damaged", {})
    with sqlite3.connect(path) as db:
        db.execute(f"UPDATE {table} SET document = ?", (document,))
    db.close()


@pytest.mark.parametrize(
    "document", ["{", "[]", "5", "[" * 100_000], ids=lambda document: repr(document[:3])
)
async def test_a_damaged_row_is_told_from_one_that_is_not_there(
    new_store: NewStore, tmp_path: Path, document: str
) -> None:
    """Whatever one asks of it."""
    await damage(new_store, tmp_path / "store.db", "sessions", document)
    async with opened(new_store()) as store:
        for asked in (
            store.sessions.get("damaged"),
            store.sessions.list(),
            store.sessions.replace("damaged", {}, version="v"),
            store.sessions.take("damaged"),
        ):
            with pytest.raises(UnreadableDocument, match="sessions: a document is no JSON"):
                await asked


def noting_refusals(store: Store, clock: Clock) -> Callable[[], Any]:
    """What flushes the refusals of two clients, the first of which has a damaged document."""
    refusals = Refusals(store.refusals, now=clock)
    for client_id in ("damaged", "other"):
        refusals.note(Client(client_id), "invalid_client", "wrong secret")
    return refusals.flush


def noting_usage(store: Store, clock: Clock) -> Callable[[], Any]:
    """The same, of the use of two secrets."""
    usage = SecretUsage(store.secrets, now=clock)
    for secret_id in ("damaged", "other"):
        usage.note("billing", secret_id, "192.0.2.1")
    return usage.flush


@pytest.mark.parametrize(
    ("table", "noting"), [("refusals", noting_refusals), ("secrets", noting_usage)]
)
async def test_a_damaged_row_keeps_nobody_elses_out(
    new_store: NewStore,
    tmp_path: Path,
    clock: Clock,
    table: str,
    noting: Callable[[Store, Clock], Callable[[], Any]],
) -> None:
    """Neither of what is counted."""
    await damage(new_store, tmp_path / "store.db", table, "{")
    async with opened(new_store()) as store:
        await noting(store, clock)()
        assert await getattr(store, table).get("other")
