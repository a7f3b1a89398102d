"""id_tokens that come back as hints: whom they were for and about, also after they expired."""

from __future__ import annotations

from .crypto.reading import parse_token, text_claim
from .errors import InvalidToken
from .keyring import KeyRing
from .requests import IdTokenHint
from .strict_json import NotStrictJson, parse_json_object


class IdTokenHints:
    """Reads id_tokens of this server as long as the keys that signed them are published."""

    __slots__ = ("_issuer", "_keys")

    def __init__(self, issuer: str, keys: KeyRing) -> None:
        self._issuer = issuer
        self._keys = keys

    def read(self, hint: str) -> IdTokenHint:
        """Raises InvalidToken for what no key of ours has signed as an id_token.

        An access token has a ``client_id``; an id_token has its client as its one audience.
        """
        jws = parse_token(hint)
        key = self._keys.verification_key(str(jws.kid))
        if jws.is_encrypted or key is None or key.algorithm != jws.algorithm or jws.typ != "JWT":
            raise InvalidToken(reason="no id_token, or signed with an unknown key")
        try:
            claims = parse_json_object(key.verify(jws.token))
        except (ValueError, NotStrictJson):
            raise InvalidToken(reason="wrong signature") from None
        if claims.get("iss") != self._issuer or "client_id" in claims:
            raise InvalidToken(reason="of another issuer, or no id_token")
        return IdTokenHint(text_claim(claims, "sub"), text_claim(claims, "aud"))
