"""``apogee-idp audit``: what operators did, newest first."""

from __future__ import annotations

import asyncio
import json
import os
import pwd

import pytest

from apogee_idp.app import opened_store
from apogee_idp.cli import main
from apogee_idp.settings import Settings

from .conftest import Cli


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_what_was_done_is_listed_with_who_did_it(cli: Cli) -> None:
    """By the user of the operating system, whatever the environment calls him."""
    for name in ("first", "second"):
        assert cli("scopes", "create", name, USER="somebody", LOGNAME="somebody").returncode == 0
    assert cli("scopes", "delete", "second").returncode == 0
    entries = json.loads(cli("audit", "list", "--json").stdout)
    assert sorted((entry["action"], entry["key"], entry["outcome"]) for entry in entries) == [
        ("add_scope", "first", "done"),
        ("add_scope", "second", "done"),
        ("delete_scope", "second", "done"),
    ]
    assert {entry["actor"] for entry in entries} == {f"cli:{pwd.getpwuid(os.getuid()).pw_name}"}
    assert [entry["at"] for entry in entries] == sorted((e["at"] for e in entries), reverse=True)
    table = cli("audit", "list", "--limit", "1").stdout.splitlines()
    assert table[0].split() == ["AT", "ACTOR", "ACTION", "WHAT", "OUTCOME"]
    assert len(table) == 2


def test_a_long_list_is_read_page_by_page(cli: Cli) -> None:
    """As many as are asked for, and no more than there are."""
    for number in range(102):
        cli("scopes", "create", f"scope-{number}")
    assert len(json.loads(cli("audit", "list", "--json", "--limit", "101").stdout)) == 101
    assert len(json.loads(cli("audit", "list", "--json", "--limit", "500").stdout)) == 102


def test_a_damaged_entry_hides_no_other(cli: Cli, empty_store_url: str) -> None:
    """It is told of as what it is."""

    async def damage() -> None:
        async with opened_store(Settings(store=empty_store_url)) as store:
            await store.audit.insert("0000000000-x", {"outcome": "done"})

    cli("scopes", "create", "first")
    asyncio.run(damage())
    entries = json.loads(cli("audit", "list", "--json").stdout)
    assert [entry["outcome"] for entry in entries] == ["unreadable", "done"]
    assert "unreadable" in cli("audit", "list").stdout


def test_no_command_changes_the_trail() -> None:
    """It can be read, and that is all."""
    assert list(main.commands["audit"].commands) == ["list"]  # type: ignore[attr-defined]
