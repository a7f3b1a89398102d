"""What the management API takes and tells of the audit trail."""

from __future__ import annotations

from marshmallow import fields

from ...management.audit import LAST_SECOND
from .fields import Digits, Text
from .schemas import PageQuery, Strict


class AuditQuery(PageQuery):
    """Which entries: from ``since`` on, and before ``until``."""

    actor = Text(load_default="")
    action = Text(load_default="")
    kind = Text(load_default="")
    key = Text(load_default="")
    since = Digits(least=0, most=LAST_SECOND, load_default=None)
    until = Digits(least=1, most=LAST_SECOND, load_default=None)


class AuditEntryAnswer(Strict):
    """Who did what, to what, when (Unix seconds), in which request, and what became of it."""

    id = fields.String(required=True)
    at = fields.Integer(required=True)
    actor = fields.String(required=True)
    action = fields.String(required=True)
    kind = fields.String(required=True)
    key = fields.String(required=True)
    before = fields.Dict(required=True, allow_none=True)
    after = fields.Dict(required=True, allow_none=True)
    request_id = fields.String(required=True)
    outcome = fields.String(required=True)
