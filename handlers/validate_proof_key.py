"""Wants codes to be bound to a secret of whoever started the request."""

from __future__ import annotations

import re

from apogee_idp import InvalidRequest, ProcessAuthorization

_CHALLENGE = re.compile("[A-Za-z0-9_-]{43}")
_REQUIREMENT = "ft:pkce"


async def validate_proof_key(event: ProcessAuthorization) -> None:
    """RFC 7636 §4.3 with S256 alone; left out by confidential clients that need not use it."""
    client, parameters = event.known_client(), event.request.parameters
    challenge = parameters.get("code_challenge")
    method = parameters.get("code_challenge_method")
    if challenge is None:
        if client.client_type == "public" or _REQUIREMENT in client.requirements:
            raise InvalidRequest("The code_challenge parameter is missing.")
        if method is not None:
            raise InvalidRequest("There is a code_challenge_method, but no code_challenge.")
        return
    # Without a method it would be plain (§4.3), which shows the verifier to whoever sees this.
    if method != "S256":
        raise InvalidRequest("The code_challenge_method must be S256.")
    if not _CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("The code_challenge is malformed.")
