"""A store that answers, but slowly: still no fault of a handler."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from apogee_idp import ProcessSignIn, Registry, Services, Stage
from apogee_idp.crypto.secrets import generate_secret
from apogee_idp.management.scopes import ScopeCommands
from apogee_idp.model import Scope
from tests.acting import acting
from tests.conftest import StartIdp, copy_store
from tests.idp import Idp
from tests.mongodb import Databases
from tests.waiting import Elapsed, until
from tests.wire_proxy import WireProxy

from .test_lost_store import all_word_has_arrived
from .test_processes import grant

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


async def test_F_DB_07_a_handler_that_asks_too_often_for_its_time_is_a_503(
    start_idp: StartIdp, databases: Databases, proxy: WireProxy, prepared_database: Path
) -> None:
    """Each answer comes in time, all together don't: the store's fault, not the handler's."""
    await copy_store(prepared_database, url := databases.new())

    def register(registry: Registry, services: Services) -> None:
        async def ask_often(_: ProcessSignIn) -> None:
            for _ in range(4):
                await services.users.get("usr_" + "x" * 22)

        registry.add(ProcessSignIn, ask_often, name="ask_often", order=Stage.VALIDATE_CLIENT + 1)

    idp = await start_idp(register=register, store=proxy.in_front_of(url), handler_timeout=1.0)
    secret = await idp.add_client()
    assert (await idp.grant("billing", secret)).status == 200
    proxy.slow_down("find", 0.3, times=100)
    answer = await idp.grant("billing", secret)
    assert (answer.status, answer.error) == (503, "temporarily_unavailable")


async def test_F_CA_01_five_hundred_misses_at_once_are_one_read(
    start_idp: StartIdp, databases: Databases, proxy: WireProxy, prepared_database: Path
) -> None:
    """From socket to store."""
    await copy_store(prepared_database, url := databases.new())
    idp = await start_idp(store=proxy.in_front_of(url), requests_in_flight=500)
    secret = await idp.add_client()
    await all_word_has_arrived(idp)
    proxy.slow_down("find", 1.0, times=100)
    before = len(proxy.named("find"))
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=0)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        answers = await asyncio.gather(
            *(grant(http, idp.port, "billing", secret) for _ in range(500))
        )
    assert {status for status, _ in answers} == {200}
    collections = [command["find"] for command in proxy.named("find")[before:]]
    assert collections.count("openiddict.applications") == 1


POOL = 32
"""Connections that one process opens for operations; a few more watch the store."""


@dataclass(frozen=True)
class Slowed:
    """A server in front of a store that takes its time, and the means to ask for many clients."""

    idp: Idp
    http: aiohttp.ClientSession
    secret: str

    async def ask(self, client_id: str) -> tuple[int, float]:
        """The status, and the seconds it took."""
        elapsed = Elapsed()
        status, _ = await grant(self.http, self.idp.port, client_id, self.secret)
        return status, elapsed.seconds

    async def ask_all(self, clients: int) -> list[tuple[int, float]]:
        return await asyncio.gather(*(self.ask(f"client-{n}") for n in range(clients)))


@pytest.fixture
async def slowed(
    start_idp: StartIdp, databases: Databases, proxy: WireProxy, prepared_database: Path
) -> AsyncIterator[Slowed]:
    """``known`` is in the cache, sixty others are not."""
    await copy_store(prepared_database, url := databases.new())
    idp = await start_idp(store=proxy.in_front_of(url), handler_timeout=2.0, cache_seconds=300)
    secret = generate_secret().value
    for client_id in ("known", *(f"client-{n}" for n in range(60))):
        await idp.add_client(client_id, secret=secret)

    async def is_known() -> bool:
        return (await idp.grant("known", secret)).status == 200

    await until(is_known, 10)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        yield Slowed(idp, http, secret)


async def test_F_DB_07_a_store_slowed_a_little_is_waited_for(
    slowed: Slowed, proxy: WireProxy
) -> None:
    """By 200 ms: the pool stays what it is, the known don't wait, all others have tokens soon."""
    proxy.slow_down("find", 0.2, times=10_000)
    asked = asyncio.create_task(slowed.ask_all(60))
    known = [await slowed.ask("known") for _ in range(5)]
    assert [status for status, _ in known] == [200] * 5
    assert {status for status, _ in await asked} <= {200, 503}

    async def have_come_back() -> bool:
        return {status for status, _ in await slowed.ask_all(60)} == {200}

    await until(have_come_back, 10)
    assert proxy.most_connections <= POOL + 4


async def test_F_DB_07_a_store_slowed_a_lot_is_not_waited_for(
    slowed: Slowed, proxy: WireProxy
) -> None:
    """By 5 s: a 503 within two seconds for all who need it, and nothing piles up behind them."""
    proxy.slow_down("find", 5, times=10_000)
    for _ in range(2):
        answers = await slowed.ask_all(60)
        assert {status for status, _ in answers} == {503}
        assert max(seconds for _, seconds in answers) < 2
        assert (await slowed.ask("known"))[0] == 200
        assert (await slowed.idp.send("GET", "/.well-known/jwks")).status == 200
    assert proxy.most_connections <= POOL + 4
    proxy.forget_faults()

    async def is_answered() -> bool:
        return {status for status, _ in await slowed.ask_all(60)} == {200}

    await until(is_answered, 10)
    assert proxy.most_connections <= 2 * POOL + 8
