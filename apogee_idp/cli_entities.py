"""``apogee-idp clients`` and ``apogee-idp scopes``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click

from .cli_base import (
    CONFIG_OPTION,
    JSON_OPTION,
    Result,
    operator,
    reports_errors,
    warn_of_damage,
    with_management,
    with_options,
)
from .cli_code_flow import CODE_FLOW_OPTIONS, flow_of
from .cli_credentials import CREDENTIAL_OPTIONS, keys_of, secret_of
from .cli_profiles import PROFILE_OPTIONS, profile_of
from .management.clients import ClientCommands
from .management.facts import client_facts, scope_facts
from .management.registrations import ClientRegistration
from .management.scopes import ScopeCommands
from .model import ADMIN_SCOPE, ENDPOINT_PERMISSIONS, MANAGEMENT_SCOPES, Scope
from .printing import print_facts, print_json, print_secret, print_table


@click.group()
def clients() -> None:
    """Clients: machines, and applications that people sign in to."""


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
@click.option(
    "--management", is_flag=True, help="May do all of the management API; by default it does."
)
@with_options(CODE_FLOW_OPTIONS)
@with_options(PROFILE_OPTIONS)
@with_options(CREDENTIAL_OPTIONS)
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def create_client(client_id: str, as_json: bool, config: Path | None, **options: Any) -> None:
    """Create a client and print its secret, this once; with --redirect-uri, one for people."""
    profile, skip_token_encryption = profile_of(options)
    managed = (sorted(MANAGEMENT_SCOPES), [ADMIN_SCOPE]) if options["management"] else ([], [])
    registration = ClientRegistration(
        client_id,
        display_name=options["name"],
        scopes=(*options["scopes"], *managed[0]),
        default_scopes=(*options["default_scopes"], *managed[1]),
        default_audience=options["default_audience"],
        roles=options["roles"],
        skip_token_encryption=skip_token_encryption,
        token_profile=profile,
        endpoints=options["endpoints"],
        keys=keys_of(options),
        **flow_of(options),
    )
    own = secret_of(options)
    made = _with_clients(config, lambda commands: commands.add(registration, secret=own))
    if made.secret is not None:
        print_secret(client_id, made.secret, as_json)
    elif as_json:
        print_json({"client_id": client_id})
    else:
        way = "has no secret" if options["is_public"] else "authenticates with its own key"
        click.echo(f"created {client_id}, which {way}")


@clients.command("list")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def list_clients(as_json: bool, config: Path | None) -> None:
    """List all clients."""
    found = _with_clients(config, lambda commands: commands.all())
    warn_of_damage(found.unreadable)
    if as_json:
        print_json([client_facts(client) for client in found.items])
    else:
        rows = [
            (
                client.client_id,
                client.display_name,
                "JWS" if client.skip_token_encryption else "JWE",
            )
            for client in found.items
        ]
        print_table(("CLIENT ID", "NAME", "TOKEN"), rows)


@clients.command("show")
@click.argument("client_id")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def show_client(client_id: str, as_json: bool, config: Path | None) -> None:
    """Show one client; never its secrets."""
    facts = client_facts(_with_clients(config, lambda commands: commands.get(client_id)))
    print_facts(facts, as_json)


@clients.command("delete")
@click.argument("client_id")
@CONFIG_OPTION
@reports_errors
def delete_client(client_id: str, config: Path | None) -> None:
    """Delete a client; APIs that verify by themselves take its tokens until they expire."""
    _with_clients(config, lambda commands: commands.delete(client_id))
    click.echo(f"deleted {client_id}")


@clients.command("disable")
@click.argument("client_id")
@CONFIG_OPTION
@reports_errors
def disable_client(client_id: str, config: Path | None) -> None:
    """Give a client no token any more, until it is enabled; introspection refuses those it has."""
    _with_clients(config, lambda commands: commands.set_enabled(client_id, enabled=False))
    click.echo(f"disabled {client_id}")


@clients.command("enable")
@click.argument("client_id")
@CONFIG_OPTION
@reports_errors
def enable_client(client_id: str, config: Path | None) -> None:
    """Let a disabled client go on as before."""
    _with_clients(config, lambda commands: commands.set_enabled(client_id, enabled=True))
    click.echo(f"enabled {client_id}")


@clients.command("revoke-tokens")
@click.argument("client_id")
@CONFIG_OPTION
@reports_errors
def revoke_tokens(client_id: str, config: Path | None) -> None:
    """End every token that a client has; introspection refuses them within two seconds.

    APIs that verify by themselves take them until they expire.
    """
    _with_clients(config, lambda commands: commands.revoke_tokens(client_id))
    click.echo(f"revoked all tokens of {client_id}")


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
    _with_scopes(config, lambda commands: commands.add(scope))
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
    found = _with_scopes(config, lambda commands: commands.all())
    warn_of_damage(found.unreadable)
    if as_json:
        print_json([scope_facts(scope) for scope in found.items])
    else:
        print_table(("SCOPE", "RESOURCES"), [(s.name, " ".join(s.resources)) for s in found.items])


@scopes.command("delete")
@click.argument("name")
@CONFIG_OPTION
@reports_errors
def delete_scope(name: str, config: Path | None) -> None:
    """Delete a scope."""
    _with_scopes(config, lambda commands: commands.delete(name))
    click.echo(f"deleted {name}")


def _with_clients(
    config: Path | None, action: Callable[[ClientCommands], Awaitable[Result]]
) -> Result:
    return with_management(config, lambda management: action(management.clients(operator())))


def _with_scopes(
    config: Path | None, action: Callable[[ScopeCommands], Awaitable[Result]]
) -> Result:
    return with_management(config, lambda management: action(management.scopes(operator())))
