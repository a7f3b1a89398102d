"""``apogee-idp clients secrets`` and ``apogee-idp clients rotate-secret``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TextIO

import click

from . import app
from .cli_base import (
    CONFIG_OPTION,
    JSON_OPTION,
    Result,
    operator,
    reports_errors,
    with_management,
)
from .cli_credentials import secret_of
from .management.client_secrets import SecretCommands, SecretStatus
from .printing import print_json, print_secret, print_table, readable_time


@click.group("secrets")
def secrets() -> None:
    """The secrets of a client; several may be live at once."""


@secrets.command("list")
@click.argument("client_id")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def list_secrets(client_id: str, as_json: bool, config: Path | None) -> None:
    """List a client's secrets, never their values, and how they are used."""
    found = _with_secrets(config, lambda commands: commands.list(client_id))
    if as_json:
        print_json([status.facts() for status in found])
    else:
        headings = ("ID", "NAME", "CREATED", "EXPIRES", "LAST USED", "BY", "USES", "SAFE TO RETIRE")
        print_table(headings, [_row(status) for status in found])


@secrets.command("add")
@click.argument("client_id")
@click.option("--name", default="", help="A name for people.")
@click.option(
    "--expires-in", type=click.IntRange(min=1), metavar="SECONDS", help="Never by default."
)
@click.option("--secret-file", type=click.File(), help="A secret of your own, from a file or -.")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def add_secret(
    client_id: str,
    name: str,
    expires_in: int | None,
    secret_file: TextIO | None,
    as_json: bool,
    config: Path | None,
) -> None:
    """Add a secret beside the others and print it, this once."""
    own = secret_of({"secret_file": secret_file})
    expires_at = None if expires_in is None else app.now() + expires_in
    secret = _with_secrets(
        config, lambda commands: commands.add(client_id, name, expires_at=expires_at, own=own)
    )
    print_secret(client_id, secret, as_json)


@secrets.command("retire")
@click.argument("client_id")
@click.argument("secret_id")
@click.option("--force", is_flag=True, help="Also one that is in use, or the last.")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def retire_secret(
    client_id: str, secret_id: str, force: bool, as_json: bool, config: Path | None
) -> None:
    """End one secret, unless somebody would miss it."""
    _with_secrets(config, lambda commands: commands.retire(client_id, secret_id, force=force))
    if as_json:
        print_json({"client_id": client_id, "retired": secret_id})
    else:
        click.echo(f"retired {secret_id} of {client_id}")


@click.command("rotate-secret")
@click.argument("client_id")
@click.option(
    "--overlap",
    type=click.IntRange(min=0),
    default=0,
    metavar="SECONDS",
    help="How long the old ones go on; they end at once by default.",
)
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def rotate_secret(client_id: str, overlap: int, as_json: bool, config: Path | None) -> None:
    """Replace a client's secrets by a new one and print it, this once."""
    secret = _with_secrets(config, lambda commands: commands.rotate(client_id, overlap))
    print_secret(client_id, secret, as_json)


def _with_secrets(
    config: Path | None, action: Callable[[SecretCommands], Awaitable[Result]]
) -> Result:
    return with_management(config, lambda management: action(management.secrets(operator())))


def _row(status: SecretStatus) -> tuple[str, ...]:
    secret, usage = status.secret, status.usage
    return (
        secret.id,
        secret.name or "-",
        _time(secret.created_at),
        _time(secret.expires_at),
        _time(usage.last_used_at),
        usage.last_used_from or "-",
        str(usage.uses),
        "yes" if status.is_safe_to_retire else "no",
    )


def _time(seconds: int | None) -> str:
    return readable_time(seconds) if seconds else "-"
