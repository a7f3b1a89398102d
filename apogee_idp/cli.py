"""``apogee-idp``: the command line."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import click

from . import checks, development, serving, supervising
from .cli_apply import apply
from .cli_audit import audit
from .cli_base import CONFIG_OPTION, JSON_OPTION, reports_errors, settings_of
from .cli_database import db
from .cli_entities import clients, scopes
from .cli_import import imports
from .cli_keys import keys
from .cli_presets import check_client, presets
from .cli_previews import preview_client
from .cli_resources import resources
from .cli_secrets import rotate_secret, secrets
from .cli_users import users
from .errors import SettingsError
from .logs import logging_to
from .model import Finding
from .printing import print_json, print_table
from .settings import load_settings


@click.group()
@click.version_option(package_name="apogee-idp")
def main() -> None:
    """Apogee IdP: an OAuth 2.0 identity provider for machines.

    Settings come from --config FILE and from APOGEE_* in the environment.
    """


main.add_command(clients)
main.add_command(scopes)
main.add_command(resources)
main.add_command(users)
main.add_command(apply)
main.add_command(presets)
clients.add_command(check_client)
clients.add_command(preview_client)
clients.add_command(rotate_secret)
clients.add_command(secrets)
main.add_command(db)
main.add_command(keys)
main.add_command(audit)
main.add_command(imports)


@main.command()
@click.option("--dev", is_flag=True, help="Development: demo clients, a local key, plain http.")
@click.option("--host", help="The address to listen on.")
@click.option("--port", type=int, help="The port to listen on.")
@click.option("--workers", type=int, help="How many processes serve, one for each core.")
@CONFIG_OPTION
@reports_errors
def serve(dev: bool, config: Path | None, **flags: Any) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    given = {name: value for name, value in flags.items() if value is not None}
    settings = load_settings(config=config, environ=os.environ, flags=given, development=dev)
    with logging_to(sys.stdout, settings):
        if settings.workers == 1:
            asyncio.run(serving.serve(settings, announce=development.announce))
        else:
            asyncio.run(supervising.supervise(settings))


@main.command()
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def handlers(as_json: bool, config: Path | None) -> None:
    """Print the sealed table of handlers, in the order they run."""
    rows = asyncio.run(checks.handler_table(settings_of(config)))
    if as_json:
        print_json(rows)
    else:
        headings = ("EVENT", "ORDER", "NAME", "DISTRIBUTION", "VERSION", "FILTER")
        print_table(headings, [tuple(map(str, row.values())) for row in rows])


@main.command()
@JSON_OPTION
@CONFIG_OPTION
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


def _findings(config: Path | None) -> list[Finding]:
    try:
        settings = settings_of(config)
    except SettingsError as error:
        return [Finding("settings", False, problem) for problem in error.problems]
    return asyncio.run(checks.check(settings))
