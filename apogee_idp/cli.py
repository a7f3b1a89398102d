"""``apogee-idp``: the command line."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click

from . import app, checks, development, serving
from .errors import ApogeeError, CommandRefused, SettingsError
from .logs import logging_to
from .management.clients import AddClient, ClientCommands
from .management.scopes import ScopeCommands
from .model import SIGNING_ALGORITHMS, TOKEN_TYPS, Scope, TokenProfile
from .printing import (
    client_facts,
    print_json,
    print_secret,
    print_table,
    readable,
    scope_facts,
)
from .settings import CONFIG_VARIABLE, Settings, load_settings
from .stores.base import Store

Result = TypeVar("Result")
Command = TypeVar("Command", bound=Callable[..., Any])

_CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar=CONFIG_VARIABLE,
    help="A TOML file of settings; see config/apogee.toml.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def reports_errors(command: Command) -> Command:
    """Turns our own errors into one plain line each and exit code 1."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except SettingsError as error:
            _fail(error.problems)
        except ApogeeError as error:
            _fail([str(error)])

    return wrapped  # type: ignore[return-value]


@click.group()
@click.version_option(package_name="apogee-idp")
def main() -> None:
    """Apogee IdP: an OAuth 2.0 identity provider for machines.

    Settings come from --config FILE and from APOGEE_* in the environment.
    """


@main.command()
@click.option("--dev", is_flag=True, help="Development: demo clients, a local key, plain http.")
@click.option("--host", help="The address to listen on.")
@click.option("--port", type=int, help="The port to listen on.")
@_CONFIG
@reports_errors
def serve(dev: bool, host: str | None, port: int | None, config: Path | None) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    flags = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = load_settings(config=config, environ=os.environ, flags=flags, development=dev)
    with logging_to(sys.stdout, settings):
        asyncio.run(serving.serve(settings, announce=_announce))


@main.group()
def clients() -> None:
    """Clients of the client credentials flow."""


@clients.command("create")
@click.argument("client_id")
@click.option("--name", default="", help="A name for people; the client id by default.")
@click.option("--scope", "scopes", multiple=True, help="A scope it may ask for; repeatable.")
@click.option("--default-scope", "default_scopes", multiple=True, help="Granted if none is asked.")
@click.option("--default-audience", help="The audience of tokens whose scopes have no resource.")
@click.option("--role", "roles", multiple=True, help="Told to who gets the scope roles.")
@click.option("--skip-token-encryption", is_flag=True, help="Plain signed tokens (JWS), not JWE.")
@click.option(
    "--signing-alg",
    type=click.Choice(SIGNING_ALGORITHMS),
    default="RS256",
    show_default=True,
    help="How its tokens are signed.",
)
@click.option(
    "--token-typ",
    type=click.Choice(TOKEN_TYPS),
    default="at+jwt",
    show_default=True,
    help="What the header of its tokens says; some APIs want JWT.",
)
@click.option("--secret-file", type=click.File(), help="A secret of your own, from a file or -.")
@_JSON
@_CONFIG
@reports_errors
def create_client(
    client_id: str, as_json: bool, config: Path | None, secret_file: TextIO | None, **options: Any
) -> None:
    """Create a client and print its secret, this once."""
    command = AddClient(
        client_id,
        display_name=options["name"],
        scopes=options["scopes"],
        default_scopes=options["default_scopes"],
        default_audience=options["default_audience"],
        roles=options["roles"],
        skip_token_encryption=options["skip_token_encryption"],
        token_profile=TokenProfile(options["signing_alg"], options["token_typ"]),
        secret=_read_secret(secret_file) if secret_file else None,
    )
    client, secret = _with_store(config, lambda store: _client_commands(store).add(command))
    print_secret(client.client_id, secret, as_json)


@clients.command("list")
@_JSON
@_CONFIG
@reports_errors
def list_clients(as_json: bool, config: Path | None) -> None:
    """List all clients."""
    found = _with_store(config, lambda store: _client_commands(store).all())
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
@_JSON
@_CONFIG
@reports_errors
def show_client(client_id: str, as_json: bool, config: Path | None) -> None:
    """Show one client; never its secrets."""
    facts = client_facts(_with_store(config, lambda store: _client_commands(store).get(client_id)))
    if as_json:
        print_json(facts)
    else:
        print_table(("FIELD", "VALUE"), [(name, readable(fact)) for name, fact in facts.items()])


@clients.command("delete")
@click.argument("client_id")
@_CONFIG
@reports_errors
def delete_client(client_id: str, config: Path | None) -> None:
    """Delete a client; tokens it has live on until they expire."""
    _with_store(config, lambda store: _client_commands(store).delete(client_id))
    click.echo(f"deleted {client_id}")


@clients.command("rotate-secret")
@click.argument("client_id")
@_JSON
@_CONFIG
@reports_errors
def rotate_secret(client_id: str, as_json: bool, config: Path | None) -> None:
    """Replace a client's secrets by a new one and print it, this once."""
    secret = _with_store(config, lambda store: _client_commands(store).rotate_secret(client_id))
    print_secret(client_id, secret, as_json)


@main.group()
def scopes() -> None:
    """Scopes, and the resources behind them."""


@scopes.command("create")
@click.argument("name")
@click.option("--resource", "resources", multiple=True, help="An API's URI; repeatable.")
@click.option("--description", default="", help="What it allows, in words.")
@_JSON
@_CONFIG
@reports_errors
def create_scope(
    name: str, resources: tuple[str, ...], description: str, as_json: bool, config: Path | None
) -> None:
    """Create a scope."""
    scope = Scope(name, resources, description=description)
    _with_store(config, lambda store: ScopeCommands(store).add(scope))
    if as_json:
        print_json(scope_facts(scope))
    else:
        click.echo(f"created {name}")


@scopes.command("list")
@_JSON
@_CONFIG
@reports_errors
def list_scopes(as_json: bool, config: Path | None) -> None:
    """List all scopes."""
    found = _with_store(config, lambda store: ScopeCommands(store).all())
    if as_json:
        print_json([scope_facts(scope) for scope in found])
    else:
        print_table(("SCOPE", "RESOURCES"), [(s.name, " ".join(s.resources)) for s in found])


@scopes.command("delete")
@click.argument("name")
@_CONFIG
@reports_errors
def delete_scope(name: str, config: Path | None) -> None:
    """Delete a scope."""
    _with_store(config, lambda store: ScopeCommands(store).delete(name))
    click.echo(f"deleted {name}")


@main.command()
@_JSON
@_CONFIG
@reports_errors
def handlers(as_json: bool, config: Path | None) -> None:
    """Print the sealed table of handlers, in the order they run."""
    rows = asyncio.run(checks.handler_table(_settings(config)))
    if as_json:
        print_json(rows)
    else:
        headings = ("EVENT", "ORDER", "NAME", "DISTRIBUTION", "VERSION", "FILTER")
        print_table(headings, [tuple(map(str, row.values())) for row in rows])


@main.command()
@_JSON
@_CONFIG
@reports_errors
def check(as_json: bool, config: Path | None) -> None:
    """Say whether settings, store, keys and handlers are fit to serve."""
    findings = _findings(config)
    if as_json:
        print_json([{"check": f.name, "ok": f.ok, "detail": f.detail} for f in findings])
    else:
        for finding in findings:
            click.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name:<9} {finding.detail}")
    if not all(finding.ok for finding in findings):
        sys.exit(1)


def _findings(config: Path | None) -> list[checks.Finding]:
    try:
        settings = _settings(config)
    except SettingsError as error:
        return [checks.Finding("settings", False, problem) for problem in error.problems]
    return asyncio.run(checks.check(settings))


async def _announce(installation: app.Installation) -> None:
    if installation.settings.development:
        click.echo(await development.make_demo(installation.store, installation.settings))


def _read_secret(file: TextIO) -> str:
    try:
        return file.read().strip("\r\n")
    except UnicodeDecodeError:
        raise CommandRefused("the secret file is not UTF-8 text") from None


def _settings(config: Path | None) -> Settings:
    return load_settings(config=config, environ=os.environ)


def _with_store(config: Path | None, action: Callable[[Store], Awaitable[Result]]) -> Result:
    async def act() -> Result:
        async with app.opened_store(_settings(config)) as store:
            return await action(store)

    return asyncio.run(act())


def _client_commands(store: Store) -> ClientCommands:
    return ClientCommands(store, now=app.now)


def _fail(problems: Iterable[str]) -> None:
    for problem in problems:
        click.echo(f"error: {problem}", err=True)
    sys.exit(1)
