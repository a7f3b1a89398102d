"""What the command line prints: facts as JSON for scripts, as tables for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from .crypto.secrets import NewSecret


def print_facts(facts: Mapping[str, Any], as_json: bool) -> None:
    """All that is known of one thing."""
    if as_json:
        print_json(facts)
    else:
        print_table(("FIELD", "VALUE"), [(name, readable(fact)) for name, fact in facts.items()])


def readable(fact: object) -> str:
    """One fact on one line."""
    return " ".join(map(str, fact)) if isinstance(fact, list) else json.dumps(fact).strip('"')


def readable_time(seconds: int) -> str:
    """Unix seconds as date and time, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00") + "Z"


def print_secret(client_id: str, secret: NewSecret, as_json: bool) -> None:
    """The one time that a secret is shown."""
    if as_json:
        print_json({"client_id": client_id, "client_secret": secret.value})
    else:
        click.echo(f"client_id:     {client_id}\nclient_secret: {secret.value}")
        click.echo("Keep the secret now: it is not shown again.", err=True)


def print_json(value: object) -> None:
    """For scripts."""
    click.echo(json.dumps(value, indent=2))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """For people."""
    table = [tuple(headings), *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        click.echo("  ".join(map(str.ljust, row, widths)).rstrip())
