"""A store that is lost while serving: who is known goes on for a while, nobody waits, no 500."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pymongo
import pytest

from tests.conftest import StartIdp, copy_store
from tests.idp import Idp
from tests.mongodb import Databases
from tests.wire_proxy import WireProxy

from .conftest import until

STALE = 2.0


@pytest.fixture
def backend() -> str:
    """The one whose connection can be tampered with."""
    return "mongodb"


StartLossy = Callable[..., Awaitable[Idp]]


@pytest.fixture
def start_lossy(
    start_idp: StartIdp, databases: Databases, proxy: WireProxy, prepared_database: Path
) -> StartLossy:
    """Starts a server whose store can be lost; its cache is good for STALE seconds without it."""

    async def start(cache_seconds: float) -> Idp:
        await copy_store(prepared_database, url := databases.new())
        return await start_idp(
            store=proxy.in_front_of(url),
            cache_seconds=cache_seconds,
            cache_stale_seconds=STALE,
            handler_timeout=1.0,
        )

    return start


@pytest.fixture
async def lossy(start_lossy: StartLossy) -> Idp:
    return await start_lossy(cache_seconds=0.05)


async def lose(proxy: WireProxy, how: str) -> None:
    if how == "refuses":
        await proxy.refuse()
    else:
        proxy.swallows = True


async def find(proxy: WireProxy, how: str) -> None:
    if how == "refuses":
        await proxy.listen()
    else:
        proxy.swallows = False
        proxy.cut()


@pytest.mark.parametrize("how", ["refuses", "swallows"])
async def test_F_DB_06_the_known_get_tokens_for_a_while(
    lossy: Idp, proxy: WireProxy, how: str
) -> None:
    """For ``cache_stale_seconds``; everyone else is told to come back, at once; then all are."""
    secret = await lossy.add_client()
    other = await lossy.add_client("other")
    assert (await lossy.grant("billing", secret, scope="")).status == 200
    await lose(proxy, how)
    lost_at = time.monotonic()
    for _ in range(20):
        began = time.monotonic()
        known = await lossy.grant("billing", secret)
        wrong = await lossy.grant("billing", secret[:-1])
        unknown = await lossy.grant("other", other)
        assert time.monotonic() - began < 2
        if time.monotonic() - lost_at < STALE * 0.8:
            assert (known.status, wrong.status) == (200, 401)
        assert (unknown.status, unknown.error) == (503, "temporarily_unavailable")
        assert unknown.headers["Retry-After"] == "1"
        assert (await lossy.send("GET", "/.well-known/jwks")).status == 200

    async def refused() -> bool:
        return (await lossy.grant("billing", secret)).status == 503

    await until(refused, STALE + 3)
    assert time.monotonic() - lost_at > STALE * 0.9
    await find(proxy, how)

    async def answered() -> bool:
        statuses = {(await lossy.grant(c, s)).status for c, s in lossy.secrets.items()}
        assert statuses <= {200, 503}
        return statuses == {200}

    await until(answered, 5)


async def test_a_lost_store_makes_unready_only_after_that_while(
    lossy: Idp, proxy: WireProxy
) -> None:
    """As long as it is of use, requests should be sent here."""
    readiness = lossy.installation.readiness
    assert readiness.is_ready
    assert readiness.problem is None
    await proxy.refuse()

    async def noticed() -> bool:
        return readiness.problem is not None

    await until(noticed, 5)
    assert readiness.is_ready

    async def given_up() -> bool:
        return not readiness.is_ready

    await until(given_up, STALE + 3)
    await proxy.listen()

    async def back() -> bool:
        return readiness.is_ready and readiness.problem is None

    await until(back, 5)


async def test_what_is_known_to_have_changed_is_not_served_from_memory(
    start_lossy: StartLossy, proxy: WireProxy, databases: Databases
) -> None:
    """Word of the change came, but the store can't be read: no token for a disabled client."""
    idp = await start_lossy(cache_seconds=300)
    secret = await idp.add_client()

    def enable(enabled: bool) -> None:
        with pymongo.MongoClient[dict[str, Any]](databases.url) as client:
            clients = client.get_default_database()["openiddict.applications"]
            change = {"$set": {"properties.apogee.enabled": enabled}}
            clients.update_one({"client_id": "billing"}, change)

    def is_answered_by(status: int) -> Callable[[], Awaitable[bool]]:
        async def ask() -> bool:
            return (await idp.grant("billing", secret)).status == status

        return ask

    assert await is_answered_by(200)()
    # With so long a cache only word of a change renews it: after this, all word has arrived.
    for enabled, status in ((False, 401), (True, 200)):
        enable(enabled)
        await until(is_answered_by(status), 2)
    overloaded = {"ok": 0.0, "code": 50, "codeName": "MaxTimeMSExpired", "errmsg": "slow"}
    proxy.answer("find", overloaded, times=10_000)
    assert await is_answered_by(200)()
    enable(False)
    await until(is_answered_by(503), 2)
