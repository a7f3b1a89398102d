"""What the management API takes and tells; anything else is refused, never ignored."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields, validate

from ...management.strict_fields import Whole
from ...model import CLIENT_TYPES, FLOW_TYPES
from .fields import Digits, Flag, Text, Texts
from .session_schemas import SessionAnswer


class Strict(Schema):
    """Members that nobody knows are refused."""

    class Meta:
        """See marshmallow."""

        unknown = RAISE


class PageQuery(Strict):
    """Which part of a list."""

    limit = Digits(least=1, most=100, load_default=50)
    cursor = fields.String(load_default=None, validate=validate.Length(max=1000))


class ClientsQuery(PageQuery):
    """Which clients."""

    search = Text(load_default="")
    enabled = Flag(load_default=None)
    flow_type = fields.String(load_default=None, validate=validate.OneOf(FLOW_TYPES))
    client_type = fields.String(load_default=None, validate=validate.OneOf(CLIENT_TYPES))
    configured = Flag(load_default=None)


class DeleteResourceQuery(Strict):
    """Whether scopes lose the resource first."""

    from_scopes = Flag(load_default=False)


class ScopeChange(Strict):
    """All that can be changed of a scope."""

    display_name = Text(load_default="")
    description = Text(load_default="")
    resources = Texts(load_default=list)


class NewScope(ScopeChange):
    """A scope to be."""

    name = Text(shortest=1, required=True)


class ScopeAnswer(Strict):
    """A scope."""

    name = fields.String(required=True)
    display_name = fields.String(required=True)
    description = fields.String(required=True)
    resources = fields.List(fields.String(), required=True)


class ResourceChange(Strict):
    """All that can be changed of a resource."""

    display_name = Text(load_default="")
    access_token_lifetime = Whole(load_default=None, allow_none=True)
    introspection_clients = Texts(load_default=list)
    jwks = fields.Dict(keys=fields.String(), load_default=None, allow_none=True)


class NewResource(ResourceChange):
    """A resource to be, and the scopes that are to belong to it."""

    identifier = Text(shortest=1, required=True)
    scopes = Texts(load_default=list)


class ResourceAnswer(Strict):
    """A resource."""

    identifier = fields.String(required=True)
    display_name = fields.String(required=True)
    access_token_lifetime = fields.Integer(required=True, allow_none=True)
    introspection_clients = fields.List(fields.String(), required=True)
    jwks = fields.Dict(required=True, allow_none=True)


class RotateKey(Strict):
    """For which algorithm a new key is wanted."""

    algorithm = Text(shortest=1, required=True)


class NewKeyAnswer(Strict):
    """A key that was just made; times are Unix seconds."""

    kid = fields.String(required=True)
    use = fields.String(required=True)
    algorithm = fields.String(required=True)
    created_at = fields.Integer(required=True)
    activates_at = fields.Integer(required=True)


class KeyAnswer(NewKeyAnswer):
    """A key and where in its life it is."""

    source = fields.String(required=True)
    state = fields.String(required=True)
    retires_at = fields.Integer(required=True, allow_none=True)
    removed_at = fields.Integer(required=True, allow_none=True)
    successor_due_at = fields.Integer(required=True, allow_none=True)


class RevokedKeyAnswer(Strict):
    """A key that was ended, and the one that signs in its place, if one does."""

    kid = fields.String(required=True)
    successor = fields.Nested(NewKeyAnswer, required=True, allow_none=True)


class RevokeToken(Strict):
    """A token that is to end."""

    token = fields.String(required=True, validate=validate.Length(min=1, max=8192))


class ProblemError(Strict):
    """One thing that is wrong in a body, by its JSON pointer."""

    pointer = fields.String(required=True)
    detail = fields.String(required=True)


class ProblemAnswer(Strict):
    """A refusal (RFC 9457); ``session`` is told to who is signed in and is no administrator."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(ProblemError))
    session = fields.Nested(SessionAnswer)
