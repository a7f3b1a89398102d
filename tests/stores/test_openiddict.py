"""A server on a database that OpenIddict wrote: old secrets work, and nothing there is harmed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pymongo
import pytest

from apogee_idp.app import opened_store
from apogee_idp.errors import Conflict
from apogee_idp.settings import Settings
from apogee_idp.stores.base import Store
from apogee_idp.stores.repositories import clients_in, scopes_in
from tests.conftest import StartIdp
from tests.idp import is_jwe
from tests.mongodb import Databases

from .openiddict_database import (
    JWS_CLIENTS,
    SECRETS,
    contents,
    load,
    openiddict_reads,
)

Raw = dict[str, Any]


@pytest.fixture
def url(databases: Databases) -> str:
    """A database that OpenIddict has worked on."""
    url = databases.new()
    load(url)
    return url


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with opened_store(Settings(store=url)) as opened:
        yield opened


def application_in(url: str, client_id: str) -> Raw:
    with pymongo.MongoClient[Raw](url, tz_aware=True) as client:
        found = client.get_default_database()["openiddict.applications"].find_one(
            {"client_id": client_id}
        )
    assert found is not None
    return found


async def test_every_client_gets_its_token_with_its_old_secret(
    start_idp: StartIdp, url: str
) -> None:
    """JWE or JWS as its property says; and no document is touched, to the byte."""
    before = contents(url)
    idp = await start_idp(store=url)
    for client_id, secret in SECRETS.items():
        token = (await idp.grant(client_id, secret)).token
        assert is_jwe(token) == (client_id not in JWS_CLIENTS), client_id
        wrong = await idp.grant(client_id, secret.swapcase())
        assert (wrong.status, wrong.error) == (401, "invalid_client"), client_id
    assert contents(url) == before


async def test_who_can_not_be_served_is_refused(start_idp: StartIdp, url: str) -> None:
    """Public, or without a secret that is hashed, or without the permission."""
    idp = await start_idp(store=url)
    for client_id, secret in (
        ("spa", "x"),
        ("guessed-public", "x"),
        ("keyed", "x"),
        ("plain", "written by hand, not hashed"),
        ("keyless", "x"),
        ("usr_oops", "x"),
    ):
        assert (await idp.grant(client_id, secret)).error == "invalid_client", client_id
    assert (await idp.grant("web", "web")).error == "unauthorized_client"


async def test_the_scopes_and_endpoints_of_the_database_hold(start_idp: StartIdp, url: str) -> None:
    """A scope's resource is the audience, and introspection is for who may."""
    idp = await start_idp(store=url)
    await idp.change_client("six", skip_token_encryption=True)
    granted = await idp.grant("six", SECRETS["six"], scope="invoices roles")
    claims = await idp.claims(granted.token)
    assert claims["aud"] == "https://billing.example"
    assert (await idp.grant("five", SECRETS["five"], scope="invoices")).error == "invalid_scope"
    own = (await idp.grant("api", SECRETS["api"])).token
    told = await idp.present("introspect", own, "api", SECRETS["api"])
    assert told.json["active"] is True
    refused = await idp.present("introspect", own, "six", SECRETS["six"])
    assert refused.error == "unauthorized_client"
    ended = await idp.present("revoke", own, "api", SECRETS["api"])
    assert ended.status == 200
    told = await idp.present("introspect", own, "api", SECRETS["api"])
    assert told.json == {"active": False}


@pytest.mark.parametrize(
    ("client_id", "client_type"),
    [
        ("typeless", "confidential"),
        ("keyed", "confidential"),
        ("guessed-public", "public"),
        ("five", "confidential"),
        ("spa", "public"),
    ],
)
async def test_a_missing_client_type_is_inferred_as_OpenIddict_does(
    store: Store, client_id: str, client_type: str
) -> None:
    """By a secret, or a key that verifies; and case does not matter where there is one."""
    client = await clients_in(store).get(client_id)
    assert client is not None
    assert client.client_type == client_type


async def test_a_key_to_encrypt_to_makes_nobody_confidential(store: Store, url: str) -> None:
    """It verifies nothing."""
    change_key = {"$set": {"json_web_key_set.keys.0.use": "enc"}}
    with pymongo.MongoClient[Raw](url) as client:
        documents = client.get_default_database()["openiddict.applications"]
        documents.update_one({"client_id": "keyed"}, change_key)
    found = await clients_in(store).get("keyed")
    assert found is not None
    assert found.client_type == "public"


@pytest.mark.parametrize("client_id", ["five", "six", "seven", "typeless", "bare", "keyed", "spa"])
async def test_R_K8_04_a_change_of_ours_leaves_what_OpenIddict_reads(
    store: Store, url: str, client_id: str
) -> None:
    """All that it had stays, to the type; only the name and the concurrency token change."""
    before, others = application_in(url, client_id), contents(url)
    client = await clients_in(store).get(client_id)
    assert client is not None
    await clients_in(store).update(replace(client, display_name="New", roles=("clerk",)))
    after = application_in(url, client_id)
    read = openiddict_reads(after)
    assert read["display_name"] == "New"
    assert read["concurrency_token"] != before["concurrency_token"]
    assert after["properties"].pop("apogee")["roles"] == ["clerk"]
    written = ("display_name", "concurrency_token", "client_type", "permissions", "properties")
    for name in set(before) - set(written):
        assert after[name] == before[name], name
    assert after["properties"] == (before.get("properties") or {})
    assert sorted(after["permissions"]) == sorted(before["permissions"])
    changed = contents(url)
    del others["applications"][before["_id"]], changed["applications"][before["_id"]]
    assert changed == others


async def test_A_MG_06_a_concurrency_token_of_OpenIddicts_is_honoured(
    store: Store, url: str
) -> None:
    """Whoever read the client before .NET changed it can't write over that."""
    client = await clients_in(store).get("seven")
    assert client is not None
    assert client.concurrency_token == application_in(url, "seven")["concurrency_token"]
    theirs = {"$set": {"concurrency_token": "0e8a1f8e-4f9c-4a52-a8ed-74da9bb9b2f0"}}
    with pymongo.MongoClient[Raw](url) as mongo:
        documents = mongo.get_default_database()["openiddict.applications"]
        await asyncio.to_thread(documents.update_one, {"client_id": "seven"}, theirs)
    before = contents(url)
    with pytest.raises(Conflict):
        await clients_in(store).update(replace(client, display_name="Stale"))
    assert contents(url) == before


async def test_a_stale_entity_of_OpenIddicts_finds_nothing_to_replace(
    store: Store, url: str
) -> None:
    """Its update names the token it has read, and ours is another then."""
    before = application_in(url, "six")
    client = await clients_in(store).get("six")
    assert client is not None
    await clients_in(store).update(replace(client, display_name="New"))
    with pymongo.MongoClient[Raw](url) as mongo:
        documents = mongo.get_default_database()["openiddict.applications"]
        stale = {"_id": before["_id"], "concurrency_token": before["concurrency_token"]}
        assert documents.replace_one(stale, before).matched_count == 0


async def test_scopes_are_read(store: Store) -> None:
    """With resources or without."""
    found = {scope.name: scope.resources for scope in (await scopes_in(store).all()).items}
    assert found == {"invoices": ("https://billing.example",), "lonely": ()}
