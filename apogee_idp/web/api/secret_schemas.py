"""What the management API takes and tells of the secrets of clients; times are Unix seconds."""

from __future__ import annotations

from marshmallow import fields

from ...management.strict_fields import Whole
from .client_schemas import SecretAnswer
from .fields import Flag, Text
from .schemas import Strict


class NewClientSecret(Strict):
    """A secret to be; without ``expires_at`` it never expires."""

    name = Text(load_default="")
    expires_at = Whole(load_default=None, allow_none=True)


class RotateSecret(Strict):
    """For how long the other secrets go on."""

    overlap_seconds = Whole(load_default=0)


class RetireSecretQuery(Strict):
    """Whether to end a secret that somebody would miss."""

    force = Flag(load_default=False)


class NewSecretAnswer(SecretAnswer):
    """A secret that was just made, shown this once: a replay has null instead."""

    client_secret = fields.String(required=True, allow_none=True)


class SecretStatusAnswer(SecretAnswer):
    """A secret, how it was used, and whether anyone would miss it."""

    last_used_at = fields.Integer(required=True, allow_none=True)
    last_used_from = fields.String(required=True)
    uses = fields.Integer(required=True)
    is_expired = fields.Boolean(required=True)
    is_safe_to_retire = fields.Boolean(required=True)
