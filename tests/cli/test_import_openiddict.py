"""``apogee-idp import openiddict``: what is served and what isn't, and copies into other stores."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pymongo
import pytest

from apogee_idp.app import opened_store
from apogee_idp.settings import Settings
from apogee_idp.stores.repositories import clients_in
from tests.acting import entries_in
from tests.conftest import StartIdp
from tests.idp import is_jwe
from tests.mongodb import Databases
from tests.stores.openiddict_database import (
    JWS_CLIENTS,
    SECRETS,
    applications,
    collections_of,
    contents,
    load,
)

from .conftest import Cli, Done

NOT_READ = ("damaged",)


@pytest.fixture
def theirs(databases: Databases) -> str:
    """The URL of a database of OpenIddict's."""
    url = databases.new()
    load(url)
    return url


@pytest.fixture
def sound(databases: Databases) -> str:
    """One without damaged documents."""
    url = databases.new()
    load(url, without=NOT_READ)
    return url


def told(done: Done, of: str = "applications") -> dict[str, dict[str, Any]]:
    name = "client_id" if of == "applications" else "name"
    return {entry[name]: entry for entry in json.loads(done.stdout)[of]}


def remark(entry: dict[str, Any]) -> str:
    return "; ".join(entry["remarks"])


def change(url: str, client_id: str, changes: dict[str, Any]) -> None:
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        documents = client.get_default_database()["openiddict.applications"]
        documents.update_one({"client_id": client_id}, {"$set": changes})


def test_the_report_says_who_is_served(cli: Cli, theirs: str) -> None:
    """And why the others aren't; it is told of every application."""
    done = cli("import", "openiddict", "--json", APOGEE_STORE=theirs)
    found = told(done)
    assert list(found) == sorted(item["client_id"] for item in applications())
    verdicts = {name: entry["verdict"] for name, entry in found.items()}
    assert {name for name, verdict in verdicts.items() if verdict.startswith("served")} == {
        *SECRETS,
        "keyed",
        "portal",
    }
    assert verdicts["seven"] == verdicts["vector"] == verdicts["api"] == "served"
    assert verdicts["damaged"] == "can't be read"
    for name, word in {
        "spa": "no redirect URI",
        "guessed-public": "public",
        "web": "no redirect URI",
        "plain": "can't be verified",
        "keyless": "neither a secret nor a key",
        "usr_oops": "begin with usr_",
    }.items():
        assert verdicts[name] == "not served", name
        assert word in remark(found[name]), name
    for name, word in {
        "six": "tkn_lft:act",
        "typeless": "inferred",
        "text-flag": "not the boolean true",
    }.items():
        assert verdicts[name] == "served with remarks", name
        assert word in remark(found[name]), name
    assert "password" in remark(found["six"])
    assert done.returncode == 1


def test_the_verdicts_are_what_a_server_does(cli: Cli, sound: str) -> None:
    """A setting, a disabled client, and a scope that nobody has stored."""
    change(sound, "seven", {"properties.apogee": {"enabled": False}})
    change(sound, "vector", {"permissions": ["ept:introspection", "scp:ghost"]})
    found = told(cli("import", "openiddict", "--json", APOGEE_STORE=sound))
    assert (found["seven"]["verdict"], found["seven"]["remarks"]) == (
        "not served",
        ["it is disabled"],
    )
    assert found["vector"]["verdict"] == "served with remarks"
    assert remark(found["vector"]).endswith("not granted: ghost")


def test_scopes_tokens_and_authorizations(cli: Cli, sound: str) -> None:
    """Both spellings of a token's type are one."""
    done = cli("import", "openiddict", "--json", APOGEE_STORE=sound)
    scopes = told(done, "scopes")
    assert scopes["invoices"]["verdict"] == "served"
    assert "no resource" in remark(scopes["lonely"])
    report = json.loads(done.stdout)
    assert report["tokens"] == {"access_token": 2, "authorization_code": 2, "refresh_token": 1}
    assert report["authorizations"] == {"ad-hoc": 1, "permanent": 1}
    assert done.returncode == 0, "nothing was damaged"


def test_documents_without_a_name_are_told_of(cli: Cli, sound: str) -> None:
    """Nobody can ask for them; they can't be read."""
    with pymongo.MongoClient[dict[str, Any]](sound) as client:
        documents = client.get_default_database()["openiddict.applications"]
        documents.insert_many([{"client_id": 5}, {"display_name": "x"}, {"client_id": ""}])
    done = cli("import", "openiddict", "--json", APOGEE_STORE=sound)
    assert remark(told(done)[""]) == "3 without a name that is text"
    assert done.returncode == 1


def test_two_of_one_id_are_told_of(cli: Cli, sound: str) -> None:
    """OpenIddict makes no index; no server starts on such a database."""
    change(sound, "six", {"client_id": "five"})
    found = told(cli("import", "openiddict", "--json", APOGEE_STORE=sound))
    assert (found["five"]["verdict"], "several documents" in remark(found["five"])) == (
        "not served",
        True,
    )


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_without_from_nothing_is_written(cli: Cli, theirs: str, options: tuple[str, ...]) -> None:
    """No document, no collection, no index."""
    before, collections = contents(theirs), collections_of(theirs)
    assert cli("import", "openiddict", *options, APOGEE_STORE=theirs).returncode == 1
    assert contents(theirs) == before
    assert collections_of(theirs) == collections
    with pymongo.MongoClient[dict[str, Any]](theirs) as client:
        database = client.get_default_database()
        assert list(database["openiddict.applications"].index_information()) == ["_id_"]


def test_people_get_a_table(cli: Cli, sound: str) -> None:
    """One line each, and what is left alone."""
    printed = cli("import", "openiddict", APOGEE_STORE=sound).stdout
    lines = printed.splitlines()
    assert lines[0].split() == ["CLIENT", "ID", "VERDICT", "COPY", "REMARKS"]
    assert any(line.startswith("spa ") and "not served" in line for line in lines)
    assert "tokens: 2 access_token, 2 authorization_code, 1 refresh_token" in lines
    assert lines[-1] == "They are left alone: no token of OpenIddict's is valid here."


async def test_a_copy_serves_the_same_clients(
    copy: Callable[[str], Done], sound: str, start_idp: StartIdp, own_store: Settings
) -> None:
    """With their old secrets, out of an SQLite file; the source stays as it was, to the byte."""
    before, collections = contents(sound), collections_of(sound)
    done = await asyncio.to_thread(copy, sound)
    assert done.returncode == 0, done.stderr
    assert {name for name, e in told(done).items() if e["copied"] == "not copied"} == {"usr_oops"}
    assert {e["copied"] for e in told(done, "scopes").values()} == {"copied"}
    async with opened_store(own_store) as store:
        entries = await entries_in(store)
        assert {(entry.action, entry.outcome) for entry in entries} == {
            ("import_client", "done"),
            ("import_scope", "done"),
        }
        named = {(entry.kind, entry.key) for entry in entries}
        clients = {("client", n) for n, e in told(done).items() if e["copied"] == "copied"}
        assert named == clients | {("scope", name) for name in told(done, "scopes")}
        assert len(entries) == len(named)
        six = await clients_in(store).get("six")
        assert six is not None
        assert six.change_id in {entry.id for entry in entries}
    assert (contents(sound), collections_of(sound)) == (before, collections)
    idp = await start_idp(store=own_store.store)
    for client_id, secret in SECRETS.items():
        assert is_jwe((await idp.grant(client_id, secret)).token) == (
            client_id not in JWS_CLIENTS
        ), client_id


def test_a_copy_never_overwrites(cli: Cli, copy: Callable[[str], Done], sound: str) -> None:
    """Neither what stood there before, nor what was copied last time."""
    assert cli("clients", "create", "seven", "--name", "Ours").returncode == 0
    shown = cli("clients", "show", "seven", "--json").stdout
    assert told(copy(sound))["seven"]["copied"] == "exists already"
    assert cli("clients", "show", "seven", "--json").stdout == shown
    change(sound, "six", {"display_name": "Changed since"})
    again = told(copy(sound))
    assert {e["copied"] for e in again.values()} == {"exists already", "not copied"}
    assert json.loads(cli("clients", "show", "six", "--json").stdout)["display_name"] == "Six"


def test_a_dry_run_makes_no_store(cli: Cli, sound: str, own_store: Settings) -> None:
    """And tells what would be copied, also beside what is there."""
    dry = ("import", "openiddict", "--from", sound, "--dry-run", "--json")
    assert told(cli(*dry))["six"]["copied"] == "would be copied"
    assert cli("clients", "list").stdout.split() == ["CLIENT", "ID", "NAME", "TOKEN"]
    assert cli("clients", "create", "six").returncode == 0
    found = told(cli(*dry))
    assert found["six"]["copied"] == "exists already"
    assert found["five"]["copied"] == "would be copied"
    assert len(json.loads(cli("clients", "list", "--json").stdout)) == 1


def test_what_is_damaged_is_not_copied(copy: Callable[[str], Done], theirs: str) -> None:
    """The rest is; the exit code says that something is missing."""
    done = copy(theirs)
    assert done.returncode == 1
    assert told(done)["damaged"]["copied"] == "not copied"
    assert told(done)["five"]["copied"] == "copied"


def test_nobody_becomes_an_administrator_by_moving(copy: Callable[[str], Done], sound: str) -> None:
    """By a permission that meant nothing where it comes from."""
    permissions = ["ept:token", "gt:client_credentials", "scp:idp:admin"]
    change(sound, "six", {"permissions": permissions})
    entry = told(copy(sound))["six"]
    assert entry["copied"] == "not copied"
    assert "it would manage this server" in remark(entry)
    assert "not granted" not in remark(entry)


def test_from_can_come_from_standard_input(cli: Cli, sound: str) -> None:
    """The password in it then stands in no list of processes."""
    done = cli("import", "openiddict", "--from", "-", "--dry-run", "--json", stdin=f"{sound}\n")
    assert told(done)["five"]["copied"] == "would be copied"


@pytest.mark.parametrize("url", ["sqlite:///x.db", "five", ""])
def test_from_takes_only_a_MongoDB(cli: Cli, url: str) -> None:
    """Anything else is a plain line, which repeats nothing of it."""
    done = cli("import", "openiddict", "--from", url)
    assert (done.returncode, done.stderr) == (
        1,
        "error: --from takes the URL of a MongoDB: mongodb://host/database\n",
    )


@pytest.fixture
def own_store(home_env: dict[str, str]) -> Settings:
    """The store of the settings, which has still to be made."""
    return Settings(store=home_env["APOGEE_STORE"])


@pytest.fixture
def copy(cli: Cli) -> Callable[[str], Done]:
    return lambda url: cli("import", "openiddict", "--from", url, "--json")
