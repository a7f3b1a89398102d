"""An administrator from the command line."""

from __future__ import annotations

import json

import pytest

from apogee_idp import AddScope, CommandRefused, CommandStage, Registry, Services
from tests import inline

from .conftest import Cli


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_client_for_the_management_api(cli: Cli) -> None:
    """May ask for each of its scopes; gets the one that implies them if it asks for none."""
    made = cli("clients", "create", "operator", "--management")
    assert made.returncode == 0, made.stderr
    shown = json.loads(cli("clients", "show", "operator", "--json").stdout)
    assert shown["default_scopes"] == ["idp:admin"]
    scopes = {p.removeprefix("scp:") for p in shown["permissions"] if p.startswith("scp:idp:")}
    assert scopes == {
        f"idp:{name}" for name in ("read", "clients", "keys", "users", "audit", "admin")
    }


def test_what_belongs_to_the_management_api_cant_be_stored(cli: Cli) -> None:
    """Neither its names nor its address."""
    audience = "http://localhost:8080/api/v1"
    for command in (
        ("scopes", "create", "idp:admin"),
        ("scopes", "create", "x", "--resource", audience),
        ("resources", "create", audience),
    ):
        refused = cli(*command)
        assert refused.returncode == 1
        assert "management API" in refused.stderr


async def refuse_x(event: AddScope) -> None:
    if event.after is not None and event.after.name == "x":
        raise CommandRefused(f"not x, {event.actor.subject[:4]}")


async def stumble(_: AddScope) -> None:
    raise ValueError


def register(registry: Registry, _: Services) -> None:
    registry.add(AddScope, refuse_x, name="refuse_x", order=CommandStage.EXECUTE - 1)
    registry.add(AddScope, stumble, name="stumble", order=CommandStage.EXECUTE + 1)


def test_plugins_veto_and_follow_the_command_line(cli: Cli) -> None:
    """As they do the management API."""
    plugged = {"APOGEE_PLUGINS": inline.plugin(register)}
    refused = cli("scopes", "create", "x", **plugged)
    assert (refused.returncode, refused.stderr) == (1, "error: not x, cli:\n")
    made = cli("scopes", "create", "y", "--json", **plugged)
    assert (made.returncode, json.loads(made.stdout)["name"]) == (0, "y")
    assert made.stderr.startswith("warning: it is done, but a plugin that was told of it failed: ")
    assert "handler stumble" in made.stderr
    assert [scope["name"] for scope in json.loads(cli("scopes", "list", "--json").stdout)] == ["y"]
