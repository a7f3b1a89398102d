"""The overview: what an administrator should know at a glance."""

from __future__ import annotations

from marshmallow import fields

from .calls import Call, Desk, Reply
from .operations import key_status_facts
from .schemas import KeyAnswer, Strict
from .secret_schemas import SecretStatusAnswer


class RefusalCount(Strict):
    """Why a client got no token, how often, and when last (Unix seconds)."""

    error = fields.String(required=True)
    reason = fields.String(required=True)
    count = fields.Integer(required=True)
    last_at = fields.Integer(required=True)


class ClientCounts(Strict):
    """How many clients there are; ``is_complete`` is false where there are too many to count."""

    total = fields.Integer(required=True)
    enabled = fields.Integer(required=True)
    disabled = fields.Integer(required=True)
    configured = fields.Integer(required=True)
    flows = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    unreadable = fields.Integer(required=True)
    is_complete = fields.Boolean(required=True)


class SecretOfClient(SecretStatusAnswer):
    """A secret, and whose it is."""

    client_id = fields.String(required=True)


class SecretsToMind(Strict):
    """Secrets that end soon or have ended, and those that later ones have replaced."""

    expiring = fields.List(fields.Nested(SecretOfClient), required=True)
    safe_to_retire = fields.List(fields.Nested(SecretOfClient), required=True)


class FailingClient(Strict):
    """A client that was refused lately; ``last_used_at`` is when one of its secrets was taken."""

    client_id = fields.String(required=True)
    last_refused_at = fields.Integer(required=True)
    last_used_at = fields.Integer(required=True, allow_none=True)
    count = fields.Integer(required=True)
    refusals = fields.List(fields.Nested(RefusalCount), required=True)


class OverviewAnswer(Strict):
    """All of it; ``keys`` is null for who may not read them."""

    clients = fields.Nested(ClientCounts, required=True)
    keys = fields.List(fields.Nested(KeyAnswer), required=True, allow_none=True)
    secrets = fields.Nested(SecretsToMind, required=True)
    failing = fields.List(fields.Nested(FailingClient), required=True)


async def get_overview(desk: Desk, call: Call) -> Reply:
    """What there is at this moment."""
    seen = await desk.management.overview(call.actor).look()
    keys = None if seen.keys is None else [key_status_facts(status) for status in seen.keys]
    secrets = {"expiring": seen.expiring, "safe_to_retire": seen.safe_to_retire}
    facts = {"clients": seen.clients, "keys": keys, "secrets": secrets, "failing": seen.failing}
    return Reply(facts)
