"""``apogee-idp resources``: APIs, their keys, and the scopes that belong to them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from apogee_idp.app import opened_store
from apogee_idp.errors import CommandRefused
from apogee_idp.management.resources import ResourceCommands
from apogee_idp.management.scopes import ScopeCommands
from apogee_idp.model import Resource, Scope
from apogee_idp.settings import load_settings
from apogee_idp.stores.base import Store
from apogee_idp.stores.repositories import scopes_in
from tests.acting import acting

from .conftest import Cli

BILLING = "https://billing.example"
PUBLIC = RSAKey.generate_key(2048).as_dict(private=False) | {"kid": "theirs", "use": "enc"}
InStore = Callable[[Callable[[Store], Awaitable[Any]]], Any]


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def in_store(home_env: dict[str, str]) -> InStore:
    """Runs something on the store of the command line."""

    def run(action: Callable[[Store], Awaitable[Any]]) -> Any:
        async def act() -> Any:
            async with opened_store(load_settings(environ=home_env)) as store:
                return await action(store)

        return asyncio.run(act())

    return run


def scopes_and_their_resources(cli: Cli) -> dict[str, list[str]]:
    listed = json.loads(cli("scopes", "list", "--json").stdout)
    return {scope["name"]: scope["resources"] for scope in listed}


def test_a_resource_is_made_shown_and_listed(cli: Cli, tmp_path: Path) -> None:
    """With its scopes, whose other resources stay."""
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [PUBLIC]}))
    cli("scopes", "create", "invoices.read", "--resource", "https://other.example")
    cli("scopes", "create", "invoices.write")
    cli("clients", "create", "gateway")
    made = cli(
        *("resources", "create", BILLING, "--name", "Billing", "--lifetime", "120"),
        *("--scope", "invoices.read", "--scope", "invoices.write", "--scope", "invoices.read"),
        *("--introspection-client", "gateway", "--jwks-file", "jwks.json"),
    )
    assert (made.returncode, made.stdout) == (0, f"created {BILLING}\n"), made.stderr
    facts = {
        "resource": BILLING,
        "display_name": "Billing",
        "lifetime": 120,
        "introspection_clients": ["gateway"],
        "jwks": {"keys": [PUBLIC]},
    }
    shown = json.loads(cli("resources", "show", BILLING, "--json").stdout)
    assert shown == facts | {"scopes": ["invoices.read", "invoices.write"]}
    assert json.loads(cli("resources", "list", "--json").stdout) == [facts]
    assert scopes_and_their_resources(cli) == {
        "invoices.read": ["https://other.example", BILLING],
        "invoices.write": [BILLING],
    }


def test_resources_for_people(cli: Cli) -> None:
    """A table of all and a table of one."""
    cli("resources", "create", BILLING, "--name", "Billing", "--lifetime", "120")
    lines = cli("resources", "list").stdout.splitlines()
    assert lines[0].split() == ["RESOURCE", "NAME", "KEYS", "LIFETIME"]
    assert lines[1].split() == [BILLING, "Billing", "no", "120", "s"]
    assert "lifetime               120" in cli("resources", "show", BILLING).stdout


def test_a_resource_with_scopes_is_not_deleted_by_accident(cli: Cli) -> None:
    """Tokens for it would go on, without its limits; unless it is taken out of them first."""
    cli("scopes", "create", "invoices.read", "--resource", "https://other.example")
    cli("resources", "create", BILLING, "--scope", "invoices.read")
    refused = cli("resources", "delete", BILLING)
    assert (refused.returncode, "stands behind invoices.read" in refused.stderr) == (1, True)
    assert cli("resources", "show", BILLING).returncode == 0
    done = cli("resources", "delete", BILLING, "--from-scopes")
    assert (done.returncode, done.stdout) == (0, f"deleted {BILLING}\n")
    assert scopes_and_their_resources(cli) == {"invoices.read": ["https://other.example"]}
    assert json.loads(cli("resources", "list", "--json").stdout) == []


MISTAKES = [
    pytest.param(["create", "/relative"], "absolute URI", id="relative"),
    pytest.param(["create", "https://x#y"], "absolute URI", id="a fragment"),
    pytest.param(["create", BILLING], "exists already", id="twice"),
    pytest.param(["create", "urn:new", "--name", "a\nb"], "printable", id="a name"),
    pytest.param(["create", "urn:new", "--lifetime", "0"], "1 to 86400", id="no lifetime"),
    pytest.param(["create", "urn:new", "--lifetime", "86401"], "1 to 86400", id="too long a life"),
    pytest.param(["create", "urn:new", "--scope", "none"], "no scope none", id="no such scope"),
    pytest.param(
        ["create", "urn:new", "--introspection-client", "nobody"], "no client nobody", id="client"
    ),
    pytest.param(["show", "urn:new"], "there is no resource urn:new", id="show"),
    pytest.param(["delete", "urn:new"], "there is no resource urn:new", id="delete"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_a_mistake_is_one_clear_line(cli: Cli, arguments: list[str], message: str) -> None:
    """Exit code 1, and nothing has changed."""
    cli("scopes", "create", "invoices.read")
    cli("resources", "create", BILLING)
    done = cli("resources", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr
    assert [r["resource"] for r in json.loads(cli("resources", "list", "--json").stdout)] == [
        BILLING
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"hunter2", "no JSON", id="no JSON"),
        pytest.param(b"[]", "no JSON object", id="no object"),
        pytest.param(b'{"hunter2": 1}', "1 to 20 keys", id="no keys"),
        pytest.param(b'{"keys": [], "keys": []}', "repeated", id="a repeated name"),
        pytest.param(b'{"keys": [{"kty": "hunter2"}]}', "no RSA or EC key", id="an odd key"),
        pytest.param(b"x" * 70_000, "more than 65536 bytes", id="a large file"),
        pytest.param(
            json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=True)]}).encode(),
            "private",
            id="a private key",
        ),
        pytest.param(
            json.dumps({"keys": [OctKey.generate_key(256).as_dict()]}).encode(),
            "private or symmetric",
            id="a symmetric key",
        ),
    ],
)
def test_a_JWK_Set_that_is_none_is_refused(
    cli: Cli, tmp_path: Path, content: bytes, message: str
) -> None:
    """And nothing of the file is repeated, which may be the wrong one."""
    (tmp_path / "jwks.json").write_bytes(content)
    done = cli("resources", "create", BILLING, "--jwks-file", "jwks.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert "hunter2" not in done.stderr


def test_a_resource_can_be_changed(in_store: InStore) -> None:
    """Name, lifetime, keys and clients; under the same checks, and by compare-and-set."""

    async def change(store: Store) -> None:
        commands = ResourceCommands(store, **acting(store))
        await commands.add(Resource(BILLING))
        found = await commands.get(BILLING)
        changed = await commands.update(replace(found, display_name="B", access_token_lifetime=60))
        assert await commands.get(BILLING) == changed
        with pytest.raises(CommandRefused, match="changed or deleted meanwhile"):
            await commands.update(replace(found, display_name="late"))
        for wrong in (
            {"access_token_lifetime": 0},
            {"jwks": {"keys": []}},
            {"introspection_clients": ("nobody",)},
            {"display_name": "\n"},
        ):
            with pytest.raises(CommandRefused):
                await commands.update(replace(changed, **wrong))  # type: ignore[arg-type]

    in_store(change)


def test_A_MG_06_links_made_at_once_are_all_kept(in_store: InStore) -> None:
    """Several resources are added to one scope, and nobody's link is lost."""
    uris = [f"https://api{n}.example" for n in range(4)]

    async def link(store: Store) -> None:
        await ScopeCommands(store, **acting(store)).add(Scope("shared"))
        commands = ResourceCommands(store, **acting(store))
        await asyncio.gather(*(commands.add(Resource(uri), ("shared",)) for uri in uris))
        scope = await scopes_in(store).get("shared")
        assert scope is not None
        assert sorted(scope.resources) == uris

    in_store(link)
