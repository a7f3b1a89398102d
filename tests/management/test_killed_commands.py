"""A process that is killed in the middle of a command: the server settles what it left."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from apogee_idp.app import now, opened_store
from apogee_idp.settings import Settings
from tests.acting import entries_in
from tests.conftest import StartIdp, copy_store
from tests.waiting import until

KILLED = """
import asyncio, os, sys
from apogee_idp.app import opened_store
from apogee_idp.management.scopes import ScopeCommands
from apogee_idp.model import Scope
from apogee_idp.settings import Settings
from tests.acting import acting

async def add_scope(url, moment):
    async with opened_store(Settings(store=url)) as store:
        kind = type(store.scopes)
        whole = kind.insert

        async def dying(self, *arguments, **options):
            if self is not store.scopes:
                return await whole(self, *arguments, **options)
            if moment == "after":
                await whole(self, *arguments, **options)
            os._exit(9)

        kind.insert = dying
        await ScopeCommands(store, **acting(store)).add(Scope("new"))

asyncio.run(add_scope(*sys.argv[1:]))
"""


@pytest.mark.parametrize(("moment", "outcome"), [("before", "unknown"), ("after", "done")])
async def test_F_PR_02_a_killed_command_is_settled_by_the_server(
    start_idp: StartIdp, empty_store_url: str, prepared_database: Any, moment: str, outcome: str
) -> None:
    """Done if the change is there; else the trail says that nobody knows."""
    await copy_store(prepared_database, empty_store_url)
    arguments = (empty_store_url, moment)
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, *arguments)
    assert await killed.wait() == 9
    async with opened_store(Settings(store=empty_store_url)) as store:
        (pending,) = await entries_in(store)
        assert (pending.key, pending.outcome) == ("new", "pending")
        assert (await store.scopes.get("new") is not None) == (moment == "after")
        await start_idp(store=empty_store_url, clock=lambda: now() + 61)

        async def is_settled() -> bool:
            (entry,) = await entries_in(store)
            return entry.outcome == outcome

        await until(is_settled, 10)
