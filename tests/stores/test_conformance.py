"""What every store must do: each operation, races, expiry, cursors, restart, telling of changes,
and what none may keep."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from apogee_idp.errors import (
    AlreadyExists,
    Conflict,
    InvalidDocument,
    StoreError,
    UnreadableDocument,
)
from apogee_idp.model import Client, ClientSecret, Scope, TokenProfile, frozen, thawed
from apogee_idp.stores.base import ANYTHING, Change, Collection, Store, Stored
from apogee_idp.stores.expiry import EXPIRED_AT_ONCE
from apogee_idp.stores.repositories import clients_in, scopes_in
from apogee_idp.stores.values import ABSENT

from .conftest import NOW, Clock, NewStore, opened

RACERS = 20


@pytest.fixture
def documents(store: Store) -> Collection:
    return store.applications


async def test_what_is_inserted_is_read_back(documents: Collection) -> None:
    """Every kind of JSON value, unchanged."""
    document = {
        "text": "Grüße 🔑 \u2028",
        "empty": "",
        "whole": 2**63 - 1,
        "negative": -(2**63),
        "fraction": 0.5,
        "truth": [True, False, None],
        "nested": {"list": [{"deep": {}}], "empty": []},
    }
    version = await documents.insert("key", document)
    stored = await documents.get("key")
    assert stored is not None
    assert (stored.key, stored.document, stored.version) == ("key", document, version)


async def test_an_unknown_key_is_none(documents: Collection) -> None:
    """Absence is an answer, not an error."""
    assert await documents.get("nobody") is None
    assert await documents.take("nobody") is None
    assert await documents.delete("nobody") is False


async def test_keys_are_exact(documents: Collection) -> None:
    """F-CA-02: neither case nor normalisation makes two keys one."""
    for key in ("client", "Client", "client ", "cliént", "clie\u0301nt"):
        await documents.insert(key, {"key": key})
    assert (await documents.get("Client")).document == {"key": "Client"}  # type: ignore[union-attr]
    assert await documents.get("CLIENT") is None


async def test_a_key_is_taken_once(documents: Collection) -> None:
    """And the loser changes nothing."""
    await documents.insert("key", {"of": "the first"})
    with pytest.raises(AlreadyExists):
        await documents.insert("key", {"of": "the second"})
    assert (await documents.get("key")).document == {"of": "the first"}  # type: ignore[union-attr]


async def test_replace_is_a_compare_and_set(documents: Collection) -> None:
    """Only the version that was read can be replaced, and each change has a new version."""
    first = await documents.insert("key", {"n": 1})
    second = await documents.replace("key", {"n": 2}, version=first)
    assert first != second
    with pytest.raises(Conflict):
        await documents.replace("key", {"n": 3}, version=first)
    with pytest.raises(Conflict):
        await documents.replace("nobody", {"n": 3}, version=first)
    assert (await documents.get("key")).document == {"n": 2}  # type: ignore[union-attr]


async def test_members_that_are_not_named_are_kept(documents: Collection) -> None:
    """R-K8-04: an older or newer program's members survive, at every depth."""
    before = {"ours": {"a": 1, "b": {"c": [1, 2]}}, "theirs": {"x": [1]}, "gone": 1, "text": "t"}
    version = await documents.insert("key", before)
    changes = {
        "ours": {"b": {"c": [3], "d": None}, "a": ABSENT},
        "gone": ABSENT,
        "text": {"now": {"a": "mapping"}},
        "new": {"er": {"still": ABSENT, "there": 1}},
        "never": ABSENT,
    }
    await documents.replace("key", changes, version=version)
    stored = await documents.get("key")
    assert stored is not None
    assert stored.document == {
        "ours": {"b": {"c": [3], "d": None}},
        "theirs": {"x": [1]},
        "text": {"now": {"a": "mapping"}},
        "new": {"er": {"there": 1}},
    }


async def test_delete_may_name_a_version(documents: Collection) -> None:
    """Then it deletes that version or nothing."""
    version = await documents.insert("key", {})
    with pytest.raises(Conflict):
        await documents.delete("key", version="another")
    assert await documents.delete("key", version=version) is True
    assert await documents.delete("key") is False


async def test_lists_are_walked_by_cursor(documents: Collection) -> None:
    """In the order of keys, whatever comes or goes between two pages."""
    for n in range(7):
        await documents.insert(f"key-{n}", {"n": n})
    first = await documents.list(limit=3)
    assert [item.key for item in first.items] == ["key-0", "key-1", "key-2"]
    await documents.delete("key-2")
    await documents.delete("key-3")
    await documents.insert("key-00", {})
    second = await documents.list(after=first.after, limit=3)
    assert [item.key for item in second.items] == ["key-4", "key-5", "key-6"]
    assert second.after is None


async def test_a_page_that_is_full_by_chance_ends_the_list(documents: Collection) -> None:
    """No empty page behind the last one."""
    for n in range(3):
        await documents.insert(f"key-{n}", {})
    assert (await documents.list(limit=3)).after is None


@pytest.mark.parametrize("limit", [0, -1, 101])
async def test_a_page_has_a_bounded_size(documents: Collection, limit: int) -> None:
    """1 to 100."""
    with pytest.raises(ValueError, match="limit"):
        await documents.list(limit=limit)


async def test_F_DB_11_expired_documents_count_as_absent(
    documents: Collection, clock: Clock
) -> None:
    """At the very second, in every operation, cleaned or not."""
    await documents.insert("short", {"n": 1}, expires_at=NOW + 10)
    await documents.insert("long", {"n": 2}, expires_at=NOW + 99)
    await documents.insert("ever", {"n": 3})
    clock.now = NOW + 9
    assert await documents.get("short") is not None
    clock.now = NOW + 10
    assert await documents.get("short") is None
    assert [item.key for item in (await documents.list()).items] == ["ever", "long"]
    with pytest.raises(Conflict):
        await documents.replace("short", {}, version="version-0")
    assert await documents.take("short") is None
    await documents.insert("short", {"n": 4})
    assert (await documents.get("short")).document == {"n": 4}  # type: ignore[union-attr]


async def test_an_expired_document_can_not_be_changed(documents: Collection, clock: Clock) -> None:
    """Not even by who knows its version."""
    version = await documents.insert("key", {"n": 1}, expires_at=NOW + 1)
    clock.now = NOW + 1
    with pytest.raises(Conflict):
        await documents.replace("key", {"n": 2}, version=version)
    with pytest.raises(Conflict):
        await documents.delete("key", version=version)


async def test_an_expired_key_can_be_taken_again(documents: Collection, clock: Clock) -> None:
    """Without waiting for anyone to clean."""
    await documents.insert("key", {"n": 1}, expires_at=NOW + 1)
    with pytest.raises(AlreadyExists):
        await documents.insert("key", {"n": 2})
    clock.now = NOW + 1
    await documents.insert("key", {"n": 2})


async def test_a_replaced_document_still_expires(documents: Collection, clock: Clock) -> None:
    """A change must not make it live for ever."""
    version = await documents.insert("key", {"n": 1}, expires_at=NOW + 10)
    await documents.replace("key", {"n": 2}, version=version)
    clock.now = NOW + 10
    assert await documents.get("key") is None


async def test_members_that_are_absent_are_not_stored(documents: Collection) -> None:
    """At every depth; None is a value like any other."""
    await documents.insert("key", {"a": ABSENT, "b": {"c": None, "d": ABSENT}, "e": None})
    stored = await documents.get("key")
    assert stored is not None
    assert stored.document == {"b": {"c": None}, "e": None}


async def test_times_are_the_same_in_every_time_zone(
    documents: Collection, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written in one, read in another, in the hour that daylight saving repeats."""
    clock.now = 1_793_494_800  # 2026-11-01 01:00 UTC-04:00 in New York, an hour before the change
    for n, zone in enumerate(("America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati")):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        await documents.insert(f"key-{n}", {}, expires_at=clock.now + 3600)
    for zone in ("UTC", "Australia/Lord_Howe"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert len((await documents.list()).items) == 3
        assert await documents.expire() == 0
    clock.now += 3600
    assert [await documents.get(f"key-{n}") for n in range(3)] == [None] * 3
    assert await documents.expire() == 3
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("kind", ["sqlite file", "mongodb"], indirect=True)
async def test_what_was_written_is_there_after_a_restart(new_store: NewStore) -> None:
    """By any process that opens the store later, as it was."""
    async with opened(new_store()) as first:
        version = await first.applications.insert("key", {"n": 1}, expires_at=NOW + 9)
    async with opened(new_store()) as second:
        assert await second.applications.get("key") == Stored("key", {"n": 1}, version)


async def test_expire_cleans_and_counts(documents: Collection, clock: Clock) -> None:
    """Only what has expired."""
    for n in range(5):
        await documents.insert(f"key-{n}", {}, expires_at=NOW + n)
    clock.now = NOW + 2
    assert await documents.expire() == 3
    assert [item.key for item in (await documents.list()).items] == ["key-3", "key-4"]


async def test_collections_are_apart(store: Store) -> None:
    """The same key in each of them."""
    for collection in (store.applications, store.scopes, store.keys):
        await collection.insert("key", {})


Race = Callable[[Collection, str, str], Any]
RACES: dict[str, tuple[Race, type[Exception] | None]] = {
    "insert": (lambda c, key, _: c.insert(f"new-{key}", {}), AlreadyExists),
    "replace": (lambda c, key, version: c.replace(key, {"n": 2}, version=version), Conflict),
    "delete by version": (lambda c, key, version: c.delete(key, version=version), Conflict),
    "take": (lambda c, key, _: c.take(key), None),
}


@pytest.mark.parametrize("kind", RACES)
async def test_F_DB_03_a_race_has_one_winner(
    documents: Collection, kind: str, long: Callable[[int, int], int]
) -> None:
    """20 racers for each of 100 keys, all at once (torture: 20 times over)."""
    race, loss = RACES[kind]
    versions: dict[str, str] = {}

    async def run(key: str) -> bool:
        try:
            return await race(documents, key, versions[key]) is not None
        except StoreError as error:
            if type(error) is not loss:
                raise
            return False

    for heat in range(long(1, 20)):
        keys = [f"key-{heat}-{n}" for n in range(100)]
        versions |= {key: await documents.insert(key, {"n": 1}) for key in keys}
        racers = [key for key in keys for _ in range(RACERS)]
        won = await asyncio.gather(*map(run, racers))
        winners = Counter(key for key, has_won in zip(racers, won, strict=True) if has_won)
        assert winners == dict.fromkeys(keys, 1)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"n": 2**63}, id="F-DB-02 an integer beyond 64 bits"),
        pytest.param({"n": float("nan")}, id="F-DB-02 not a number"),
        pytest.param({"n": float("inf")}, id="F-DB-02 infinity"),
        pytest.param({"$set": 1}, id="F-DB-02 an operator as a name"),
        pytest.param({"a": {"b.c": 1}}, id="F-DB-02 a dot in a name"),
        pytest.param({"a": [{"": 1}]}, id="an empty name"),
        pytest.param({"a\0b": 1}, id="F-DB-02 NUL in a name"),
        pytest.param({"a": "b\0"}, id="NUL in a text"),
        pytest.param({"a": "\ud800"}, id="F-DB-02 a lone surrogate"),
        pytest.param({"\udfff": 1}, id="a lone surrogate in a name"),
        pytest.param({1: 1}, id="a number as a name"),
        pytest.param({"a": b"bytes"}, id="bytes"),
        pytest.param({"a": {1, 2}}, id="a set"),
        pytest.param([], id="no mapping"),
        pytest.param({"a": [ABSENT]}, id="absence in a list"),
        pytest.param({"a": "x" * 1024 * 1024}, id="F-DB-02 more than a mebibyte"),
        pytest.param({"_id": "x"}, id="A-MG-03 the driver's id"),
        pytest.param({"client_id": "x"}, id="A-MG-03 the key"),
        pytest.param({"concurrency_token": "x"}, id="A-MG-03 the version"),
        pytest.param({"expiration_date": 1}, id="A-MG-03 the expiry"),
    ],
)
async def test_what_not_every_store_can_keep_is_kept_by_none(
    documents: Collection, document: Any
) -> None:
    """Refused before it reaches the store, by insert and replace alike."""
    version = await documents.insert("there", {})
    with pytest.raises(InvalidDocument):
        await documents.insert("key", document)
    with pytest.raises(InvalidDocument):
        await documents.replace("there", document, version=version)
    assert await documents.get("key") is None


async def test_F_DB_02_depth_is_bounded(documents: Collection) -> None:
    """5,000 levels are refused without a RecursionError."""
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"d": deep}
    with pytest.raises(InvalidDocument, match="nested deeper"):
        await documents.insert("key", deep)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param({"$ne": None}, id="F-DB-01 an operator"),
        pytest.param(None, id="F-DB-01 nothing"),
        pytest.param(["a"], id="a list"),
        pytest.param(1, id="a number"),
        pytest.param(b"a", id="bytes"),
    ],
)
async def test_F_DB_01_a_key_is_text(documents: Collection, key: Any) -> None:
    """Whatever a request might smuggle in, no operation takes it for a query."""
    await documents.insert("key", {})
    for operation in (documents.get, documents.take, documents.delete):
        with pytest.raises(TypeError):
            await operation(key)
    with pytest.raises(TypeError):
        await documents.insert(key, {})


@pytest.mark.parametrize("key", ["", "a\0", "\ud800"])
async def test_unstorable_keys_are_refused(documents: Collection, key: str) -> None:
    """By name, not by the driver's exception."""
    with pytest.raises(InvalidDocument):
        await documents.get(key)


@pytest.mark.parametrize("version", [{"$ne": None}, None, 1])
async def test_F_DB_01_a_version_is_text(documents: Collection, version: Any) -> None:
    """Nor is a version taken for a query."""
    await documents.insert("key", {})
    with pytest.raises(TypeError):
        await documents.replace("key", {}, version=version)
    if version is not None:
        with pytest.raises(TypeError):
            await documents.delete("key", version=version)
    assert await documents.get("key") is not None


async def test_a_document_grows_to_its_bound_only(documents: Collection) -> None:
    """F-DB-02: what is there and what is added count together."""
    version = await documents.insert("key", {"a": "x" * 700_000})
    with pytest.raises(InvalidDocument):
        await documents.replace("key", {"b": "x" * 700_000}, version=version)
    await documents.replace("key", {"a": ABSENT, "b": "x" * 700_000}, version=version)


@pytest.mark.parametrize(
    ("expires_at", "error"),
    [("soon", TypeError), (1.5, TypeError), (True, TypeError), (-1, InvalidDocument)],
)
async def test_an_expiry_is_a_time(documents: Collection, expires_at: Any, error: Any) -> None:
    """In whole Unix seconds."""
    with pytest.raises(error):
        await documents.insert("key", {}, expires_at=expires_at)


async def test_every_change_is_told(store: Store) -> None:
    """Of each kind, with its key or for the whole collection; first of all, anything."""
    async with aclosing(store.changes()) as stream:
        assert await anext(stream) == (ANYTHING,)
        version = await store.applications.insert("key", {})
        assert _covers(await _next_changes(stream), Change("applications", "key"))
        version = await store.applications.replace("key", {"n": 1}, version=version)
        assert _covers(await _next_changes(stream), Change("applications", "key"))
        await store.applications.delete("key")
        assert _covers(await _next_changes(stream), Change("applications", "key"))
        await store.keys.insert("current", {})
        assert _covers(await _next_changes(stream), Change("keys", "current"))


async def test_what_one_change_touches_is_told_alone(store: Store) -> None:
    """A-HTTP: one client's change must not empty the cache of all others."""
    async with aclosing(store.changes()) as stream:
        await anext(stream)
        for n in range(5):
            await store.scopes.insert(f"scope-{n}", {})
        told: list[Change] = []
        while len(told) < 5:
            told += await _next_changes(stream)
        assert sorted(change.key or "" for change in told) == [f"scope-{n}" for n in range(5)]


async def _next_changes(stream: AsyncIterator[Sequence[Change]]) -> Sequence[Change]:
    async with asyncio.timeout(5):
        while True:
            if changes := await anext(stream):
                return changes


def _covers(changes: Sequence[Change], change: Change) -> bool:
    return change in changes or Change(change.collection) in changes


async def test_check_says_what_the_store_is(store: Store) -> None:
    """For a person; the clock of these tests is wrong on purpose."""
    findings = await store.check()
    assert [finding for finding in findings if not finding.ok and finding.name != "clock"] == []
    assert findings[0].detail.startswith(("SQLite 3.", "MongoDB "))


async def test_the_schema_is_up_to_date_after_an_upgrade(store: Store) -> None:
    """And another upgrade changes nothing."""
    schema = await store.schema()
    assert schema.done == len(schema.steps) > 0
    await store.upgrade()
    assert await store.schema() == schema


CLIENT = Client(
    "billing",
    display_name="Billing ☂",
    permissions=frozenset({"ept:token", "scp:a"}),
    requirements=frozenset({"ft:pkce"}),
    roles=("clerk", "auditor"),
    default_scopes=("a",),
    default_audience="api://x",
    skip_token_encryption=True,
    token_profile=TokenProfile("ES256", "JWT"),
    secrets=(ClientSecret("one", "sha256:00", 5, 9), ClientSecret("openiddict", "AQAAAA==")),
    created_at=NOW,
    properties=frozen({"team": {"mail": "a@b", "on_call": [1, 2]}}),
)


async def test_a_client_survives_the_round_trip(store: Store) -> None:
    """Every field, with its exact type, and the operator's own properties."""
    clients = clients_in(store)
    added = await clients.add(replace(CLIENT, secrets=CLIENT.secrets[:1]))
    assert await clients.get("billing") == added
    assert added == replace(
        CLIENT, secrets=CLIENT.secrets[:1], concurrency_token=added.concurrency_token
    )


async def test_a_client_has_OpenIddicts_shape_in_the_store(store: Store) -> None:
    """So that .NET can go on reading it."""
    await clients_in(store).add(CLIENT)
    stored = await store.applications.get("billing")
    assert stored is not None
    expected = {
        "client_type": "confidential",
        "application_type": "web",
        "client_secret": "AQAAAA==",
        "permissions": ["ept:token", "scp:a"],
        "requirements": ["ft:pkce"],
    }
    assert expected.items() <= stored.document.items()
    assert stored.document["properties"]["SkipTokenEncryption"] is True


async def test_an_update_keeps_what_it_does_not_know(store: Store) -> None:
    """Members that other programs wrote."""
    newer = {
        "future": 1,
        "token_profile": {"typ": "JWT", "future": 2},
        "secrets": [{"id": "a", "hash": "sha256:0", "future": 3}],
    }
    theirs = {"redirect_uris": ["https://a"], "settings": {"x": "y"}}
    ours = {"client_type": "confidential", "properties": {"apogee": newer, "team": "t"}}
    await store.applications.insert("billing", theirs | ours)
    clients = clients_in(store)
    client = await clients.get("billing")
    assert client is not None
    assert (client.token_profile.typ, client.secrets[0].id) == ("JWT", "a")
    await clients.update(replace(client, display_name="New"))
    stored = await store.applications.get("billing")
    assert stored is not None
    assert stored.document["redirect_uris"] == ["https://a"]
    assert stored.document["settings"] == {"x": "y"}
    assert stored.document["display_name"] == "New"
    properties = stored.document["properties"]
    assert properties["team"] == "t"
    kept = properties["apogee"]
    futures = (kept["future"], kept["token_profile"]["future"], kept["secrets"][0]["future"])
    assert futures == (1, 2, 3)


async def test_a_stale_client_is_not_written(store: Store) -> None:
    """A-MG-06: no lost update."""
    clients = clients_in(store)
    read = await clients.add(CLIENT)
    await clients.update(replace(read, display_name="One"))
    with pytest.raises(Conflict):
        await clients.update(replace(read, display_name="Two"))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(
            {"properties": {"apogee": {"secrets": [{"id": "a", "hash": 5}]}}}, id="a hash of 5"
        ),
        pytest.param({"permissions": [1]}, id="a permission of another type"),
        pytest.param({"properties": {"apogee": {"secrets": [{"x": 1}]}}}, id="a secret of nothing"),
        pytest.param({"properties": "text"}, id="properties that are text"),
        pytest.param({"properties": [["a", "b"]]}, id="properties that are pairs"),
        pytest.param({"properties": {"apogee": [["roles", []]]}}, id="facts that are pairs"),
        pytest.param({"client_type": 5}, id="a type of another type"),
        pytest.param({"permissions": "ept:token"}, id="permissions that are text"),
        *[
            pytest.param({"properties": {"apogee": facts}}, id=f"wrong {name}")
            for name, facts in {
                "roles": {"roles": "clerk"},
                "default scopes": {"default_scopes": "ab"},
                "default audience": {"default_audience": 5},
                "expiry": {"secrets": [{"id": "a", "hash": "b", "expires_at": "soon"}]},
                "time": {"created_at": 1.5},
                "algorithm": {"token_profile": {"signing_algorithm": "none"}},
                "typ": {"token_profile": {"typ": "jwt"}},
            }.items()
        ],
    ],
)
async def test_a_damaged_client_is_a_fault_and_no_answer(store: Store, damage: Any) -> None:
    """Never "unknown client", never a half-read one."""
    version = await store.applications.insert("billing", damage)
    with pytest.raises(UnreadableDocument, match="billing can't be read"):
        await clients_in(store).get("billing")
    with pytest.raises(UnreadableDocument):
        await clients_in(store).update(replace(CLIENT, concurrency_token=version))


async def test_a_person_is_no_client(store: Store) -> None:
    """A document under a user's id is a fault, too."""
    await store.applications.insert("usr_x", {})
    with pytest.raises(UnreadableDocument):
        await clients_in(store).get("usr_x")


async def test_an_update_writes_only_what_changed(store: Store) -> None:
    """And tells 1 from True, an empty mapping from none, a removed property from a kept one."""
    clients = clients_in(store)
    first = {"kept": 1, "typed": 1, "gone": 1, "deep": {"kept": 1, "gone": 1}}
    client = await clients.add(replace(CLIENT, properties=frozen(first)))
    second = {"kept": 1, "typed": True, "deep": {"kept": 1}, "new": {}}
    await clients.update(replace(client, properties=frozen(second)))
    read = await clients.get("billing")
    assert read is not None
    assert thawed(read.properties) == second
    assert read.properties["typed"] is True


async def test_scopes_survive_the_round_trip(store: Store) -> None:
    """More of them than one page holds."""
    scopes = scopes_in(store)
    added = [
        await scopes.add(
            Scope(
                f"s{n:03}",
                (f"https://{n}.example", "urn:x"),
                display_name="Name",
                description="Description",
                properties=frozen({"n": [n]}),
            )
        )
        for n in range(120)
    ]
    assert list((await scopes.all()).items) == added


@pytest.mark.parametrize("kind", ["sqlite file", "mongodb"], indirect=True)
@pytest.mark.parametrize("writer", ["this process", "another"])
async def test_others_write_while_much_expires(
    store: Store,
    new_store: NewStore,
    clock: Clock,
    long: Callable[[int, int], int],
    writer: str,
) -> None:
    """It goes in batches, between which writes come, of this process and of another."""
    expired = long(5 * EXPIRED_AT_ONCE, 100 * EXPIRED_AT_ONCE)
    for begin in range(0, expired, EXPIRED_AT_ONCE):
        keys = (f"key-{n}" for n in range(begin, begin + EXPIRED_AT_ONCE))
        await asyncio.gather(*(store.sessions.insert(key, {}, expires_at=NOW + 1) for key in keys))
    clock.now = NOW + 1
    async with opened(new_store()) as other:
        users = (store if writer == "this process" else other).users
        expiring = asyncio.create_task(store.sessions.expire())
        assert await _written_until(expiring, users) > 0
    assert await expiring == expired


async def _written_until(end: asyncio.Task[int], documents: Collection) -> int:
    """How many documents were inserted before that, one after the other."""
    written = 0
    while True:
        await documents.insert(str(written), {})
        if end.done():
            return written
        written += 1
