"""What only the MongoDB store has: OpenIddict's documents, concerns, indexes, a lease, streams."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pymongo
import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex
from pymongo.collection import Collection as RawCollection
from pymongo.database import Database

from apogee_idp.errors import Conflict, SettingsError, StoreUnavailable, UnreadableDocument
from apogee_idp.model import Client, ClientSecret, Scope, frozen
from apogee_idp.stores.base import ANYTHING, Change
from apogee_idp.stores.mongo import MongoStore
from apogee_idp.stores.mongo_schema import STEPS
from apogee_idp.stores.repositories import clients_in, scopes_in
from apogee_idp.stores.values import COLLECTIONS, EXPIRING
from tests.mongodb import Databases, MongoDB, MongoProcess
from tests.wire_proxy import WireProxy

from .conftest import NOW, Clock, opened

Raw = dict[str, Any]
PREFIX = "openiddict"


@pytest.fixture
def url(databases: Databases) -> str:
    return databases.new()


@pytest.fixture
def database(url: str) -> Iterator[Database[Raw]]:
    """The database as any other program sees it."""
    with pymongo.MongoClient[Raw](url) as client:
        yield client.get_default_database()


@pytest.fixture
def applications(database: Database[Raw]) -> RawCollection[Raw]:
    return database["openiddict.applications"]


@pytest.fixture
def new_store(url: str, clock: Clock, new_id: Callable[[], str]) -> Callable[..., MongoStore]:
    def make(url: str = url, **options: Any) -> MongoStore:
        return MongoStore(url, now=clock, new_id=new_id, **options)

    return make


@pytest.fixture
async def store(new_store: Callable[..., MongoStore]) -> AsyncIterator[MongoStore]:
    async with opened(new_store()) as ready:
        yield ready


THEIRS: Raw = {
    "application_type": "web",
    "client_id": "m2m",
    "client_secret": "AQAAAAEAACcQAAAA",
    "client_type": "Confidential",
    "concurrency_token": "5f1e1a0e-0000-4000-8000-000000000000",
    "consent_type": "implicit",
    "display_names": {"de-AT": "Maschine"},
    "json_web_key_set": {"keys": [{"kty": "EC"}]},
    "permissions": ["ept:token", "gt:client_credentials", "scp:roles"],
    "post_logout_redirect_uris": [],
    "settings": {"tkn_lft:act": "01:00:00"},
    "properties": {
        "SkipTokenEncryption": True,
        "a.b": {"$odd": 1},
        "when": dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        "number": Int64(5),
        "price": Decimal128("1.10"),
        "owner": ObjectId(),
        "id": Binary.from_uuid(uuid.uuid4()),
        "pattern": Regex("^a", "i"),
    },
}
"""A document as OpenIddict's, with members that JSON does not have."""


async def test_an_OpenIddict_database_opens_as_it_is(
    store: MongoStore, applications: RawCollection[Raw]
) -> None:
    """Its clients are read, whatever else stands in their documents."""
    applications.insert_one(dict(THEIRS))
    client = await clients_in(store).get("m2m")
    assert client is not None
    assert (client.client_type, client.skip_token_encryption) == ("confidential", True)
    assert client.permits_grant_type("client_credentials")
    assert client.secrets == (ClientSecret("openiddict", "AQAAAAEAACcQAAAA"),)
    assert client.concurrency_token == THEIRS["concurrency_token"]
    assert type(client.properties["number"]) is int
    assert client.properties["price"] == "1.10"


async def test_R_K8_04_an_update_leaves_what_is_not_ours(
    store: MongoStore, applications: RawCollection[Raw]
) -> None:
    """To the byte: types that JSON lacks, names that we would not write, empty arrays."""
    applications.insert_one(dict(THEIRS))
    before = applications.find_one() or {}
    clients = clients_in(store)
    client = await clients.get("m2m")
    assert client is not None
    await clients.update(replace(client, display_name="New", roles=("clerk",)))
    after = applications.find_one() or {}
    ours = after["properties"].pop("apogee")
    assert ours["roles"] == ["clerk"]
    assert after.pop("display_name") == "New"
    assert after.pop("client_type") == "confidential"
    assert after.pop("requirements") == []
    assert after.pop("concurrency_token") != before.pop("concurrency_token")
    del before["client_type"]
    assert after == before
    assert type(after["properties"]["number"]) is Int64
    assert list(after) == [name for name in before if name in after]


async def test_a_document_without_version_can_be_changed(
    store: MongoStore, applications: RawCollection[Raw]
) -> None:
    """A tool that is not OpenIddict may have written it."""
    applications.insert_one({k: v for k, v in THEIRS.items() if k != "concurrency_token"})
    clients = clients_in(store)
    client = await clients.get("m2m")
    assert client is not None
    await clients.update(replace(client, display_name="New"))
    with pytest.raises(Conflict):
        await clients.update(replace(client, display_name="Newer"))


async def test_the_concurrency_token_is_honoured(
    store: MongoStore, applications: RawCollection[Raw]
) -> None:
    """Whoever changed it in between wins, whatever program it was."""
    clients = clients_in(store)
    client = await clients.add(Client("billing"))
    applications.update_one({}, {"$set": {"concurrency_token": str(uuid.uuid4())}})
    with pytest.raises(Conflict):
        await clients.update(replace(client, display_name="New"))


async def test_a_change_without_a_new_token_is_not_lost(
    store: MongoStore, applications: RawCollection[Raw]
) -> None:
    """The original's own tool changes documents so; we write only what we change."""
    clients = clients_in(store)
    client = await clients.add(Client("billing"))
    applications.update_one({}, {"$set": {"consent_type": "explicit", "properties.x": 1}})
    await clients.update(replace(client, display_name="New"))
    after = applications.find_one() or {}
    assert (after["consent_type"], after["display_name"]) == ("explicit", "New")


async def test_what_we_write_has_OpenIddicts_shape(
    store: MongoStore, database: Database[Raw]
) -> None:
    """Its members and types; all else stands under ``properties``."""
    await clients_in(store).add(Client("billing", skip_token_encryption=True, roles=("clerk",)))
    await scopes_in(store).add(Scope("invoices", ("https://a",), description="D"))
    application = database["openiddict.applications"].find_one() or {}
    assert set(application) <= {
        *("_id", "application_type", "client_id", "client_secret", "client_type"),
        *("concurrency_token", "consent_type", "display_name", "display_names"),
        *("json_web_key_set", "permissions", "post_logout_redirect_uris", "properties"),
        *("redirect_uris", "requirements", "settings"),
    }
    assert type(application["_id"]) is ObjectId
    assert application["properties"]["SkipTokenEncryption"] is True
    assert set(application["properties"]) == {"SkipTokenEncryption", "apogee"}
    scope = database["openiddict.scopes"].find_one() or {}
    assert type(scope["_id"]) is ObjectId
    assert {"name": "invoices", "resources": ["https://a"], "description": "D"}.items() <= (
        scope.items()
    )


async def test_what_expires_has_OpenIddicts_date(
    store: MongoStore, applications: RawCollection[Raw]
) -> None:
    """A BSON date in UTC."""
    await store.applications.insert("key", {}, expires_at=NOW)
    raw = applications.find_one() or {}
    assert raw["expiration_date"].replace(tzinfo=dt.UTC).timestamp() == NOW


async def test_the_prefix_is_a_setting(
    new_store: Callable[..., MongoStore], database: Database[Raw]
) -> None:
    """Of every collection, ours included."""
    async with opened(new_store(prefix="idp.x")) as store:
        await store.keys.insert("current", {})
        await store.applications.insert("billing", {})
    names = database.list_collection_names()
    assert sorted(names) == [
        "idp.x.apogee.assertions",
        "idp.x.apogee.authorizations",
        "idp.x.apogee.idempotency",
        "idp.x.apogee.interactions",
        "idp.x.apogee.keys",
        "idp.x.apogee.refusals",
        "idp.x.apogee.revocations",
        "idp.x.apogee.schema",
        "idp.x.apogee.sessions",
        "idp.x.apogee.tokens",
        "idp.x.applications",
        "idp.x.scopes",
    ]


async def test_F_DB_09_what_is_asked_of_every_operation(
    new_store: Callable[..., MongoStore], proxy: WireProxy, url: str
) -> None:
    """A majority, the journal and the primary, even if the URL asks for less."""
    weak = "&w=0&journal=false&readConcernLevel=local&readPreference=secondary&wTimeoutMS=0"
    behind = proxy.in_front_of(url)
    async with opened(new_store(url=behind + weak)) as store:
        version = await store.applications.insert("key", {})
        await store.applications.replace("key", {"n": 1}, version=version)
        await store.applications.list()
        await store.applications.expire()
        assert await store.applications.take("key")
    writes = proxy.named("insert", "update", "delete", "createIndexes")
    assert len({next(iter(command)) for command in writes}) == 4
    for command in writes:
        assert command["writeConcern"] == {"w": "majority", "j": True}, command
        ours = command.get("insert", command.get("update", "")).endswith(".applications")
        assert 0 < command["maxTimeMS"] <= (5_000 if ours else 60_000)
    for command in proxy.named("find"):
        assert command["readConcern"]["level"] == "majority"
        # What the driver says to a single server that it was told to connect to directly.
        assert command["$readPreference"] == {"mode": "primaryPreferred"}


async def test_F_DB_06_what_is_bounded(new_store: Callable[..., MongoStore], url: str) -> None:
    """Selection, connecting, sockets and waiting for one; the heartbeat finds a new primary."""
    endless = "&serverSelectionTimeoutMS=99999&connectTimeoutMS=99999&waitQueueTimeoutMS=99999"
    store = new_store(url=url + endless, patience=2)
    options = store._client.options
    pool = options.pool_options
    await store.close()
    assert store._client.read_preference.mongos_mode == "primary"
    assert options.server_selection_timeout == 2
    assert (pool.connect_timeout, pool.socket_timeout, pool.wait_queue_timeout) == (2, 2.5, 2)
    assert (pool.max_pool_size, options.heartbeat_frequency) == (32, 0.5)


async def test_F_DB_01_keys_and_versions_are_compared_by_value(
    new_store: Callable[..., MongoStore], proxy: WireProxy, url: str
) -> None:
    """Under ``$eq``, so that no value is ever an operator."""
    behind = proxy.in_front_of(url)
    async with opened(new_store(url=behind)) as store:
        version = await store.applications.insert("key", {})
        await store.applications.replace("key", {}, version=version)
        await store.applications.delete("key")
    filters = [
        *(command["filter"] for command in proxy.named("find")),
        *(update["q"] for command in proxy.named("update") for update in command["updates"]),
        *(delete["q"] for command in proxy.named("delete") for delete in command["deletes"]),
    ]
    ours = [query for query in filters if "client_id" in query]
    assert len(ours) == 4
    for query in ours:
        assert list(query["client_id"]) == ["$eq"]
        assert list(query.get("concurrency_token", {"$eq": ""})) == ["$eq"]


@pytest.mark.parametrize(
    "index",
    [
        pytest.param({"name": "client_id_1"}, id="under the driver's name"),
        pytest.param({"name": "ByClientId"}, id="under another name"),
    ],
)
async def test_an_index_that_is_there_will_do(
    new_store: Callable[..., MongoStore], applications: RawCollection[Raw], index: Raw
) -> None:
    """OpenIddict's own documentation has a script that makes them."""
    applications.create_index("client_id", unique=True, **index)
    async with opened(new_store()) as store:
        assert all(finding.ok for finding in await store.check() if finding.name == "index")
    assert len(applications.index_information()) == 2


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="not unique"),
        pytest.param(
            {"unique": True, "partialFilterExpression": {"client_type": "public"}}, id="partial"
        ),
    ],
)
async def test_an_index_in_the_way_is_named(
    new_store: Callable[..., MongoStore], applications: RawCollection[Raw], options: Raw
) -> None:
    """And what to do about it; one for some of the documents only is not enough either."""
    applications.create_index("client_id", **options)
    async with opened(new_store()) as store:
        (problem,) = await store.upgrade()
        missing = (await store.schema()).missing
    assert "not unique: drop it, then run `apogee-idp db upgrade`" in problem
    assert missing == ("unique index on applications.client_id",)


async def test_documents_in_the_way_are_named(
    new_store: Callable[..., MongoStore], applications: RawCollection[Raw]
) -> None:
    """OpenIddict makes no index, so an old database may have a client twice; all else works."""
    applications.insert_many([{"client_id": name} for name in ("twice", "twice", "once")])
    async with opened(new_store()) as store:
        (problem,) = await store.upgrade()
        assert re.search(r"have the same client_id.*delete all but one", problem)
        assert await store.applications.get("once")
        for ambiguous in (store.applications.get, store.applications.take):
            with pytest.raises(UnreadableDocument, match="several documents"):
                await ambiguous("twice")
        with pytest.raises(StoreUnavailable, match="nothing is added"):
            await store.applications.insert("new", {})
        await store.scopes.insert("new", {})
        applications.delete_one({"client_id": "twice"})
        assert await store.upgrade() == ()
        await store.applications.insert("new", {})
        assert await store.applications.get("twice")


async def test_F_DB_13_an_index_that_got_lost_is_found_and_made(
    store: MongoStore, new_store: Callable[..., MongoStore], applications: RawCollection[Raw]
) -> None:
    """Whatever the record of steps says."""
    applications.drop_index("client_id_1")
    findings = await store.check()
    (finding,) = [each for each in findings if not each.ok and each.name != "clock"]
    assert finding.detail == (
        "unique index on applications.client_id missing: run `apogee-idp db upgrade`"
    )
    async with opened(new_store()):
        assert "client_id_1" in applications.index_information()


async def test_a_database_that_has_still_to_be_filled_is_fine(
    new_store: Callable[..., MongoStore],
) -> None:
    """Nothing is wrong with it, and check leaves it empty."""
    store = new_store()
    await store.open()
    assert {finding.name for finding in await store.check() if not finding.ok} <= {"clock"}
    assert (await store.schema()).done == 0
    await store.close()


async def test_a_later_versions_schema_will_do(
    new_store: Callable[..., MongoStore], database: Database[Raw], applications: RawCollection[Raw]
) -> None:
    """Its steps only add: an old program goes on beside the new ones, and takes nothing back."""
    async with opened(new_store()):
        pass
    applications.create_index("later.member")
    later = {"done": len(STEPS) + 2, "of a later version": True}
    database["openiddict.apogee.schema"].update_one({"_id": "schema"}, {"$set": later})
    async with opened(new_store()) as store:
        version = await store.applications.insert("key", {"n": 1})
        await store.applications.replace("key", {"n": 2}, version=version)
        assert await store.applications.take("key")
        schema = await store.schema()
    assert (schema.missing, schema.newer) == ((), 2)
    record = database["openiddict.apogee.schema"].find_one()
    assert record is not None
    assert record.items() >= later.items()
    assert "later.member_1" in applications.index_information()


async def test_R_K8_03_of_many_that_upgrade_at_once_one_does_it(
    new_store: Callable[..., MongoStore], proxy: WireProxy, url: str
) -> None:
    """The others wait until it is done."""
    behind = proxy.in_front_of(url)
    stores = [new_store(url=behind) for _ in range(8)]
    await asyncio.gather(*(store.upgrade() for store in stores))
    assert len(proxy.named("createIndexes")) == len(STEPS)
    assert [(await store.schema()).done for store in stores] == [len(STEPS)] * 8
    for store in stores:
        await store.close()


async def test_F_PR_03_a_dead_holders_lease_runs_out(
    new_store: Callable[..., MongoStore], database: Database[Raw], clock: Clock
) -> None:
    """Until then an upgrade waits; afterwards it goes on where the other stopped."""
    record = {"_id": "schema", "done": 1, "lease_owner": "dead", "lease_until": NOW + 5}
    database["openiddict.apogee.schema"].insert_one(record)
    store = new_store()
    upgrading = asyncio.create_task(store.upgrade())
    assert await asyncio.wait({upgrading}, timeout=0.5) == (set(), {upgrading})
    clock.now = NOW + 5
    await upgrading
    assert database["openiddict.apogee.schema"].find_one() == {
        "_id": "schema",
        "done": len(STEPS),
    }
    await store.close()


@pytest.mark.parametrize("until", [NOW + 3600, "soon", None, [NOW]])
async def test_F_PR_03_a_lease_that_no_clock_could_have_given_is_none(
    new_store: Callable[..., MongoStore], database: Database[Raw], until: object
) -> None:
    """Its holder's clock was ahead, or somebody else wrote there."""
    record = {"_id": "schema", "lease_owner": "dead", "lease_until": until}
    database["openiddict.apogee.schema"].insert_one(record)
    async with asyncio.timeout(4), opened(new_store()) as store:
        assert (await store.schema()).done == len(STEPS)


async def test_F_DB_05_a_lost_answer_does_not_lock_an_upgrade_out(
    new_store: Callable[..., MongoStore], proxy: WireProxy, url: str
) -> None:
    """Its own lease is no obstacle to it."""
    proxy.lose_reply("update")
    store = new_store(url=proxy.in_front_of(url), patience=1)
    with pytest.raises(StoreUnavailable):
        await store.upgrade()
    async with asyncio.timeout(3):
        await store.upgrade()
    await store.close()


@pytest.mark.parametrize("done", ["abc", None, [1], {}, 1.5])
async def test_a_damaged_record_of_the_schema_is_told(
    new_store: Callable[..., MongoStore], database: Database[Raw], done: object
) -> None:
    """In words, not as a programming error."""
    database["openiddict.apogee.schema"].insert_one({"_id": "schema", "done": done})
    store = new_store()
    with pytest.raises(UnreadableDocument):
        await store.open()
    await store.close()


@pytest.mark.parametrize(
    "version", [5, 0, False, "", None, 1.5, {"a": 1}, ObjectId("a" * 24)], ids=repr
)
async def test_a_version_that_is_no_text_counts_as_none(
    store: MongoStore, applications: RawCollection[Raw], version: object
) -> None:
    """Such a document can be changed and deleted like any other."""
    applications.insert_one({"client_id": "odd", "concurrency_token": version})
    applications.insert_one({"client_id": "odder", "concurrency_token": version})
    stored = await store.applications.get("odd")
    assert stored is not None
    await store.applications.replace("odd", {"n": 1}, version=stored.version)
    assert await store.applications.delete("odder")
    assert (await store.applications.get("odd")).document == {"n": 1}  # type: ignore[union-attr]


async def test_F_DB_01_a_key_that_is_no_text_is_no_key(
    store: MongoStore, applications: RawCollection[Raw]
) -> None:
    """Of an array, MongoDB compares each element: such a document is no one's, and stays."""
    for key in (["a", "b"], 5, None, {"a": 1}):
        applications.insert_one({"client_id": key})
    await store.applications.insert("c", {})
    for operation in (store.applications.get, store.applications.take, store.applications.delete):
        with pytest.raises(UnreadableDocument):
            await operation("a")
    assert [item.key for item in (await store.applications.list()).items] == ["c"]
    assert list(await store.applications.versions()) == ["c"]
    assert applications.count_documents({}) == 5


async def test_a_document_that_changes_all_the_time_is_given_up(
    new_store: Callable[..., MongoStore], proxy: WireProxy, url: str
) -> None:
    """Removing it ends, by itself or by the patience."""
    async with opened(new_store(url=proxy.in_front_of(url))) as store:
        await store.applications.insert("key", {})
        proxy.answer("delete", {"ok": 1.0, "n": 0}, times=1000)
        with pytest.raises(StoreUnavailable, match="faster"):
            await store.applications.take("key")
        assert len(proxy.named("delete")) < 100


async def test_F_DB_12_clocks_apart_are_found(
    new_store: Callable[..., MongoStore], clock: Clock
) -> None:
    """By check, with the difference."""
    async with opened(new_store()) as store:
        for away, ok in ((0, True), (-600, False), (600, False)):
            clock.now = round(dt.datetime.now(dt.UTC).timestamp()) + away
            (finding,) = [finding for finding in await store.check() if finding.name == "clock"]
            assert finding.ok is ok, finding
    assert re.search("(599|600|601) s apart", finding.detail)


async def test_an_old_server_is_found(
    new_store: Callable[..., MongoStore], proxy: WireProxy, url: str
) -> None:
    """By check, with its version and ours."""
    behind = proxy.in_front_of(url)
    old = {"version": "4.4.29", "versionArray": [4, 4, 29, 0]}
    proxy.edit("buildInfo", lambda reply: reply | old)
    async with opened(new_store(url=behind)) as store:
        finding = (await store.check())[0]
    assert (finding.ok, "4.4.29" in finding.detail, "5 or newer" in finding.detail) == (
        False,
        True,
        True,
    )


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("mongodb://u:hush/hush@host/db", id="a password with a slash"),
        pytest.param("mongodb://u:hu@sh@host/db", id="a password with an at sign"),
        pytest.param("mongodb://u:hush@host", id="no database"),
        pytest.param("mongodb://u:hush@host:99999/db", id="a port that is none"),
        pytest.param("mongodb:///db", id="no host"),
        pytest.param("mongodb://u:hush@host/db?tls=perhaps", id="an option that is none"),
        pytest.param("mongodb://u:hush@host/db?tls=true&tlsCAFile=/none", id="no such file"),
    ],
)
async def test_A_SEC_01_an_unusable_URL_is_refused_without_repeating_it(
    new_store: Callable[..., MongoStore], url: str
) -> None:
    """Its parts may be a password's."""
    with pytest.raises(SettingsError) as refusal:
        new_store(url=url)
    assert "hush" not in str(refusal.value)
    assert "mongodb://user:password@host1,host2/database" in str(refusal.value)


async def test_F_CA_02_a_collation_must_not_confuse_keys(
    new_store: Callable[..., MongoStore], proxy: WireProxy, url: str
) -> None:
    """A server that finds ``client`` under CLIENT is at fault; never is that another client."""

    def confuse(reply: Raw) -> Raw:
        (found,) = reply["cursor"]["firstBatch"]
        return reply | {"cursor": reply["cursor"] | {"firstBatch": [found | {"client_id": "x"}]}}

    async with opened(new_store(url=proxy.in_front_of(url))) as store:
        await store.applications.insert("client", {})
        proxy.edit("find", confuse)
        with pytest.raises(UnreadableDocument, match="another document"):
            await store.applications.get("client")


async def test_a_change_that_may_have_had_another_key_is_told_for_all(
    store: MongoStore, applications: RawCollection[Raw], database: Database[Raw]
) -> None:
    """Other programs may rename, replace, delete or drop; then every cached one is doubted."""
    await store.applications.insert("key", {"n": 1})
    everything = Change("applications")
    async with aclosing(store.changes()) as stream:
        assert await anext(stream) == (ANYTHING,)
        for change, told in (
            (lambda: applications.update_one({}, {"$set": {"n": 2}}), "key"),
            (lambda: applications.update_one({}, {"$set": {"client_id": "new"}}), None),
            (lambda: applications.replace_one({}, {"client_id": "newer"}), None),
            (lambda: applications.delete_one({}), None),
            (lambda: applications.insert_one({"client_id": 5}), None),
        ):
            await asyncio.to_thread(change)
            assert await _next(stream) == (replace(everything, key=told),)
        await asyncio.to_thread(database["somebody.elses"].insert_one, {})
        await asyncio.to_thread(applications.drop)
        assert await _next(stream) == (everything,)
        await asyncio.to_thread(database.client.drop_database, database.name)
        with pytest.raises(StoreUnavailable, match="ended the change stream"):
            await _read_until_dropped(stream)


async def test_without_change_streams_versions_are_polled(
    clock: Clock, new_id: Callable[[], str]
) -> None:
    """A server that is no replica set: changes of every kind, with their keys."""
    with MongoProcess(standalone=True) as server:
        store = MongoStore(MongoDB(server.uri).url("a"), now=clock, new_id=new_id)
        async with opened(store), aclosing(store.changes()) as stream:
            assert await anext(stream) == (ANYTHING,)
            version = await store.scopes.insert("a", {})
            assert await _next(stream) == [Change("scopes", "a")]
            await store.scopes.replace("a", {"n": 1}, version=version)
            assert await _next(stream) == [Change("scopes", "a")]
            await store.scopes.delete("a")
            assert await _next(stream) == [Change("scopes", "a")]
            assert (await store.check())[0].detail.endswith("no replica set, database a")


async def _read_until_dropped(stream: Any) -> None:
    """The drop of the database is anything; then the server ends the stream."""
    async with asyncio.timeout(5):
        async for changes in stream:
            assert set(changes) <= {ANYTHING, *map(Change, COLLECTIONS)}


async def _next(stream: Any) -> Any:
    async with asyncio.timeout(5):
        while True:
            if changes := await anext(stream):
                return changes


async def test_properties_round_trip_beside_foreign_ones(
    store: MongoStore, applications: RawCollection[Raw]
) -> None:
    """An operator's own property is changed and removed; foreign ones stay as they are."""
    applications.insert_one(dict(THEIRS))
    clients = clients_in(store)
    client = await clients.get("m2m")
    assert client is not None
    kept = {k: v for k, v in client.properties.items() if k != "owner"}
    await clients.update(replace(client, properties=frozen(kept | {"team": {"a": [1]}})))
    after = (applications.find_one() or {})["properties"]
    assert "owner" not in after
    assert after["team"] == {"a": [1]}
    assert after["price"] == Decimal128("1.10")


async def test_what_has_expired_is_found_by_an_index(
    new_store: Callable[..., MongoStore], database: Database[Raw], proxy: WireProxy, url: str
) -> None:
    """Which is the one that MongoDB itself cleans by."""
    async with opened(new_store(url=proxy.in_front_of(url))) as store:
        for name in EXPIRING:
            await store._collections[name].expire()
    asked = {command["find"]: command for command in proxy.named("find") if command.get("limit")}
    for name in EXPIRING:
        place = f"openiddict.apogee.{name}"
        indexes = [*database[place].index_information().values()]
        assert any(index.get("expireAfterSeconds") == 0 for index in indexes)
        query = {member: asked[place][member] for member in ("find", "filter", "limit")}
        plan = str(database.command("explain", query)["queryPlanner"]["winningPlan"])
        assert "'IXSCAN'" in plan
        assert "'COLLSCAN'" not in plan
