"""What every store must do: each operation, races, expiry, cursors, and what none may keep."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from apogee_idp.errors import AlreadyExists, Conflict, InvalidDocument, StoreError
from apogee_idp.model import Client, ClientSecret, Scope, TokenProfile, frozen
from apogee_idp.stores.base import Collection, Store
from apogee_idp.stores.repositories import clients_in, scopes_in

from .conftest import NOW, Clock

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
    """R-K8-04: an older or newer program's members survive; None removes one."""
    version = await documents.insert("key", {"ours": 1, "theirs": {"x": [1]}, "gone": 1})
    await documents.replace("key", {"ours": 2, "gone": None}, version=version)
    stored = await documents.get("key")
    assert stored is not None
    assert stored.document == {"ours": 2, "theirs": {"x": [1]}}


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


async def test_expired_documents_count_as_absent(documents: Collection, clock: Clock) -> None:
    """F-DB-11: at the very second, in every operation, cleaned or not."""
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


async def test_members_that_are_None_are_not_stored(documents: Collection) -> None:
    """By insert as by replace; deeper down None is a value."""
    await documents.insert("key", {"a": None, "b": {"c": None}})
    stored = await documents.get("key")
    assert stored is not None
    assert stored.document == {"b": {"c": None}}


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
async def test_a_race_has_one_winner(
    documents: Collection, kind: str, long: Callable[[int, int], int]
) -> None:
    """F-DB-03: 20 racers for each of 100 keys, all at once (torture: 20 times over)."""
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


async def test_check_says_what_the_store_is(store: Store) -> None:
    """One line for a person."""
    assert "SQLite" in await store.check()


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
        "client_id": "billing",
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
    theirs = {"client_id": "billing", "redirect_uris": ["https://a"], "settings": {"x": "y"}}
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
        pytest.param({"client_id": None}, id="no id"),
        pytest.param({"client_id": 5}, id="an id of another type"),
        pytest.param({"client_id": "usr_x"}, id="a user's id"),
        pytest.param({"client_id": "another"}, id="another client's id"),
        pytest.param(
            {"properties": {"apogee": {"secrets": [{"id": "a", "hash": 5}]}}}, id="a hash of 5"
        ),
        pytest.param({"permissions": [1]}, id="a permission of another type"),
        pytest.param({"properties": {"apogee": {"secrets": [{"x": 1}]}}}, id="a secret of nothing"),
        pytest.param({"properties": "text"}, id="properties that are text"),
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
    await store.applications.insert("billing", {"client_id": "billing"} | damage)
    with pytest.raises(StoreError, match="billing can't be read"):
        await clients_in(store).get("billing")


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
    assert [scope async for scope in scopes.all()] == added
