"""``apogee-idp clients secrets`` and ``rotate-secret --overlap``."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from apogee_idp import app
from apogee_idp.crypto.secrets import secret_id_of
from apogee_idp.secret_usage import SecretUsage
from apogee_idp.settings import load_settings

from .conftest import Cli


@pytest.fixture
def backend() -> str:
    return "sqlite"


@pytest.fixture
def first(cli: Cli) -> str:
    """The id of the secret that ``billing`` was made with."""
    made = json.loads(cli("clients", "create", "billing", "--json").stdout)
    return str(secret_id_of(made["client_secret"]))


def listed(cli: Cli) -> list[dict[str, Any]]:
    found = json.loads(cli("clients", "secrets", "list", "billing", "--json").stdout)
    assert isinstance(found, list)
    return found


def use(env: dict[str, str], secret_id: str) -> None:
    """As a server would note it."""

    async def note() -> None:
        async with app.opened_store(load_settings(environ=env)) as store:
            usage = SecretUsage(store.secrets, now=app.now)
            usage.note("billing", secret_id, "10.0.0.7")
            await usage.flush()

    asyncio.run(note())


def test_secrets_are_added_and_listed_without_their_values(cli: Cli, first: str) -> None:
    """For scripts and for people."""
    arguments = ("billing", "--name", "cluster", "--expires-in", "60", "--json")
    added = json.loads(cli("clients", "secrets", "add", *arguments).stdout)
    assert added["client_id"] == "billing"
    by_id = {facts["id"]: facts for facts in listed(cli)}
    second = by_id[str(secret_id_of(added["client_secret"]))]
    assert (second["name"], second["is_expired"], second["uses"]) == ("cluster", False, 0)
    assert second["expires_at"] - second["created_at"] in (60, 59)
    assert by_id[first]["expires_at"] is by_id[first]["last_used_at"] is None
    table = cli("clients", "secrets", "list", "billing").stdout
    assert first in table
    assert "cluster" in table
    assert added["client_secret"] not in table


def test_a_secret_of_ones_own_is_added_from_standard_input(cli: Cli, first: str) -> None:
    """Never from the command line."""
    own = "an operator's own, chosen by hand"
    arguments = ("clients", "secrets", "add", "billing", "--secret-file", "-", "--json")
    assert json.loads(cli(*arguments, stdin=own).stdout)["client_secret"] == own
    assert len(listed(cli)) == 2


def test_a_secret_is_retired_once_nobody_uses_it(
    cli: Cli, first: str, home_env: dict[str, str]
) -> None:
    """Or by force."""
    last = cli("clients", "secrets", "retire", "billing", first)
    assert (last.returncode, "the last secret" in last.stderr) == (1, True)
    cli("clients", "secrets", "add", "billing")
    use(home_env, first)
    used = cli("clients", "secrets", "retire", "billing", first)
    assert (used.returncode, "was last used at" in used.stderr) == (1, True)
    (facts,) = [facts for facts in listed(cli) if facts["id"] == first]
    assert (facts["uses"], facts["is_safe_to_retire"]) == (1, False)
    forced = cli("clients", "secrets", "retire", "billing", first, "--force", "--json")
    assert json.loads(forced.stdout) == {"client_id": "billing", "retired": first}
    (second,) = [facts["id"] for facts in listed(cli)]
    assert second != first
    done = cli("clients", "secrets", "retire", "billing", second, "--force")
    assert done.stdout == f"retired {second} of billing\n"


def test_a_rotation_with_an_overlap_keeps_the_old_secret_for_a_while(cli: Cli, first: str) -> None:
    """It has an end then."""
    new = json.loads(
        cli("clients", "rotate-secret", "billing", "--overlap", "600", "--json").stdout
    )
    facts = {facts["id"]: facts["expires_at"] for facts in listed(cli)}
    assert facts[first] is not None
    assert facts[str(secret_id_of(new["client_secret"]))] is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["list", "nobody"], "there is no client nobody", id="list"),
        pytest.param(["add", "nobody"], "there is no client nobody", id="add"),
        pytest.param(["retire", "nobody", "x"], "there is no client nobody", id="retire"),
        pytest.param(["retire", "billing", "x"], "billing has no secret x", id="no such secret"),
    ],
)
def test_mistakes_with_secrets_are_one_line(
    cli: Cli, first: str, arguments: list[str], sentence: str
) -> None:
    """And exit code 1."""
    done = cli("clients", "secrets", *arguments)
    assert (done.returncode, done.stderr) == (1, f"error: {sentence}\n")
