"""Caches under load: many changes a minute, each obeyed by every process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from apogee_idp.app import now, opened_store
from apogee_idp.crypto.secrets import generate_secret
from apogee_idp.management.clients import ClientCommands
from apogee_idp.management.registrations import ClientRegistration
from apogee_idp.settings import Settings
from apogee_idp.stores.base import Store
from apogee_idp.stores.repositories import clients_in
from tests.acting import acting
from tests.conftest import NewStoreUrl
from tests.process import environment
from tests.waiting import Elapsed, until

from .conftest import PATIENCE, servers
from .test_processes import BOUND, Env, grant

PER_MINUTE = 1000
CLIENTS = 50


@pytest.fixture
async def env(new_store_url: NewStoreUrl, key_encryption_key: str) -> Env:
    """Caches that would last for minutes, so that only word of a change renews them."""
    return environment(
        APOGEE_ISSUER="https://idp.example",
        APOGEE_STORE=await new_store_url(),
        APOGEE_KEY_ENCRYPTION_KEY=key_encryption_key,
        APOGEE_HANDLER_TIMEOUT=PATIENCE,
        APOGEE_CACHE_SECONDS="300",
    )


@pytest.fixture
def ports(env: Env, tmp_path: Path) -> Iterator[list[int]]:
    with servers(3, env, tmp_path) as ports:
        yield ports


class Changing:
    """Clients of one store, all with one secret, which are disabled and enabled in turn."""

    def __init__(self, store: Store, ports: list[int], http: aiohttp.ClientSession) -> None:
        self._store, self._ports, self._http = store, ports, http
        self._secret = generate_secret().value
        self.delays: list[float] = []

    async def begin(self) -> None:
        """They exist, and every server has them in its cache."""
        commands = ClientCommands(self._store, now=now, **acting(self._store))
        for n in range(CLIENTS):
            await commands.add(ClientRegistration(f"client-{n}"), secret=self._secret)
        for n in range(CLIENTS):
            for port in self._ports:
                await until(lambda n=n, port=port: self._is(200, n, port), BOUND)

    async def change(self, number: int) -> None:
        """One change, and the time until the server whose turn it is obeys it."""
        clients, n = clients_in(self._store), number % CLIENTS
        client = await clients.get(f"client-{n}")
        assert client is not None
        await clients.update(replace(client, enabled=not client.enabled))
        elapsed = Elapsed()
        expected = 401 if client.enabled else 200
        while not await self._is(expected, n, self._ports[number % len(self._ports)]):
            assert elapsed.seconds < BOUND, f"change {number} is not obeyed"
            await asyncio.sleep(0.1)
        self.delays.append(elapsed.seconds)

    async def _is(self, status: int, n: int, port: int) -> bool:
        return (await grant(self._http, port, f"client-{n}", self._secret))[0] == status


async def test_F_CA_01_a_thousand_changes_a_minute_are_each_obeyed_within_two_seconds(
    env: Env, ports: list[int], http: aiohttp.ClientSession, long: Callable[[int, int], int]
) -> None:
    """By three processes that none of them was made by."""
    async with opened_store(Settings(store=env["APOGEE_STORE"])) as store:
        changing = Changing(store, ports, http)
        await changing.begin()
        began, changes = time.monotonic(), long(100, PER_MINUTE)
        async with asyncio.TaskGroup() as group:
            for number in range(changes):
                due = began + number * 60 / PER_MINUTE
                await asyncio.sleep(max(0, due - time.monotonic()))
                group.create_task(changing.change(number))
    assert len(changing.delays) == changes
    print(f"slowest of {changes}: {max(changing.delays):.2f} s")
