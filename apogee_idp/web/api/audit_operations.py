"""The audit trail, to be read; nothing here changes it."""

from __future__ import annotations

import re

from ...errors import NotFound
from ...management.audit import AuditEntry
from ...management.audit_queries import AuditFilter
from .calls import Call, Desk, Reply
from .listing import Page, listed

_ID = re.compile("[!-~]{1,200}")


async def list_audit_entries(desk: Desk, call: Call) -> Reply:
    """A page of entries, newest first."""
    criteria = {name: call.query[name] for name in AuditFilter.__dataclass_fields__}
    wanted = AuditFilter(**criteria)

    async def pages(after: str | None, limit: int) -> Page:
        return Page(*await desk.management.audit_queries().page(wanted, after=after, limit=limit))

    return await listed(desk, call, f"audit {wanted!r}", pages, AuditEntry.facts)


async def get_audit_entry(desk: Desk, call: Call) -> Reply:
    """One entry."""
    entry_id = call.path["entry_id"]
    if not _ID.fullmatch(entry_id):
        raise NotFound("there is no such entry")
    return Reply((await desk.management.audit_queries().get(entry_id)).facts())
