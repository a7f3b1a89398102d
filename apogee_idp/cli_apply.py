"""``apogee-idp apply``: the clients of the setting ``client_files``."""

from __future__ import annotations

import sys
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import click

from .cli_base import CONFIG_OPTION, JSON_OPTION, managing, operator, reports_errors, settings_of
from .management.client_files import read_client_files
from .management.configured_clients import ConfiguredClients, PlannedClient
from .management.desk import Management
from .model import thawed
from .printing import print_json, readable

_SIGNS = {"add": "+", "change": "~", "keep": "=", "remove": "-", "refuse": "!"}


@click.command()
@click.option("--plan", is_flag=True, help="Only show what would be done.")
@click.option("--prune", is_flag=True, help="Delete the clients that no longer stand in a file.")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def apply(plan: bool, prune: bool, as_json: bool, config: Path | None) -> None:
    """Bring the store in line with client_files, as every start does; exit 1 if some is refused."""
    settings = settings_of(config)
    wanted = read_client_files(settings.client_files)

    async def act(management: Management) -> list[PlannedClient]:
        commands = management.clients(operator())
        clients = ConfiguredClients(management.store, commands, wanted)
        return await (clients.plan() if plan else clients.apply(prune=prune))

    found = managing(settings, act)
    if as_json:
        print_json([_facts(client) for client in found])
    else:
        _print(found, plan=plan, prune=prune)
    if any(client.outcome == "refuse" for client in found):
        sys.exit(1)


def _print(found: list[PlannedClient], *, plan: bool, prune: bool) -> None:
    for client in found:
        click.echo(f"{_SIGNS[client.outcome]} {client.client_id}{_remark(client, prune=prune)}")
        for difference in client.differences:
            before, after = _told(difference.before), _told(difference.after)
            click.echo(f"    {difference.name}: {readable(before)} -> {readable(after)}")
    if not found:
        click.echo("no clients in files; see the setting client_files")
    elif plan:
        click.echo("nothing was changed: this is the plan")


def _remark(client: PlannedClient, *, prune: bool) -> str:
    if client.outcome == "remove" and not prune:
        return ": no longer in a file, and kept; --prune deletes it"
    return f": {client.problem}" if client.problem else ""


def _facts(client: PlannedClient) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "outcome": client.outcome,
        "problem": client.problem or None,
        "differences": [
            {"name": d.name, "before": _told(d.before), "after": _told(d.after)}
            for d in client.differences
        ],
    }


def _told(fact: Any) -> Any:
    """A fact as JSON: token profile and keys member by member."""
    if is_dataclass(fact):
        return {field.name: _told(getattr(fact, field.name)) for field in fields(fact)}
    return thawed(fact)
