"""Reports of secrets that were found where none should be: whoever has one may end it."""

from __future__ import annotations

from marshmallow import fields

from ...crypto.secrets import SECRET_PATTERN
from ...logs import annotate_request
from .calls import Call, Desk, Reply
from .schemas import Strict

DESCRIPTION = (
    "For whoever has found a client secret, like a scanner of public code: the secret itself is"
    f" the proof, and ends. Secrets of this server match {SECRET_PATTERN}. The answer is the same"
    " whether it was one, was none, or has ended already."
)


class LeakedSecret(Strict):
    """What was found."""

    secret = fields.String(required=True)


async def report_leaked_secret(desk: Desk, call: Call) -> Reply:
    """Nothing, whatever the secret was."""
    ended = await desk.management.secrets(call.actor).report_leaked(call.body["secret"])
    for client_id in ended:
        desk.services.clients.forget(client_id)
    if ended:
        annotate_request(leaked_secret_of=ended)
    return Reply()
