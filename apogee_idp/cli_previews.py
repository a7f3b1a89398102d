"""``apogee-idp clients preview``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from . import app
from .cli_base import CONFIG_OPTION, JSON_OPTION, reports_errors, settings_of
from .management.previews import Preview
from .printing import print_json, print_table, readable
from .settings import Settings


@click.command("preview")
@click.argument("client_id")
@click.option("--scope", "scopes", multiple=True, help="A scope it would ask for; repeatable.")
@click.option("--resource", "resources", multiple=True, help="An API it would name; repeatable.")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def preview_client(
    client_id: str,
    scopes: tuple[str, ...],
    resources: tuple[str, ...],
    as_json: bool,
    config: Path | None,
) -> None:
    """Show what a client's next token will look like, and what each handler does for it.

    Nothing is signed, stored or counted. Exit code 1 if the client would get no token.
    """
    preview = asyncio.run(_preview(settings_of(config), client_id, scopes, resources))
    if as_json:
        print_json(preview.facts())
    else:
        _print_outcome(preview)
        click.echo()
        _print_handlers(preview)
    if preview.refusal is not None:
        sys.exit(1)


async def _preview(
    settings: Settings, client_id: str, scopes: tuple[str, ...], resources: tuple[str, ...]
) -> Preview:
    async with app.opened_previews(settings) as previews:
        return await previews.of(client_id, scopes, resources)


def _print_outcome(preview: Preview) -> None:
    if preview.token is None:
        facts = dict(preview.refusal or {})
        print_table(("NO TOKEN", ""), [(name, str(fact)) for name, fact in facts.items()])
        return
    print_table(("TOKEN", ""), _rows_of(preview.token))
    click.echo()
    rows = [(v["preset"], "ok" if v["holds"] else "FAIL", _whys(v)) for v in preview.verdicts]
    print_table(("PRESET", "", "WHY"), rows)


def _rows_of(token: dict[str, Any]) -> list[tuple[str, str]]:
    layers = [(layer["kind"].upper(), readable(layer["header"])) for layer in token["layers"]]
    claims = [(f"claim {name}", readable(value)) for name, value in token["claims"].items()]
    size, lifetime = f"{token['size']} bytes", f"{token['lifetime']} seconds"
    form = ("format", token["format"])
    return [form, ("size", size), ("lifetime", lifetime), *layers, *claims]


def _whys(verdict: dict[str, Any]) -> str:
    return "; ".join(violation["why"] for violation in verdict["violations"])


def _print_handlers(preview: Preview) -> None:
    rows = []
    for step in (step.facts() for step in preview.steps):
        took = "" if step["microseconds"] is None else f"{step['microseconds']} µs"
        changed = " ".join(change["field"] for change in step["changes"])
        name = "  " * step["depth"] + step["name"]
        rows.append((str(step["order"]), name, step["outcome"], took, changed))
    print_table(("ORDER", "HANDLER", "OUTCOME", "TIME", "CHANGED"), rows)
