"""What the management API takes and tells of clients: registrations, and what follows."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from marshmallow import RAISE, Schema, fields

from ...management.registration_schema import RegistrationSchema, TokenProfileSchema


def _told(schema: type[Schema], *, without: str = "") -> dict[str, fields.Field[Any]]:
    """The members of ``schema``, all of them there, of whatever value the store has."""
    told = {}
    for name, field in schema().fields.items():
        if name != without:
            told[name] = deepcopy(field)
            told[name].required = True
            told[name].validators = []
    return told


class ClientChange(RegistrationSchema):
    """A whole registration; the id stands in the path, and may be repeated here."""

    client_id = fields.String()


class NewClient(RegistrationSchema):
    """The registration of a client to be."""


class ClientPatch(Schema):
    """A merge patch (RFC 7396) on the registration: null means the default."""

    class Meta:
        """See marshmallow."""

        unknown = RAISE
        include = {name: fields.Raw(allow_none=True) for name in RegistrationSchema().fields}  # noqa: RUF012


class SecretAnswer(Schema):
    """What is told of a secret: never itself, nor its hash."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    created_at = fields.Integer(required=True)
    expires_at = fields.Integer(required=True, allow_none=True)


class TokenProfileAnswer(Schema):
    """How a client's access tokens are written."""

    class Meta:
        """See marshmallow."""

        include = _told(TokenProfileSchema)


class ClientFacts(Schema):
    """What follows from the registration, or happened to the client; times are Unix seconds."""

    is_configured = fields.Boolean(required=True)
    permissions = fields.List(fields.String(), required=True)
    requirements = fields.List(fields.String(), required=True)
    tokens_not_before = fields.Integer(required=True)
    created_at = fields.Integer(required=True)
    secrets = fields.List(fields.Nested(SecretAnswer), required=True)


class ClientAnswer(ClientFacts):
    """A client: its registration, and the facts about it, which nobody can write."""

    class Meta:
        """See marshmallow."""

        include = _told(RegistrationSchema, without="preset") | {
            "token_profile": fields.Nested(TokenProfileAnswer, required=True)
        }


class WrittenClientAnswer(ClientAnswer):
    """The same, and the secret that was made for it, which is told this once."""

    client_secret = fields.String(required=True, allow_none=True)
