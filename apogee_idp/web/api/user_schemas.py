"""What the management API takes and tells of people; times are Unix seconds."""

from __future__ import annotations

from marshmallow import fields

from .fields import Flag, Text
from .schemas import PageQuery, Strict


class UsersQuery(PageQuery):
    """Which people."""

    search = Text(load_default="")
    enabled = Flag(load_default=None)
    role = Text(load_default="")


class IdentityAnswer(Strict):
    """Who she is at another provider."""

    provider = fields.String(required=True)
    subject = fields.String(required=True)
    email = fields.String(required=True)
    email_verified = fields.Boolean(required=True)
    linked_at = fields.Integer(required=True)


class UserAnswer(Strict):
    """A person; ``administrator_by`` is the entry of the settings that makes her one, or "".

    What began before ``sessions_not_before`` has ended.
    """

    subject = fields.String(required=True)
    email = fields.String(required=True)
    email_verified = fields.Boolean(required=True)
    name = fields.String(required=True)
    roles = fields.List(fields.String(), required=True)
    is_administrator = fields.Boolean(required=True)
    administrator_by = fields.String(required=True)
    enabled = fields.Boolean(required=True)
    has_password = fields.Boolean(required=True)
    has_second_factor = fields.Boolean(required=True)
    identities = fields.List(fields.Nested(IdentityAnswer), required=True)
    created_at = fields.Integer(required=True)
    password_changed_at = fields.Integer(required=True)
    sessions_not_before = fields.Integer(required=True)


class UserSessionAnswer(Strict):
    """Where she is signed in: browser and address as they told, and the clients she used there."""

    sid = fields.String(required=True)
    begun_at = fields.Integer(required=True)
    seen_at = fields.Integer(required=True)
    expires_at = fields.Integer(required=True)
    methods = fields.List(fields.String(), required=True)
    user_agent = fields.String(required=True)
    source = fields.String(required=True)
    clients = fields.List(fields.String(), required=True)
