"""``apogee-idp import``: what others have left, and what becomes of it here."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from .app import closing_store, opened_management
from .cli_base import (
    CONFIG_OPTION,
    JSON_OPTION,
    opened_as_it_is,
    operator,
    reports_errors,
    settings_of,
    warn,
)
from .errors import CommandRefused
from .management.openiddict_import import Entry, Report, copied, rehearsed, report_on
from .printing import print_json, print_table
from .settings import Settings

_LEFT_ALONE = "They are left alone: no token of OpenIddict's is valid here."


@click.group("import")
def imports() -> None:
    """What another identity provider has left."""


@imports.command("openiddict")
@click.option(
    "--from",
    "source",
    metavar="URL",
    help="Copy from this MongoDB; - reads its URL from standard input.",
)
@click.option(
    "--prefix",
    default="openiddict",
    show_default=True,
    help="How the names of its collections begin; with --from.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing, and tell what would be copied.")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def import_openiddict(
    source: str | None, prefix: str, dry_run: bool, as_json: bool, config: Path | None
) -> None:
    """Say what is served of an OpenIddict database, and why the rest isn't.

    It is the store of the settings, and nothing is written to it. With --from, applications and
    scopes of another one are copied there; what exists already is never overwritten. Exit code 1
    only if something can't be read.
    """
    settings = settings_of(config)
    if source is None:
        report = asyncio.run(_report(settings))
    else:
        url = sys.stdin.readline().strip() if source == "-" else source
        if not url.startswith(("mongodb://", "mongodb+srv://")):
            raise CommandRefused("--from takes the URL of a MongoDB: mongodb://host/database")
        other = replace(settings, store=url, mongodb_prefix=prefix)
        report = asyncio.run(_copy(other, settings, dry_run=dry_run))
    if as_json:
        print_json(_facts(report))
    else:
        _print(report)
    if not report.is_whole:
        sys.exit(1)


async def _report(settings: Settings) -> Report:
    async with opened_as_it_is(settings) as store:
        return await report_on(store, settings.grant_types)


async def _copy(other: Settings, settings: Settings, *, dry_run: bool) -> Report:
    async with closing_store(other) as source:
        await source.open()
        report = await report_on(source, settings.grant_types)
        if not dry_run:
            async with opened_management(settings, report=warn) as target:
                return await copied(source, target.store, report, target.changes, operator())
        async with closing_store(settings) as target:
            if target.prospect() is not None:
                return await rehearsed(source, None, report)
            await target.open()
            return await rehearsed(source, target, report)


def _facts(report: Report) -> dict[str, Any]:
    return {
        "applications": [_entry_facts("client_id", entry) for entry in report.applications],
        "scopes": [_entry_facts("name", entry) for entry in report.scopes],
        "tokens": dict(report.tokens),
        "authorizations": dict(report.authorizations),
    }


def _entry_facts(name: str, entry: Entry) -> dict[str, Any]:
    facts = {name: entry.name, "verdict": entry.verdict, "remarks": list(entry.remarks)}
    return facts if entry.copied is None else facts | {"copied": entry.copied}


def _print(report: Report) -> None:
    _print_entries("CLIENT ID", report.applications)
    if report.scopes:
        click.echo()
        _print_entries("SCOPE", report.scopes)
    click.echo()
    click.echo(f"tokens: {_counts(report.tokens)}")
    click.echo(f"authorizations: {_counts(report.authorizations)}")
    click.echo(_LEFT_ALONE)


def _print_entries(heading: str, entries: Sequence[Entry]) -> None:
    rows = [
        (entry.name or "-", entry.verdict, entry.copied or "-", "; ".join(entry.remarks))
        for entry in entries
    ]
    print_table((heading, "VERDICT", "COPY", "REMARKS"), rows)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind or 'untyped'}" for kind, count in counts.items()) or "none"
