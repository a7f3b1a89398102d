"""Servers are restarted one after the other, under load: nobody notices."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import NewStoreUrl
from tests.following_proxy import Backend, FollowingProxy
from tests.process import Server, environment, free_port

from .conftest import PATIENCE
from .test_processes import Env, command

SERVERS = 3
PER_SECOND = 100
DRAIN = 1.0


@pytest.fixture
def backend() -> str:
    return "sqlite"


@pytest.fixture
async def env(new_store_url: NewStoreUrl, key_encryption_key: str) -> Env:
    return environment(
        APOGEE_ISSUER="https://idp.example",
        APOGEE_STORE=await new_store_url(),
        APOGEE_KEY_ENCRYPTION_KEY=key_encryption_key,
        APOGEE_HANDLER_TIMEOUT=PATIENCE,
    ) | {"APOGEE_DRAIN_SECONDS": str(DRAIN)}


class Callers:
    """Send so many requests a second, on kept connections and on new ones in turn."""

    def __init__(self, port: int, secret: str) -> None:
        self._url = f"http://127.0.0.1:{port}/connect/token"
        self._form = {
            "grant_type": "client_credentials",
            "client_id": "billing",
            "client_secret": secret,
        }
        self.outcomes: Counter[str] = Counter()

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[None]:
        """Until the end; then whatever was asked is answered."""
        kept = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=8))
        new = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        async with kept, new, asyncio.TaskGroup() as asking:
            ticking = asyncio.create_task(self._tick(asking, kept, new))
            try:
                yield
            finally:
                ticking.cancel()

    async def _tick(self, asking: asyncio.TaskGroup, *sessions: aiohttp.ClientSession) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            for session in sessions:
                due += 1 / PER_SECOND
                asking.create_task(self._ask(session))
                await asyncio.sleep(max(0, due - loop.time()))

    async def _ask(self, session: aiohttp.ClientSession) -> None:
        try:
            async with session.post(self._url, data=self._form) as answer:
                await answer.read()
                self.outcomes[str(answer.status)] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            self.outcomes[type(error).__name__] += 1


class Deployment:
    """Servers behind a proxy, each of which can be replaced by another."""

    def __init__(self, env: Env, cwd: Path, proxy: FollowingProxy) -> None:
        self._env, self._cwd, self._proxy = env, cwd, proxy
        self._servers: list[tuple[Server, Backend]] = []

    async def add(self) -> None:
        """A new server, once requests are sent to it."""
        backend = Backend(free_port(), free_port())
        env = self._env | {
            "APOGEE_PORT": str(backend.port),
            "APOGEE_HEALTH_PORT": str(backend.health),
        }
        self._servers.append((Server(env=env, cwd=self._cwd), backend))
        self._proxy.backends.append(backend)
        await self._proxy.until_ready(backend)

    async def restart_oldest(self) -> None:
        """It is told to stop, and another takes its place."""
        server, backend = self._servers.pop(0)
        assert await asyncio.to_thread(server.stop) == 0
        self._proxy.backends.remove(backend)
        await self.add()

    async def end(self) -> None:
        for server, _ in self._servers:
            await asyncio.to_thread(server.stop)


@pytest.fixture
async def proxy() -> AsyncIterator[FollowingProxy]:
    async with FollowingProxy() as proxy:
        yield proxy


@pytest.fixture
async def deployment(env: Env, tmp_path: Path, proxy: FollowingProxy) -> AsyncIterator[Deployment]:
    deployment = Deployment(env, tmp_path, proxy)
    try:
        await asyncio.gather(*(deployment.add() for _ in range(SERVERS)))
        yield deployment
    finally:
        await deployment.end()


async def test_F_RU_02_a_rolling_restart_loses_no_request(
    env: Env,
    tmp_path: Path,
    proxy: FollowingProxy,
    deployment: Deployment,
    long: Callable[[int, int], int],
) -> None:
    """Neither on connections that were there before nor on new ones; nobody tries twice."""
    made = await command(env, tmp_path, "clients", "create", "billing", "--json")
    callers = Callers(proxy.port, made["client_secret"])
    async with callers.calling():
        for _ in range(long(2, 50)):
            await deployment.restart_oldest()
    assert set(callers.outcomes) == {"200"}, callers.outcomes
    assert callers.outcomes["200"] > PER_SECOND
