"""``apogee-idp audit``: reading the trail; there is no command that changes it."""

from __future__ import annotations

from pathlib import Path

import click

from .cli_base import CONFIG_OPTION, JSON_OPTION, reports_errors, with_store
from .management.audit import AuditEntry
from .management.audit_queries import AuditFilter, AuditQueries
from .printing import print_json, print_table, readable_time
from .stores.base import MAXIMUM_PAGE


@click.group()
def audit() -> None:
    """The trail of all changes: who, what, when."""


@audit.command("list")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    metavar="N",
    help="So many entries at most.",
)
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def list_entries(limit: int, as_json: bool, config: Path | None) -> None:
    """List the latest changes, newest first; --json also says what was before and after."""
    entries = with_store(config, lambda store: _latest(AuditQueries(store.audit), limit))
    if as_json:
        print_json([entry.facts() for entry in entries])
    else:
        rows = [
            (readable_time(e.at), e.actor, e.action, f"{e.kind} {e.key}", e.outcome)
            for e in entries
        ]
        print_table(("AT", "ACTOR", "ACTION", "WHAT", "OUTCOME"), rows)


async def _latest(queries: AuditQueries, limit: int) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    after: str | None = None
    while len(entries) < limit:
        wanted = min(limit - len(entries), MAXIMUM_PAGE)
        found, after = await queries.page(AuditFilter(), after=after, limit=wanted)
        entries.extend(found)
        if after is None:
            break
    return entries
