"""Commands on single tokens."""

from __future__ import annotations

from ..commands import RevokeToken
from ..requests import Actor, ValidatedToken
from ..revocation import Revocations
from .changes import Changes


class TokenCommands:
    """Raises whatever the store raises. What ``actor`` changes is recorded."""

    def __init__(self, revocations: Revocations, *, changes: Changes, actor: Actor) -> None:
        self._revocations = revocations
        self._changes = changes
        self._actor = actor

    async def revoke(self, token: ValidatedToken) -> None:
        """Ends this token; with a refresh token, the authorization that it belongs to.

        In the trail it is called as in the store, which leads to no token.
        """
        kind, key = ("token", token.id)
        if token.kind == "refresh_token":
            kind = "authorization"
        elif token.reference is not None:
            kind, key = ("opaque_token", token.reference)
        facts = {
            "client_id": token.client_id,
            "audience": list(token.audience),
            "issued_at": token.issued_at,
            "expires_at": token.expires_at,
        }
        command = RevokeToken(self._actor, token, None)
        async with self._changes.recording(command, kind, key, facts, None):
            await self._revocations.revoke(token)
