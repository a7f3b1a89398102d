"""What the management API takes and tells of the audit trail."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import fields, validate

from .fields import Text
from .schemas import PageQuery, Strict

_DIGITS = re.compile("[0-9]{1,10}")
_LATEST = 9_999_999_999


class Seconds(fields.Integer):
    """A time in Unix seconds, written in plain digits."""

    def __init__(self, *, earliest: int) -> None:
        super().__init__(load_default=None, validate=validate.Range(min=earliest, max=_LATEST))

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not _DIGITS.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, *args, **kwargs)


class AuditQuery(PageQuery):
    """Which entries: from ``since`` on, and before ``until``."""

    actor = Text(load_default="")
    action = Text(load_default="")
    kind = Text(load_default="")
    key = Text(load_default="")
    since = Seconds(earliest=0)
    until = Seconds(earliest=1)


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
