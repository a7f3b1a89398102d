"""``apogee-idp resources``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, BinaryIO

import click

from .cli_base import (
    CONFIG_OPTION,
    JSON_OPTION,
    Result,
    operator,
    reports_errors,
    warn_of_damage,
    with_management,
)
from .cli_credentials import read_jwks
from .management.facts import resource_facts
from .management.resources import ResourceCommands
from .model import Resource
from .printing import print_facts, print_json, print_table


@click.group()
def resources() -> None:
    """APIs: how long their tokens live, and to which key they are encrypted."""


@resources.command("create")
@click.argument("uri")
@click.option("--name", default="", help="A name for people.")
@click.option("--scope", "scopes", multiple=True, help="A scope that belongs to it; repeatable.")
@click.option("--jwks-file", type=click.File("rb"), help="Its public keys (JWK Set), or -.")
@click.option("--lifetime", type=int, metavar="SECONDS", help="How long its tokens live at most.")
@click.option("--introspection-client", "introspection_clients", multiple=True, metavar="ID")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def create_resource(
    uri: str, as_json: bool, config: Path | None, jwks_file: BinaryIO | None, **options: Any
) -> None:
    """Register an API, and add it to scopes."""
    resource = Resource(
        uri,
        options["name"],
        jwks=read_jwks(jwks_file) if jwks_file else None,
        access_token_lifetime=options["lifetime"],
        introspection_clients=options["introspection_clients"],
    )
    scopes = tuple(dict.fromkeys(options["scopes"]))
    _with_resources(config, lambda commands: commands.add(resource, scopes))
    if as_json:
        print_json(resource_facts(resource, scopes))
    else:
        click.echo(f"created {uri}")


@resources.command("list")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def list_resources(as_json: bool, config: Path | None) -> None:
    """List all resources."""
    found = _with_resources(config, lambda commands: commands.all())
    warn_of_damage(found.unreadable)
    if as_json:
        print_json([resource_facts(resource) for resource in found.items])
    else:
        rows = [
            (r.identifier, r.display_name, "no" if r.jwks is None else "yes", _seconds(r))
            for r in found.items
        ]
        print_table(("RESOURCE", "NAME", "KEYS", "LIFETIME"), rows)


@resources.command("show")
@click.argument("uri")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def show_resource(uri: str, as_json: bool, config: Path | None) -> None:
    """Show one resource with its scopes."""

    async def facts(commands: ResourceCommands) -> dict[str, Any]:
        return resource_facts(await commands.get(uri), await commands.scopes_of(uri))

    print_facts(_with_resources(config, facts), as_json)


@resources.command("delete")
@click.argument("uri")
@click.option("--from-scopes", is_flag=True, help="Take it out of the scopes it stands behind.")
@CONFIG_OPTION
@reports_errors
def delete_resource(uri: str, from_scopes: bool, config: Path | None) -> None:
    """Delete a resource that no scope needs any more."""
    _with_resources(config, lambda commands: commands.delete(uri, from_scopes=from_scopes))
    click.echo(f"deleted {uri}")


def _seconds(resource: Resource) -> str:
    lifetime = resource.access_token_lifetime
    return "" if lifetime is None else f"{lifetime} s"


def _with_resources(
    config: Path | None, action: Callable[[ResourceCommands], Awaitable[Result]]
) -> Result:
    return with_management(config, lambda management: action(management.resources(operator())))
