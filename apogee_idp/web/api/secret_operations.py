"""The secrets of clients: listed, added, rotated and retired; each value is told once."""

from __future__ import annotations

from urllib.parse import quote

from ...errors import NotFound
from ...management.client_secrets import IssuedSecret
from ...model import is_client_id
from .calls import Call, Desk, Reply


async def list_secrets(desk: Desk, call: Call) -> Reply:
    """All secrets of the client: there are few."""
    statuses = await desk.management.secrets(call.actor).list(_client_id(call))
    return Reply({"items": [status.facts() for status in statuses]})


async def add_secret(desk: Desk, call: Call) -> Reply:
    """The new secret, this once."""
    client_id, body = _client_id(call), call.body
    commands = desk.management.secrets(call.actor)
    made = await commands.add(client_id, body["name"], expires_at=body["expires_at"])
    return _issued(desk, client_id, made)


async def rotate_secret(desk: Desk, call: Call) -> Reply:
    """The new secret, this once."""
    client_id = _client_id(call)
    commands = desk.management.secrets(call.actor)
    made = await commands.rotate(client_id, call.body["overlap_seconds"])
    return _issued(desk, client_id, made)


async def retire_secret(desk: Desk, call: Call) -> Reply:
    """Nothing."""
    client_id, secret_id = _client_id(call), call.path["secret_id"]
    commands = desk.management.secrets(call.actor)
    await commands.retire(client_id, secret_id, force=call.query["force"])
    desk.services.clients.forget(client_id)
    return Reply()


def _client_id(call: Call) -> str:
    client_id = call.path["client_id"]
    if not is_client_id(client_id):
        raise NotFound("there is no such client")
    return client_id


def _issued(desk: Desk, client_id: str, made: IssuedSecret) -> Reply:
    desk.services.clients.forget(client_id)
    facts = {
        "id": made.id,
        "name": made.name,
        "created_at": made.created_at,
        "expires_at": made.expires_at,
        "client_secret": made.value,
    }
    return Reply(facts, location=f"/clients/{quote(client_id, safe='')}/secrets/{made.id}")
