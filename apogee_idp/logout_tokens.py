"""Logout tokens: that a session has ended (OpenID Connect Back-Channel Logout 1.0 §2.4)."""

from __future__ import annotations

from collections.abc import Callable

from .crypto.tokens import sign_jwt
from .keyring import KeyRing
from .model import Client
from .requests import Session

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_TOKEN_SECONDS = 120


class LogoutTokens:
    """Writes logout tokens as ``issuer``, signed as the client's id_tokens are.

    ``now`` gives Unix seconds, ``new_id`` 128 random bits.
    """

    __slots__ = ("_issuer", "_keys", "_new_id", "_now")

    def __init__(
        self, issuer: str, keys: KeyRing, *, now: Callable[[], int], new_id: Callable[[], str]
    ) -> None:
        self._issuer = issuer
        self._keys = keys
        self._now = now
        self._new_id = new_id

    async def write(self, client: Client, session: Session) -> str:
        """A token that says to ``client`` that ``session`` has ended.

        Raises TemporarilyUnavailable while there is no key to sign it.
        """
        issued_at = self._now()
        claims = {
            "iss": self._issuer,
            "aud": client.client_id,
            "sub": session.user.subject,
            "sid": session.sid,
            "iat": issued_at,
            "exp": issued_at + LOGOUT_TOKEN_SECONDS,
            "jti": self._new_id(),
            "events": {EVENT: {}},
        }
        key = self._keys.signing_key(client.token_profile.signing_algorithm)
        return await sign_jwt(claims, key, typ="logout+jwt")
