"""``apogee-idp clients`` and ``apogee-idp scopes``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TextIO

import click

from . import app
from .cli_base import CONFIG_OPTION, JSON_OPTION, reports_errors, with_store
from .cli_profiles import profile_of, profile_options
from .errors import CommandRefused
from .management.clients import AddClient, ClientCommands
from .management.scopes import ScopeCommands
from .model import ENDPOINT_PERMISSIONS, Scope
from .printing import client_facts, print_facts, print_json, print_secret, print_table, scope_facts
from .stores.base import Store


@click.group()
def clients() -> None:
    """Clients of the client credentials flow."""


@clients.command("create")
@click.argument("client_id")
@click.option("--name", default="", help="A name for people; the client id by default.")
@click.option("--scope", "scopes", multiple=True, help="A scope it may ask for; repeatable.")
@click.option("--default-scope", "default_scopes", multiple=True, help="Granted if none is asked.")
@click.option("--default-audience", help="The audience of tokens whose scopes have no resource.")
@click.option("--role", "roles", multiple=True, help="Told to who gets the scope roles.")
@click.option(
    "--allow",
    "endpoints",
    type=click.Choice(list(ENDPOINT_PERMISSIONS)),
    multiple=True,
    help="An endpoint it may use beside the token endpoint; repeatable.",
)
@profile_options
@click.option("--secret-file", type=click.File(), help="A secret of your own, from a file or -.")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def create_client(
    client_id: str, as_json: bool, config: Path | None, secret_file: TextIO | None, **options: Any
) -> None:
    """Create a client and print its secret, this once."""
    profile, skip_token_encryption = profile_of(options)
    command = AddClient(
        client_id,
        display_name=options["name"],
        scopes=options["scopes"],
        default_scopes=options["default_scopes"],
        default_audience=options["default_audience"],
        roles=options["roles"],
        skip_token_encryption=skip_token_encryption,
        token_profile=profile,
        endpoints=options["endpoints"],
        secret=_read_secret(secret_file) if secret_file else None,
    )
    client, secret = with_store(config, lambda store: _client_commands(store).add(command))
    print_secret(client.client_id, secret, as_json)


@clients.command("list")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def list_clients(as_json: bool, config: Path | None) -> None:
    """List all clients."""
    found = with_store(config, lambda store: _client_commands(store).all())
    if as_json:
        print_json([client_facts(client) for client in found])
    else:
        rows = [
            (
                client.client_id,
                client.display_name,
                "JWS" if client.skip_token_encryption else "JWE",
            )
            for client in found
        ]
        print_table(("CLIENT ID", "NAME", "TOKEN"), rows)


@clients.command("show")
@click.argument("client_id")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def show_client(client_id: str, as_json: bool, config: Path | None) -> None:
    """Show one client; never its secrets."""
    facts = client_facts(with_store(config, lambda store: _client_commands(store).get(client_id)))
    print_facts(facts, as_json)


@clients.command("delete")
@click.argument("client_id")
@CONFIG_OPTION
@reports_errors
def delete_client(client_id: str, config: Path | None) -> None:
    """Delete a client; tokens it has live on until they expire."""
    with_store(config, lambda store: _client_commands(store).delete(client_id))
    click.echo(f"deleted {client_id}")


@clients.command("rotate-secret")
@click.argument("client_id")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def rotate_secret(client_id: str, as_json: bool, config: Path | None) -> None:
    """Replace a client's secrets by a new one and print it, this once."""
    secret = with_store(config, lambda store: _client_commands(store).rotate_secret(client_id))
    print_secret(client_id, secret, as_json)


@click.group()
def scopes() -> None:
    """Scopes, and the resources behind them."""


@scopes.command("create")
@click.argument("name")
@click.option("--resource", "resources", multiple=True, help="An API's URI; repeatable.")
@click.option("--description", default="", help="What it allows, in words.")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def create_scope(
    name: str, resources: tuple[str, ...], description: str, as_json: bool, config: Path | None
) -> None:
    """Create a scope."""
    scope = Scope(name, resources, description=description)
    with_store(config, lambda store: ScopeCommands(store).add(scope))
    if as_json:
        print_json(scope_facts(scope))
    else:
        click.echo(f"created {name}")


@scopes.command("list")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def list_scopes(as_json: bool, config: Path | None) -> None:
    """List all scopes."""
    found = with_store(config, lambda store: ScopeCommands(store).all())
    if as_json:
        print_json([scope_facts(scope) for scope in found])
    else:
        print_table(("SCOPE", "RESOURCES"), [(s.name, " ".join(s.resources)) for s in found])


@scopes.command("delete")
@click.argument("name")
@CONFIG_OPTION
@reports_errors
def delete_scope(name: str, config: Path | None) -> None:
    """Delete a scope."""
    with_store(config, lambda store: ScopeCommands(store).delete(name))
    click.echo(f"deleted {name}")


def _client_commands(store: Store) -> ClientCommands:
    return ClientCommands(store, now=app.now)


def _read_secret(file: TextIO) -> str:
    try:
        return file.read().strip("\r\n")
    except UnicodeDecodeError:
        raise CommandRefused("the secret file is not UTF-8 text") from None
