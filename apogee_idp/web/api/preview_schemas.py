"""What the management API takes and tells of previews of tokens."""

from __future__ import annotations

from marshmallow import fields

from .fields import Texts
from .schemas import Strict


class PreviewRequest(Strict):
    """What the client would ask for; without scopes it asks for none by name."""

    scopes = Texts(load_default=list)
    resources = Texts(load_default=list)


class TokenLayer(Strict):
    """A JWE or JWS by its protected header; ``encrypted_to`` is told of a JWE alone."""

    kind = fields.String(required=True)
    header = fields.Dict(required=True)
    encrypted_to = fields.String()


class PreviewedTokenAnswer(Strict):
    """A token: ``size`` in bytes, ``lifetime`` in seconds; ``layers`` from the outermost on."""

    format = fields.String(required=True)
    size = fields.Integer(required=True)
    lifetime = fields.Integer(required=True)
    scope = fields.String(required=True)
    layers = fields.List(fields.Nested(TokenLayer), required=True)
    claims = fields.Dict(required=True)
    response = fields.Dict(required=True)


class RefusalAnswer(Strict):
    """Why there would be no token; ``reason`` is what only the log says otherwise."""

    error = fields.String(required=True)
    description = fields.String(required=True)
    reason = fields.String(required=True)
    event = fields.String(required=True)
    handler = fields.String(required=True)


class BrokenRule(Strict):
    """A rule of a preset that the token breaks, and how to mend it."""

    rule = fields.String(required=True)
    sentence = fields.String(required=True)
    is_binding = fields.Boolean(required=True)
    why = fields.String(required=True)


class VerdictAnswer(Strict):
    """Whether whom the preset is named after would take the token."""

    preset = fields.String(required=True)
    title = fields.String(required=True)
    holds = fields.Boolean(required=True)
    violations = fields.List(fields.Nested(BrokenRule), required=True)


class ChangeAnswer(Strict):
    """A member of the event that a handler has changed."""

    field = fields.String(required=True)
    before = fields.Raw(required=True, allow_none=True)
    after = fields.Raw(required=True, allow_none=True)


class HandlerAnswer(Strict):
    """What one handler did; ``depth`` counts the events around its own."""

    event = fields.String(required=True)
    name = fields.String(required=True)
    order = fields.Integer(required=True)
    plugin = fields.String(required=True)
    distribution = fields.String(required=True)
    filter = fields.String(required=True)
    depth = fields.Integer(required=True)
    outcome = fields.String(required=True)
    microseconds = fields.Integer(required=True, allow_none=True)
    changes = fields.List(fields.Nested(ChangeAnswer), required=True)


class PreviewAnswer(Strict):
    """A token or a refusal, the presets' verdicts, and each handler in order."""

    token = fields.Nested(PreviewedTokenAnswer, required=True, allow_none=True)
    refusal = fields.Nested(RefusalAnswer, required=True, allow_none=True)
    verdicts = fields.List(fields.Nested(VerdictAnswer), required=True)
    handlers = fields.List(fields.Nested(HandlerAnswer), required=True)
