"""A store that answers, but slowly: still no fault of a handler."""

from __future__ import annotations

from pathlib import Path

import pytest

from apogee_idp.management.scopes import ScopeCommands
from apogee_idp.model import Scope
from tests.acting import acting
from tests.conftest import StartIdp, copy_store
from tests.mongodb import Databases
from tests.wire_proxy import WireProxy

SCOPES = tuple(f"scope-{n}" for n in range(8))


@pytest.fixture
def backend() -> str:
    return "mongodb"


async def test_F_DB_07_many_scopes_are_read_in_the_time_of_one(
    start_idp: StartIdp, databases: Databases, proxy: WireProxy, prepared_database: Path
) -> None:
    """Eight reads of 0.3 s in a row would be longer than a handler may take."""
    await copy_store(prepared_database, url := databases.new())
    idp = await start_idp(store=proxy.in_front_of(url), handler_timeout=1.4)
    store = idp.installation.store
    for name in SCOPES:
        await ScopeCommands(store, **acting(store)).add(Scope(name))
    secret = await idp.add_client(scopes=SCOPES)
    proxy.slow_down("find", 0.3, times=100)
    answer = await idp.grant("billing", secret, scope=" ".join(SCOPES))
    assert answer.status == 200, answer.body
