"""The one place where a presented token is believed: it reads what the minter wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from .crypto.encryption import CONTENT_ENCRYPTION
from .crypto.keys import ENCRYPTION_ALGORITHM
from .crypto.reading import UnverifiedToken, parse_token, text_claim, time_claim
from .crypto.secrets import reference_of
from .errors import InvalidGrant, InvalidToken, UnusableEvent
from .grants import Grants, is_refresh_token
from .keyring import KeyRing
from .model import AUTHORIZATION_CLAIM, TOKEN_TYPS, could_pass_for_id_token, frozen
from .reference_tokens import ReferenceTokens
from .requests import ValidatedToken
from .strict_json import NotStrictJson, parse_json_object

SERVER_CLOCK_SECONDS = 5
"""By so much the clocks of two processes may differ."""

_JWS_HEADER = {"alg", "kid", "typ"}
_JWE_HEADER = {"alg", "enc", "kid", "typ", "cty"}


class TokenReader:
    """Reads access and refresh tokens, and knows which ones it has read.

    ``now`` gives Unix seconds.
    """

    __slots__ = ("_grants", "_issuer", "_keys", "_now", "_read", "_references")

    def __init__(
        self,
        issuer: str,
        keys: KeyRing,
        references: ReferenceTokens,
        grants: Grants,
        *,
        now: Callable[[], int],
    ) -> None:
        self._grants = grants
        self._issuer = issuer
        self._keys = keys
        self._references = references
        self._now = now
        self._read: WeakKeyDictionary[ValidatedToken, str] = WeakKeyDictionary()

    async def read(self, token: str) -> ValidatedToken:
        """What ``token`` says, if this server wrote it and it is in time.

        Whether it was revoked is another question. Raises InvalidToken, or StoreUnavailable if an
        opaque token can't be looked up.
        """
        validated = await self._read_as_any_kind(token)
        self._read[validated] = token
        return validated

    async def _read_as_any_kind(self, token: str) -> ValidatedToken:
        if is_refresh_token(token):
            return await self._refresh_token(token)
        reference = reference_of(token)
        if reference is not None:
            payload = await self._references.find(reference)
            if payload is None:
                raise InvalidToken(reason="unknown opaque token")
            claims = _claims(payload.encode())
        else:
            claims = self._verified(token)
        return self._validated(claims, reference)

    async def _refresh_token(self, token: str) -> ValidatedToken:
        """It says nothing by itself: what it stands for is told."""
        try:
            presented = await self._grants.find_refresh_token(token)
        except InvalidGrant as error:
            raise InvalidToken(reason=error.reason) from None
        if presented.redeemed_at or presented.expires_at <= self._now():
            raise InvalidToken(reason="spent or expired refresh token")
        grant = presented.grant
        claims = {
            "iss": self._issuer,
            "sub": grant.subject,
            "client_id": grant.client_id,
            "scope": " ".join(grant.scopes),
            "exp": presented.expires_at,
            AUTHORIZATION_CLAIM: presented.authorization_id,
        }
        return ValidatedToken(
            kind="refresh_token",
            client_id=grant.client_id,
            id=presented.authorization_id,
            audience=(),
            issued_at=presented.authorized_at,
            expires_at=presented.expires_at,
            claims=frozen(claims),
        )

    def vouch(self, token: object, presented: str | None) -> ValidatedToken:
        """``token`` if this reader read it from ``presented``; raises UnusableEvent."""
        if not isinstance(token, ValidatedToken) or self._read.get(token) != presented:
            raise UnusableEvent("no token that was read from the request")
        return token

    def _verified(self, token: str) -> Mapping[str, Any]:
        """The claims of a JWS, or of the JWS in a JWE: both layers are checked (RFC 8725 §3.3)."""
        outer = parse_token(token)
        jws = self._decrypted(outer) if outer.is_encrypted else outer
        if jws.is_encrypted or jws.header.keys() != _JWS_HEADER or jws.typ != outer.typ:
            raise InvalidToken(reason="a header that this server does not write")
        key = self._keys.verification_key(str(jws.kid))
        if key is None or key.algorithm != jws.algorithm or jws.typ not in TOKEN_TYPS:
            raise InvalidToken(reason="unknown key, or another alg or typ than that key's")
        try:
            claims = _claims(key.verify(jws.token))
        except ValueError:
            raise InvalidToken(reason="wrong signature") from None
        _check_kind(claims, jws.typ)
        return claims

    def _decrypted(self, jwe: UnverifiedToken) -> UnverifiedToken:
        header = jwe.header
        known = (ENCRYPTION_ALGORITHM, CONTENT_ENCRYPTION, "JWT")
        if header.keys() != _JWE_HEADER or tuple(map(header.get, ("alg", "enc", "cty"))) != known:
            raise InvalidToken(reason="a JWE header that this server does not write")
        key = self._keys.decryption_key(str(jwe.kid))
        if key is None:
            raise InvalidToken(reason="encrypted to an unknown key")
        try:
            return parse_token(key.decrypt(jwe.token).decode("ascii"))
        except ValueError:
            raise InvalidToken(reason="does not decrypt") from None

    def _validated(self, claims: Mapping[str, Any], reference: str | None) -> ValidatedToken:
        """RFC 9068 §4, as far as it concerns any token; whom it is for is the caller's business."""
        if claims.get("iss") != self._issuer:
            raise InvalidToken(reason="another issuer")
        issued_at, expires_at = time_claim(claims, "iat"), time_claim(claims, "exp")
        if issued_at is None or expires_at is None or expires_at <= issued_at:
            raise InvalidToken(reason="iat or exp is missing, or exp is not after iat")
        now = self._now()
        if issued_at > now + SERVER_CLOCK_SECONDS:
            raise InvalidToken(reason="issued in the future")
        if expires_at <= now:
            raise InvalidToken(reason="expired")
        text_claim(claims, "sub")
        return ValidatedToken(
            kind="access_token",
            client_id=text_claim(claims, "client_id"),
            id=text_claim(claims, "jti"),
            audience=_audience(claims),
            issued_at=issued_at,
            expires_at=expires_at,
            claims=frozen(claims),
            reference=reference,
        )


def _claims(raw: bytes) -> Mapping[str, Any]:
    try:
        return parse_json_object(raw)
    except NotStrictJson as error:
        raise InvalidToken(reason=f"claims that are {error}") from None


def _check_kind(claims: Mapping[str, Any], typ: str | None) -> None:
    """An id_token is typed JWT, too, but has no client_id, and its client in aud."""
    client_id = text_claim(claims, "client_id")
    if could_pass_for_id_token(str(typ), _audience(claims), client_id):
        raise InvalidToken(reason="could be an id_token")


def _audience(claims: Mapping[str, Any]) -> tuple[str, ...]:
    audience = claims.get("aud")
    texts = audience if isinstance(audience, list) else [audience]
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise InvalidToken(reason="aud is neither text nor texts")
    return tuple(texts)
