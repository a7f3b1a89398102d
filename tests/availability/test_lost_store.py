"""A store that is lost while serving: who is known goes on for a while, nobody waits, no 500."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pymongo
import pytest

from apogee_idp.crypto.secrets import generate_secret
from apogee_idp.model import TokenProfile
from tests.conftest import StartIdp, copy_store
from tests.idp import Answer, Idp
from tests.mongodb import Databases
from tests.waiting import Elapsed, until
from tests.wire_proxy import WireProxy

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

    async def start(cache_seconds: float, cache_stale_seconds: float = STALE) -> Idp:
        await copy_store(prepared_database, url := databases.new())
        return await start_idp(
            store=proxy.in_front_of(url),
            cache_seconds=cache_seconds,
            cache_stale_seconds=cache_stale_seconds,
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


async def all_word_has_arrived(idp: Idp) -> None:
    """A change of the keys comes behind all changes that were made before it."""
    keys = idp.installation.store.keys
    stored = await keys.get("current")
    assert stored is not None
    version = await keys.replace("current", {"keys": []}, version=stored.version)

    async def is_noticed() -> bool:
        return idp.installation.readiness.problem is not None

    await until(is_noticed, 2)
    await keys.replace("current", stored.document, version=version)

    async def is_well() -> bool:
        return idp.installation.readiness.problem is None

    await until(is_well, 2)


@pytest.fixture
async def known(lossy: Idp) -> Idp:
    """The server knows ``billing``, and there is ``other``, which it doesn't know."""
    await lossy.add_client()
    await lossy.add_client("other")
    await all_word_has_arrived(lossy)
    assert (await grant(lossy, "billing")).status == 200
    return lossy


async def grant(idp: Idp, client_id: str) -> Answer:
    return await idp.grant(client_id, idp.secrets[client_id])


@pytest.mark.parametrize("how", ["refuses", "swallows"])
async def test_F_DB_06_the_known_get_tokens_and_others_are_told_to_come_back(
    known: Idp, proxy: WireProxy, how: str
) -> None:
    """At once, all of them, for ``cache_stale_seconds``."""
    await lose(proxy, how)
    lost_at = time.monotonic()
    while time.monotonic() - lost_at < STALE * 0.6:
        elapsed = Elapsed()
        granted = await grant(known, "billing")
        wrong = await known.grant("billing", generate_secret().value)
        unknown = await grant(known, "other")
        assert elapsed.seconds < 2
        if time.monotonic() - lost_at < STALE * 0.8:
            assert (granted.status, wrong.status) == (200, 401)
        assert (unknown.status, unknown.error) == (503, "temporarily_unavailable")
        assert unknown.headers["Retry-After"] == "1"
        assert (await known.send("GET", "/.well-known/jwks")).status == 200


@pytest.mark.parametrize("how", ["refuses", "swallows"])
async def test_F_CA_01_that_while_ends_and_then_the_store_is_back(
    known: Idp, proxy: WireProxy, how: str
) -> None:
    """No token after ``cache_stale_seconds``, and all of them within seconds of its return."""
    await lose(proxy, how)
    lost_at = time.monotonic()

    async def refused() -> bool:
        return (await grant(known, "billing")).status == 503

    await until(refused, STALE + 3)
    assert time.monotonic() - lost_at > STALE * 0.9
    await find(proxy, how)

    async def answered() -> bool:
        statuses = {(await grant(known, client_id)).status for client_id in known.secrets}
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


@pytest.mark.parametrize("change", ["disabled", "deleted"])
async def test_what_is_known_to_have_changed_is_not_served_from_memory(
    start_lossy: StartLossy, proxy: WireProxy, databases: Databases, change: str
) -> None:
    """Word of the change came, but the store can't be read: no token for such a client."""
    idp = await start_lossy(cache_seconds=300, cache_stale_seconds=60)
    secret = await idp.add_client()

    def is_answered_by(status: int) -> Callable[[], Awaitable[bool]]:
        async def ask() -> bool:
            return (await idp.grant("billing", secret)).status == status

        return ask

    await all_word_has_arrived(idp)
    assert await is_answered_by(200)()
    overloaded = {"ok": 0.0, "code": 50, "codeName": "MaxTimeMSExpired", "errmsg": "slow"}
    proxy.answer("find", overloaded, times=10_000)
    assert await is_answered_by(200)()
    with pymongo.MongoClient[dict[str, Any]](databases.url) as client:
        clients = client.get_default_database()["openiddict.applications"]
        if change == "disabled":
            clients.update_one({}, {"$set": {"properties.apogee.enabled": False}})
        else:
            clients.delete_one({})
    await until(is_answered_by(503), 2)


@pytest.mark.parametrize("reference", [False, True], ids=["self-contained", "opaque"])
@pytest.mark.parametrize("how", ["refuses", "swallows"])
async def test_R_RV_04_nobody_is_told_what_the_store_did_not_say(
    known: Idp, proxy: WireProxy, how: str, reference: bool
) -> None:
    """Introspection and revocation are a 503 meanwhile; and what they say afterwards is true."""
    await known.allow("billing", "introspection", "revocation")
    await known.change_client("billing", token_profile=TokenProfile(reference=reference))
    await all_word_has_arrived(known)
    token = (await grant(known, "billing")).token
    assert token.startswith("apogee_at_") == reference
    secret = known.secrets["billing"]

    async def present(endpoint: str) -> Answer:
        return await known.present(endpoint, token, "billing", secret)

    assert (await present("introspect")).json["active"] is True
    await lose(proxy, how)
    told = [await present(endpoint) for endpoint in ("introspect", "revoke", "introspect")]
    if reference:
        told.append(await grant(known, "billing"))
    for answer in told:
        assert (answer.status, answer.error) == (503, "temporarily_unavailable")
        assert "Retry-After" in answer.headers
    await find(proxy, how)

    async def is_revoked() -> bool:
        return (await present("revoke")).status == 200

    async def is_told() -> bool:
        answer = await present("introspect")
        assert answer.status == 503 or answer.json == {"active": False}
        return answer.status != 503

    await until(is_revoked, 5)
    await until(is_told, 5)
