"""``apogee-idp presets``, and ``apogee-idp clients check``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from .cli_base import CONFIG_OPTION, JSON_OPTION, reports_errors, settings_of, with_store
from .management.forecast import forecast
from .presets import PRESETS, Preset, Subject, violations
from .printing import print_json, print_table, readable


@click.command()
@JSON_OPTION
def presets(as_json: bool) -> None:
    """Print the presets: whom tokens can be for, and how they are written then."""
    facts = [_facts(preset) for preset in PRESETS.values()]
    if as_json:
        print_json(facts)
    else:
        headings = ("PRESET", "FOR", "TOKEN", "ALG", "TYP", "AUD")
        columns = ("preset", "title", "token", "signing_algorithm", "typ", "audience_shape")
        print_table(headings, [tuple(readable(row[name]) for name in columns) for row in facts])


@click.command("check")
@click.argument("client_id")
@click.option(
    "--for",
    "preset",
    type=click.Choice(list(PRESETS)),
    required=True,
    help="Whose rules its tokens are held to.",
)
@click.option("--scope", "scopes", multiple=True, help="A scope it would ask for; repeatable.")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def check_client(
    client_id: str, preset: str, scopes: tuple[str, ...], as_json: bool, config: Path | None
) -> None:
    """Hold the tokens a client would get to a preset's rules; exit code 1 if one is broken.

    Without --scope, the token is the one for a request that names none.
    """
    settings = settings_of(config)
    subject = with_store(config, lambda store: forecast(store, settings, client_id, scopes))
    results = _results(PRESETS[preset], subject)
    if as_json:
        print_json(results)
    else:
        for result in results:
            click.echo(f"{_word(result)}  {result['rule']:<16}  {result['detail']}")
    if any(result["binding"] and not result["ok"] for result in results):
        sys.exit(1)


def _facts(preset: Preset) -> dict[str, Any]:
    return {
        "preset": preset.name,
        "title": preset.title,
        "token": "JWS" if preset.skip_token_encryption else "JWE",
        "signing_algorithm": preset.profile.signing_algorithm,
        "typ": preset.profile.typ,
        "audience_shape": preset.profile.audience_shape,
        "rules": [
            {"rule": rule.name, "binding": rule.binding, "sentence": rule.sentence}
            for rule in preset.rules
        ],
    }


def _results(preset: Preset, subject: Subject) -> list[dict[str, Any]]:
    broken = {violation.rule.name: violation.why for violation in violations(preset, subject)}
    return [
        {
            "rule": rule.name,
            "binding": rule.binding,
            "ok": rule.name not in broken,
            "detail": broken.get(rule.name, rule.sentence),
        }
        for rule in preset.rules
    ]


def _word(result: dict[str, Any]) -> str:
    if result["ok"]:
        return "ok  "
    return "FAIL" if result["binding"] else "note"
