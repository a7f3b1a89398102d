"""``apogee-idp db``: the schema of the store."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from .app import closing_store
from .cli_base import CONFIG_OPTION, JSON_OPTION, fail, opened_as_it_is, reports_errors, settings_of
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
    """Say which steps are done; exit code 1 if any isn't.

    Those that a later version has done are no fault: this one runs on them.
    """
    schema = asyncio.run(_schema(settings_of(config)))
    rows = [(what, what not in schema.missing) for what in schema.steps]
    rows += [("of a later version", True)] * schema.newer
    if as_json:
        numbered = enumerate(rows, 1)
        print_json([{"step": n, "what": what, "done": done} for n, (what, done) in numbered])
    else:
        table = [(str(n), what, "yes" if done else "no") for n, (what, done) in enumerate(rows, 1)]
        print_table(("STEP", "WHAT", "DONE"), table)
    if schema.missing:
        sys.exit(1)


@db.command()
@CONFIG_OPTION
@reports_errors
def upgrade(config: Path | None) -> None:
    """Do the steps that are missing, as serving does when it starts.

    Exit code 1, and what to do about it, if something stands in the way of one.
    """
    schema, problems = asyncio.run(_upgraded(settings_of(config)))
    click.echo(f"The schema is at {schema}.")
    if problems:
        fail(problems)


async def _schema(settings: Settings) -> Schema:
    async with opened_as_it_is(settings) as store:
        return await store.schema()


async def _upgraded(settings: Settings) -> tuple[Schema, Sequence[str]]:
    async with closing_store(settings) as store:
        await store.open()
        problems = await store.upgrade()
        return await store.schema(), problems
