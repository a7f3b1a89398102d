"""An administrator from the command line."""

from __future__ import annotations

import json

import pytest

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
    assert scopes == {"idp:read", "idp:clients", "idp:keys", "idp:audit", "idp:admin"}


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
