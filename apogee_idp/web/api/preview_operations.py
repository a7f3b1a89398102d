"""The preview of a client's next token; it changes nothing."""

from __future__ import annotations

from ...management.previews import Previews
from ...model import is_client_id
from .calls import Call, Desk, Reply
from .listing import named


async def preview_token(desk: Desk, call: Call) -> Reply:
    """The token, or why there would be none."""
    client_id = named(call, "client", is_client_id)
    previews = Previews(desk.services, desk.registry)
    preview = await previews.of(client_id, call.body["scopes"], call.body["resources"])
    return Reply(preview.facts())
