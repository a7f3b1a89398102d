"""What the management API tells of a console session; times are Unix seconds."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields


class PresetName(Schema):
    """A preset, for lists to choose from."""

    name = fields.String(required=True)
    title = fields.String(required=True)


class ServerEndpoints(Schema):
    """Addresses that somebody who configures a client needs."""

    configuration = fields.String(required=True)
    jwks = fields.String(required=True)
    token = fields.String(required=True)


class SessionAnswer(Schema):
    """Who is signed in, until when, what she may do, and facts about the server.

    ``csrf_token`` goes into the header X-CSRF-Token of whatever changes something.
    """

    class Meta:
        """See marshmallow."""

        unknown = RAISE

    subject = fields.String(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True)
    roles = fields.List(fields.String(), required=True)
    is_administrator = fields.Boolean(required=True)
    scopes = fields.List(fields.String(), required=True)
    csrf_token = fields.String(required=True)
    signed_in_at = fields.Integer(required=True)
    idle_expires_at = fields.Integer(required=True)
    expires_at = fields.Integer(required=True)
    now = fields.Integer(required=True)
    issuer = fields.String(required=True)
    version = fields.String(required=True)
    account_url = fields.String(required=True, allow_none=True)
    signing_algorithms = fields.List(fields.String(), required=True)
    grant_types = fields.List(fields.String(), required=True)
    presets = fields.List(fields.Nested(PresetName), required=True)
    endpoints = fields.Nested(ServerEndpoints, required=True)
