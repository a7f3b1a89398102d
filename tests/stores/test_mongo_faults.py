"""A MongoDB server that loses answers, is no primary any more, or says nothing: over a proxy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from apogee_idp.errors import AlreadyExists, Conflict, StoreUnavailable
from apogee_idp.stores.base import ANYTHING
from apogee_idp.stores.mongo import MongoStore
from tests.mongodb import Databases
from tests.waiting import Elapsed
from tests.wire_proxy import NOT_PRIMARY, WireProxy

from .conftest import Clock, answered, opened

PATIENCE = 3.0


@pytest.fixture
def new_store(
    databases: Databases, proxy: WireProxy, clock: Clock, new_id: Callable[[], str]
) -> Callable[..., MongoStore]:
    """Stores on one database behind the proxy."""
    url = proxy.in_front_of(databases.new())

    def make(patience: float = PATIENCE) -> MongoStore:
        return MongoStore(url, now=clock, new_id=new_id, patience=patience)

    return make


@pytest.fixture
async def store(new_store: Callable[..., MongoStore]) -> AsyncIterator[MongoStore]:
    async with opened(new_store()) as ready:
        yield ready


async def test_F_DB_05_a_lost_answer_is_asked_for_again(
    store: MongoStore, proxy: WireProxy
) -> None:
    """Reads and writes whose effect can be recognised; each happens once."""
    documents = store.applications
    proxy.lose_reply("insert")
    version = await documents.insert("key", {"n": 1})
    with pytest.raises(AlreadyExists):
        await documents.insert("key", {"n": 2})
    proxy.lose_reply("update")
    version = await documents.replace("key", {"n": 2}, version=version)
    proxy.lose_reply("find")
    stored = await documents.get("key")
    assert stored is not None
    assert (stored.version, stored.document) == (version, {"n": 2})
    proxy.lose_reply("find")
    assert len((await documents.list()).items) == 1


async def test_F_DB_05_nobody_is_told_what_nobody_knows(
    store: MongoStore, proxy: WireProxy
) -> None:
    """An answer is lost, and another's document is there: was he faster, or is he the next?"""
    await store.applications.insert("key", {"n": 1})
    proxy.lose_reply("insert")
    with pytest.raises(StoreUnavailable):
        await store.applications.insert("key", {"n": 2})
    assert (await store.applications.get("key")).document == {"n": 1}  # type: ignore[union-attr]


async def test_F_DB_05_what_was_taken_does_not_come_back(
    store: MongoStore, proxy: WireProxy, new_store: Callable[..., MongoStore]
) -> None:
    """An insert whose answer was lost is not made again: it may have been taken meanwhile."""
    written = proxy.hold_reply("insert")
    inserting = asyncio.create_task(store.applications.insert("code", {}))
    async with asyncio.timeout(5), opened(new_store()) as other:
        await written.wait()
        assert await other.applications.take("code") is not None
        proxy.cut()
        with pytest.raises(StoreUnavailable):
            await inserting
        assert await answered(lambda: _absent(other, "code"))


async def test_F_DB_05_who_was_built_on_is_not_told_that_he_lost(
    store: MongoStore, proxy: WireProxy, new_store: Callable[..., MongoStore]
) -> None:
    """His write took effect, and another's after it."""
    version = await store.applications.insert("key", {"n": 1})
    written = proxy.hold_reply("update")
    replacing = asyncio.create_task(store.applications.replace("key", {"n": 2}, version=version))
    async with asyncio.timeout(5), opened(new_store()) as other:
        await written.wait()
        mine = await other.applications.get("key")
        assert mine is not None
        await other.applications.replace("key", {"n": 3}, version=mine.version)
        proxy.cut()
        with pytest.raises(StoreUnavailable):
            await replacing


@pytest.mark.parametrize("operation", ["take", "delete"])
async def test_F_DB_05_what_can_not_be_recognised_is_not_tried_again(
    store: MongoStore, proxy: WireProxy, operation: str
) -> None:
    """Nobody can say who removed a document: neither "I" nor "somebody else" would be true."""
    await store.applications.insert("key", {})
    proxy.lose_reply("delete")
    with pytest.raises(StoreUnavailable):
        await getattr(store.applications, operation)("key")
    assert await store.applications.get("key") is None


@pytest.mark.parametrize(
    ("command", "operation"),
    [
        ("insert", lambda c, _: c.insert("new", {})),
        ("update", lambda c, version: c.replace("key", {"n": 2}, version=version)),
        ("find", lambda c, _: c.get("key")),
    ],
)
async def test_F_DB_08_another_primary_is_found(
    store: MongoStore, proxy: WireProxy, command: str, operation: Callable[..., object]
) -> None:
    """With a heartbeat of half a second, well within the patience."""
    version = await store.applications.insert("key", {"n": 1})
    proxy.answer(command, NOT_PRIMARY)
    assert await operation(store.applications, version) is not None  # type: ignore[misc]


@pytest.mark.parametrize(
    ("command", "operation"),
    [
        ("insert", lambda c, _: c.insert("new", {"n": 2})),
        ("update", lambda c, version: c.replace("key", {"n": 2}, version=version)),
    ],
)
async def test_F_DB_08_what_was_written_before_the_refusal_is_known_again(
    store: MongoStore, proxy: WireProxy, command: str, operation: Callable[..., Any]
) -> None:
    """Not every "not primary" is true of what was asked: no one loses to himself."""
    version = await store.applications.insert("key", {"n": 1})
    proxy.edit(command, lambda _: NOT_PRIMARY)
    written = await operation(store.applications, version)
    stored = await store.applications.get("new" if command == "insert" else "key")
    assert stored is not None
    assert (stored.version, stored.document["n"]) == (written, 2)


async def test_F_DB_08_a_refused_insert_of_what_another_has_is_no_success(
    store: MongoStore, proxy: WireProxy
) -> None:
    """Only one's own version is known again."""
    await store.applications.insert("key", {"n": 1})
    proxy.answer("insert", NOT_PRIMARY)
    with pytest.raises(AlreadyExists):
        await store.applications.insert("key", {"n": 2})


@pytest.mark.parametrize("operation", ["take", "delete"])
async def test_what_changes_between_finding_and_removing_is_removed_as_it_is_then(
    store: MongoStore, proxy: WireProxy, new_store: Callable[..., MongoStore], operation: str
) -> None:
    """``take`` returns the newer document; who named the older version removes nothing."""
    version = await store.applications.insert("key", {"n": 1})
    found = proxy.hold_reply("find")
    by_version = {"version": version} if operation == "delete" else {}
    removing = asyncio.create_task(getattr(store.applications, operation)("key", **by_version))
    async with asyncio.timeout(5), opened(new_store()) as other:
        await found.wait()
        await other.applications.replace("key", {"n": 2}, version=version)
        proxy.cut()  # asks again, and finds the newer one
        if operation == "take":
            assert (await removing).document == {"n": 2}
        else:
            with pytest.raises(Conflict):
                await removing


async def test_a_stale_answer_removes_nothing(store: MongoStore, proxy: WireProxy) -> None:
    """What is removed is what was found, by its version, or it is looked for again."""
    version = await store.applications.insert("key", {"n": 1})
    stale: list[dict[str, Any]] = []
    proxy.edit("find", lambda reply: stale.append(reply) or reply)
    await store.applications.get("key")
    await store.applications.replace("key", {"n": 2}, version=version)
    proxy.edit("find", lambda _: stale[0])
    taken = await store.applications.take("key")
    assert taken is not None
    assert taken.document == {"n": 2}


async def test_a_second_loss_is_the_last(store: MongoStore, proxy: WireProxy) -> None:
    """Bounded: then the store is unavailable, and the write may have happened."""
    proxy.lose_reply("insert")
    proxy.lose_reply("update")
    with pytest.raises(StoreUnavailable):
        await store.applications.insert("key", {})
    assert await store.applications.get("key") is not None


async def test_F_DB_09_an_unconfirmed_write_is_no_success(
    store: MongoStore, proxy: WireProxy
) -> None:
    """The primary has it, but no majority: it may be rolled back."""
    unconfirmed = {"code": 64, "codeName": "WriteConcernTimeout", "errmsg": "waiting"}
    proxy.edit("insert", lambda reply: reply | {"writeConcernError": unconfirmed})
    with pytest.raises(StoreUnavailable, match="no majority"):
        await store.applications.insert("key", {})
    proxy.edit("delete", lambda reply: reply | {"writeConcernError": unconfirmed})
    findings = {finding.name: finding for finding in await store.check()}
    assert not findings["writes"].ok
    assert proxy.named("delete")[-1]["writeConcern"]["wtimeout"] == PATIENCE * 500


async def test_F_DB_06_silence_is_bounded(
    new_store: Callable[..., MongoStore], proxy: WireProxy
) -> None:
    """Every operation ends, also a hundred at once, and the store recovers by itself."""
    async with opened(new_store(patience=0.5)) as store:
        await store.applications.insert("key", {"n": 1})
        proxy.swallows = True
        elapsed = Elapsed()
        outcomes = await asyncio.gather(
            *(store.applications.get("key") for _ in range(100)),
            store.applications.insert("other", {}),
            return_exceptions=True,
        )
        assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
        assert elapsed.seconds < 4 * 0.5
        proxy.swallows = False
        proxy.cut()
        assert await answered(lambda: store.applications.get("key")) is not None


async def test_F_DB_06_no_server_is_bounded(
    new_store: Callable[..., MongoStore], proxy: WireProxy
) -> None:
    """Nothing listens: told within the patience, by the reason; then it comes, and is used."""
    await proxy.refuse()
    store = new_store(patience=0.5)
    elapsed = Elapsed()
    with pytest.raises(StoreUnavailable, match=r"no primary: .*refused"):
        await store.open()
    assert elapsed.seconds < 1.5
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.applications.insert("key", {})
    await proxy.listen()
    await answered(store.open)
    await store.upgrade()
    await store.applications.insert("key", {})
    await store.close()


async def test_F_DB_14_a_broken_stream_says_so(store: MongoStore, proxy: WireProxy) -> None:
    """After which whoever follows it begins anew, with anything."""
    stream = store.changes()
    assert await anext(stream) == (ANYTHING,)
    await proxy.refuse()
    async with asyncio.timeout(20):
        with pytest.raises(StoreUnavailable):
            await _read_on(stream)
    await proxy.listen()
    again = store.changes()
    assert await answered(lambda: anext(again)) == (ANYTHING,)
    await again.aclose()


@pytest.mark.parametrize("kind", ["insert", "replace"])
async def test_F_DB_05_races_with_lost_answers_have_one_winner(
    store: MongoStore, proxy: WireProxy, kind: str, long: Callable[[int, int], int]
) -> None:
    """20 racers for each key, while every tenth answer is lost."""
    documents = store.applications
    keys = [f"key-{n}" for n in range(long(10, 100))]
    versions = {key: await documents.insert(key, {}) for key in keys}

    async def race(key: str) -> str | None:
        """The version that this racer wrote, or None if it lost or can't tell."""
        try:
            if kind == "insert":
                return await documents.insert(f"new-{key}", {})
            return await documents.replace(key, {"n": 1}, version=versions[key])
        except (AlreadyExists, Conflict, StoreUnavailable):
            return None

    command = "insert" if kind == "insert" else "update"
    for _ in range(len(keys) * 2):
        proxy.lose_reply(command)
        for _ in range(9):
            proxy.edit(command, dict)
    winners = 0
    for key in keys:
        written = [v for v in await asyncio.gather(*(race(key) for _ in range(20))) if v]
        stored = await documents.get(f"new-{key}" if kind == "insert" else key)
        assert stored is not None
        assert written in ([], [stored.version])
        winners += len(written)
    assert winners


async def _absent(store: MongoStore, key: str) -> bool:
    return await store.applications.get(key) is None


async def _read_on(stream: AsyncIterator[object]) -> None:
    async for _ in stream:
        pass
