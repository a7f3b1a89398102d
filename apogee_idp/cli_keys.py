"""``apogee-idp keys``: the ring of keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from .cli_base import (
    CONFIG_OPTION,
    JSON_OPTION,
    Result,
    managing,
    operator,
    reports_errors,
    settings_of,
)
from .crypto.sealing import KeyEncryptionKey
from .key_encryption import development_key_exists, key_encryption_keys
from .management.keys import KeyCommands, KeyStatus
from .printing import print_json, print_table, readable_time
from .settings import Settings


@click.group()
def keys() -> None:
    """Signing and encryption keys, and where in their life they are."""


@keys.command("list")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def list_keys(as_json: bool, config: Path | None) -> None:
    """List the keys: published, active, retired."""
    found = _run(settings_of(config), lambda commands: commands.all())
    if as_json:
        print_json([_facts(key) for key in found])
    else:
        rows = [_row(key) for key in found]
        print_table(("KID", "ALGORITHM", "STATE", "SIGNS FROM", "UNTIL", "SOURCE"), rows)


@keys.command("rotate")
@click.option("--algorithm", default="RS256", show_default=True, help="Whose key is replaced.")
@CONFIG_OPTION
@reports_errors
def rotate_key(algorithm: str, config: Path | None) -> None:
    """Publish a new key now, which signs once every verifier can know it (key_ahead_seconds)."""
    settings, guards = _guarded(config)
    made = _run(settings, lambda commands: commands.rotate(algorithm, guards[0]))
    click.echo(f"{made.kid} signs {algorithm} from {readable_time(made.activates_at)}")


@keys.command("revoke", context_settings={"ignore_unknown_options": True})
@click.argument("kid")
@CONFIG_OPTION
@reports_errors
def revoke_key(kid: str, config: Path | None) -> None:
    """Emergency: end a key at once, and every token that it signed or that is encrypted to it.

    It leaves the JWK Set, and introspection refuses its tokens. APIs that verify by themselves take
    them until they read the JWK Set again.
    """
    # A KID may begin with a dash: whatever is no option is taken for one.
    settings, guards = _guarded(config)
    successor = _run(settings, lambda commands: commands.revoke(kid, guards[0]))
    click.echo(f"revoked {kid}")
    if successor is not None:
        click.echo(f"{successor.kid} takes over {successor.algorithm} at once")


@keys.command("rewrap")
@CONFIG_OPTION
@reports_errors
def rewrap_keys(config: Path | None) -> None:
    """Encrypt all keys and second factors anew, with the first of the key-encryption keys."""
    settings, guards = _guarded(config)
    keys, factors = _run(settings, lambda commands: commands.rewrap(guards))
    counts = f"keys: {keys}, second factors: {factors}"
    click.echo(f"{counts}; all are encrypted with the key-encryption key {guards[0].id}")


def _guarded(config: Path | None) -> tuple[Settings, Sequence[KeyEncryptionKey]]:
    """The settings and the keys that guard keys; beside a development server, its own."""
    settings = settings_of(config)
    if not settings.key_encryption_key and development_key_exists(settings):
        settings = replace(settings, development=True)
    return settings, key_encryption_keys(settings)


def _run(settings: Settings, action: Callable[[KeyCommands], Awaitable[Result]]) -> Result:
    return managing(settings, lambda management: action(management.keys(operator())))


def _facts(key: KeyStatus) -> dict[str, Any]:
    return {
        "kid": key.record.kid,
        "use": key.record.use,
        "algorithm": key.record.algorithm,
        "state": key.state,
        "source": key.record.source,
        "created_at": key.record.created_at,
        "activates_at": key.record.activates_at,
        "retires_at": key.retires_at,
    }


def _row(key: KeyStatus) -> tuple[str, ...]:
    record = key.record
    until = "-" if key.retires_at is None else readable_time(key.retires_at)
    begins = readable_time(record.activates_at)
    return (record.kid, record.algorithm, key.state, begins, until, record.source)
