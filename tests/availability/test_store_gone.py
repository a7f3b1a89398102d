"""A store that is gone for a while: what goes on, what is refused and how soon, what is said."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.conftest import StartIdp, copy_store
from tests.idp import Idp
from tests.mongodb import Databases
from tests.process import free_port
from tests.waiting import Elapsed, until
from tests.wire_proxy import WireProxy

from .test_lost_store import all_word_has_arrived, find, lose

DOCUMENTS = ("jwks", "openid-configuration", "oauth-authorization-server")
NEEDS_THE_STORE = (
    ("POST", "/connect/introspect"),
    ("POST", "/connect/revoke"),
    ("GET", "/api/v1/clients"),
    ("GET", "/connect/authorize?client_id=other&redirect_uri=https://shop.example/callback"),
)


@pytest.fixture
def backend() -> str:
    """The one whose connection can be tampered with."""
    return "mongodb"


@dataclass(frozen=True)
class Probed:
    """A server with a client that it knows, one that it doesn't, and its health."""

    idp: Idp
    health: int
    http: aiohttp.ClientSession
    token: str

    async def ready(self) -> tuple[int, str, bool]:
        """Status code, what is said, and whether a problem is named."""
        async with self.http.get(f"http://127.0.0.1:{self.health}/readyz") as answer:
            told = await answer.json()
            return answer.status, told["status"], told["problem"] is not None

    async def alive(self) -> int:
        async with self.http.get(f"http://127.0.0.1:{self.health}/livez") as answer:
            return answer.status

    async def idp_status(self, path: str) -> int:
        return (await self.idp.send("GET", path)).status

    async def granted(self, client_id: str) -> int:
        return (await self.idp.grant(client_id, self.idp.secrets[client_id])).status

    async def asked(self, method: str, path: str) -> int:
        """What needs the store, asked with everything right."""
        options: dict[str, Any] = {"headers": {"Authorization": f"Bearer {self.token}"}}
        if method == "POST":
            form = {"client_id": "billing", "client_secret": self.idp.secrets["billing"]}
            options = {"data": form | {"token": self.token}}
        return (await self.idp.send(method, path, **options)).status


StartProbed = Callable[[float], Awaitable[Probed]]


@pytest.fixture
async def start_probed(
    start_idp: StartIdp, databases: Databases, proxy: WireProxy, prepared_database: Path
) -> AsyncIterator[StartProbed]:
    """Starts one, whose cache is good for so many seconds without the store."""
    async with aiohttp.ClientSession() as http:

        async def start(stale: float) -> Probed:
            await copy_store(prepared_database, url := databases.new())
            health = free_port()
            idp = await start_idp(
                store=proxy.in_front_of(url),
                health_port=health,
                handler_timeout=2.0,
                cache_stale_seconds=stale,
            )
            for client_id in ("billing", "other"):
                await idp.add_client(client_id)
            await idp.allow("billing", "introspection", "revocation")
            await idp.add_client("operator", scopes=("idp:admin",))
            await all_word_has_arrived(idp)
            token = (await idp.grant("operator", idp.secrets["operator"])).token
            probed = Probed(idp, health, http, token)
            assert await probed.granted("billing") == 200
            return probed

        yield start


async def within(seconds: float, answer: Awaitable[int]) -> int:
    elapsed = Elapsed()
    status = await answer
    assert elapsed.seconds < seconds
    return status


@pytest.mark.parametrize("how", ["refuses", "swallows"])
async def test_F_DB_06_a_store_that_is_gone_for_a_while(
    start_probed: StartProbed, proxy: WireProxy, how: str, long: Callable[[int, int], int]
) -> None:
    """Keys and known clients go on, all else is a 503 within two seconds, and it is said."""
    probed = await start_probed(60)
    await lose(proxy, how)
    gone_at = time.monotonic()

    async def is_said() -> bool:
        return await probed.ready() == (200, "degraded", True)

    await until(is_said, 3)
    while time.monotonic() < gone_at + long(3, 30):
        for document in DOCUMENTS:
            assert await within(2, probed.idp_status(f"/.well-known/{document}")) == 200
        assert await within(2, probed.granted("billing")) == 200
        assert await within(2, probed.granted("other")) == 503
        for method, path in NEEDS_THE_STORE:
            assert await within(2, probed.asked(method, path)) == 503
        assert await probed.alive() == 200
    await find(proxy, how)

    async def is_back() -> bool:
        statuses = [await probed.granted(name) for name in ("billing", "other")]
        return statuses == [200, 200] and await probed.ready() == (200, "ready", False)

    await until(is_back, 5)


@pytest.mark.parametrize("how", ["refuses", "swallows"])
async def test_readiness_turns_within_three_seconds_where_nothing_is_served_without_the_store(
    start_probed: StartProbed, proxy: WireProxy, how: str
) -> None:
    """With ``cache_stale_seconds = 0``; and back within five."""
    probed = await start_probed(0)
    await lose(proxy, how)

    async def is_not_ready() -> bool:
        return await probed.ready() == (503, "not ready", True)

    await until(is_not_ready, 3)
    assert await within(2, probed.idp_status("/.well-known/jwks")) == 200
    await find(proxy, how)

    async def is_back() -> bool:
        return await probed.ready() == (200, "ready", False)

    await until(is_back, 5)
