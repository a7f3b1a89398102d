"""What one sign-in allows one client, and the codes that stand for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from .browser_secrets import key_of, new_value
from .stores.base import Collection


@dataclass(frozen=True, slots=True)
class Grant:
    """What one sign-in allows one client; ``auth_time`` is in Unix seconds.

    ``redirect_uri``, ``code_challenge`` and ``nonce`` are those of the authorization request.
    """

    client_id: str
    subject: str
    scopes: tuple[str, ...]
    auth_time: int
    authorization_id: str
    redirect_uri: str | None
    code_challenge: str | None
    nonce: str | None
    resources: tuple[str, ...]
    session_id: str | None


class Grants:
    """Codes under their SHA-256; ``now`` gives Unix seconds."""

    __slots__ = ("_new_id", "_now", "_tokens")

    def __init__(
        self, tokens: Collection, *, now: Callable[[], int], new_id: Callable[[], str]
    ) -> None:
        self._tokens = tokens
        self._now = now
        self._new_id = new_id

    async def authorize(self, grant: Grant, *, code_seconds: int, ends_at: int) -> str:
        """A code for ``grant``, good for so many seconds; raises StoreUnavailable.

        What follows from it ends at ``ends_at``.
        """
        value = new_value()
        authorized = replace(grant, authorization_id=self._new_id())
        document = {"payload": json.dumps(asdict(authorized)), "ends_at": ends_at}
        expires_at = self._now() + code_seconds
        await self._tokens.insert(key_of(value), document, expires_at=expires_at)
        return value
