"""``apogee-idp db``: the schema of the store."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from .app import closing_store, opened_store
from .cli_base import CONFIG_OPTION, JSON_OPTION, reports_errors, settings_of
from .errors import StoreUnavailable
from .printing import print_json, print_table
from .settings import Settings
from .stores.base import Schema


@click.group()
def db() -> None:
    """The schema of the store: tables, indexes, and what releases change of them."""


@db.command()
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def status(as_json: bool, config: Path | None) -> None:
    """Say which steps are done; exit code 1 if any isn't."""
    schema = asyncio.run(_schema(settings_of(config)))
    rows = [(number, step, number <= schema.done) for number, step in enumerate(schema.steps, 1)]
    if as_json:
        print_json([{"step": number, "what": what, "done": done} for number, what, done in rows])
    else:
        table = [(str(number), what, "yes" if done else "no") for number, what, done in rows]
        print_table(("STEP", "WHAT", "DONE"), table)
    if schema.done < len(schema.steps):
        sys.exit(1)


@db.command()
@CONFIG_OPTION
@reports_errors
def upgrade(config: Path | None) -> None:
    """Do the steps that are missing, as serving does when it starts."""
    schema = asyncio.run(_upgraded(settings_of(config)))
    click.echo(f"The schema is at step {schema.done} of {len(schema.steps)}.")


async def _schema(settings: Settings) -> Schema:
    async with closing_store(settings) as store:
        if (prospect := store.prospect()) is not None:
            raise StoreUnavailable(prospect.detail)
        await store.open()
        return await store.schema()


async def _upgraded(settings: Settings) -> Schema:
    async with opened_store(settings) as store:
        return await store.schema()
