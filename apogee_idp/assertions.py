"""Client authentication by a signed JWT: ``private_key_jwt`` (RFC 7523 §3, RFC 8725)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .crypto.public_keys import VerificationKey, nobodys_key, verification_keys
from .crypto.reading import UnverifiedToken, parse_token, text_claim, time_claim, unverified_claims
from .errors import AlreadyExists, InvalidClient, InvalidToken, OutgoingRefused
from .model import CLOCK_JUMP_SECONDS, SIGNING_ALGORITHMS, Client
from .requests import PresentedAssertion
from .stores.base import Collection

MAXIMUM_SECONDS = 600
"""An assertion expires so soon at the latest: until then its jti is kept."""

CLIENT_CLOCK_SECONDS = 60
"""By so much the clock of a client may differ from ours."""

_TYPS = (None, "JWT", "client-authentication+jwt")
_MAXIMUM_JTI = 255


class RemoteKeySource(Protocol):
    """JWK Sets by URI, cached; both methods raise OutgoingRefused."""

    async def get(self, uri: str) -> Mapping[str, Any]: ...
    async def get_anew(self, uri: str) -> Mapping[str, Any]:
        """For a key that is not there: asks again, but not too often."""
        ...


@dataclass(frozen=True, slots=True)
class Assertion:
    """A parsed assertion; nothing in it has been verified, the client_id included."""

    client_id: str
    jws: UnverifiedToken
    claims: Mapping[str, Any] = field(repr=False)


def parse_assertion(presented: PresentedAssertion) -> Assertion:
    """Whose assertion it claims to be: ``iss`` and ``sub`` both (RFC 7523 §3).

    Raises InvalidClient.
    """
    try:
        jws = parse_token(presented.assertion)
        claims = unverified_claims(jws)
        client_id = text_claim(claims, "iss")
        subject = text_claim(claims, "sub")
    except InvalidToken as error:
        raise InvalidClient(reason=f"assertion: {error.reason}") from None
    if jws.typ not in _TYPS or jws.algorithm not in SIGNING_ALGORITHMS:
        raise InvalidClient(reason="assertion: a typ or alg that is not accepted")
    if subject != client_id or presented.client_id not in (None, client_id):
        raise InvalidClient(reason="assertion: iss, sub and client_id differ")
    return Assertion(client_id, jws, claims)


class AssertionVerifier:
    """Verifies assertions, each once.

    Their ``aud`` has to be the ``issuer``, and nothing else with it; for clients that can't, it may
    be the ``token_endpoint``. ``now`` gives Unix seconds; ``patience`` is how many seconds are
    waited for a ``jwks_uri``.
    """

    __slots__ = ("_issuer", "_now", "_patience", "_remote", "_token_endpoint", "_used")

    def __init__(
        self,
        remote: RemoteKeySource,
        used: Collection,
        *,
        issuer: str,
        token_endpoint: str,
        now: Callable[[], int],
        patience: float,
    ) -> None:
        self._issuer = issuer
        self._token_endpoint = token_endpoint
        self._remote = remote
        self._used = used
        self._now = now
        self._patience = patience

    async def verify(self, assertion: Assertion, client: Client | None) -> None:
        """Returns if ``client`` signed it for us, for now, and it was not used before.

        Without a client the same work is done in vain. Raises InvalidClient, or StoreUnavailable if
        nobody can tell now.
        """
        keys = await self._keys(assertion.jws, client)
        candidates = keys or (nobodys_key(assertion.jws.algorithm),)
        signed = any(_verifies(key, assertion.jws.token) for key in candidates)
        if client is None or not signed:
            raise InvalidClient(reason="assertion: no key of the client verifies it")
        try:
            self._check_audience(assertion.claims, client)
            expires_at = self._check_times(assertion.claims)
            jti = text_claim(assertion.claims, "jti")
        except InvalidToken as error:
            raise InvalidClient(reason=f"assertion: {error.reason}") from None
        await self._use(client, jti, expires_at)

    async def _keys(self, jws: UnverifiedToken, client: Client | None) -> Sequence[VerificationKey]:
        if client is None:
            return ()
        keys = verification_keys(client.jwks or {}, jws.algorithm, jws.kid)
        if keys or client.jwks_uri is None:
            return keys
        try:
            async with asyncio.timeout(self._patience):
                return await self._remote_keys(jws, client.jwks_uri)
        except TimeoutError:  # what it answers in the end is there for the next try
            raise InvalidClient(reason="assertion: jwks_uri: there is no answer yet") from None
        except OutgoingRefused as error:
            raise InvalidClient(reason=f"assertion: jwks_uri: {error}") from None

    async def _remote_keys(self, jws: UnverifiedToken, uri: str) -> Sequence[VerificationKey]:
        keys = verification_keys(await self._remote.get(uri), jws.algorithm, jws.kid)
        if keys or jws.kid is None:
            return keys
        return verification_keys(await self._remote.get_anew(uri), jws.algorithm, jws.kid)

    def _check_audience(self, claims: Mapping[str, Any], client: Client) -> None:
        """The issuer as the only value and no list: else it could be meant for others, too."""
        audience = claims.get("aud")
        accepted: tuple[object, ...] = (self._issuer,)
        if client.accepts_token_endpoint_audience:
            both = (self._issuer, self._token_endpoint)
            accepted = (*both, *([one] for one in both))
        if audience not in accepted:
            raise InvalidToken(reason="aud is not the issuer alone")

    def _check_times(self, claims: Mapping[str, Any]) -> int:
        now = self._now()
        expires_at = time_claim(claims, "exp")
        if expires_at is None or expires_at <= now - CLIENT_CLOCK_SECONDS:
            raise InvalidToken(reason="expired, or without exp")
        if expires_at > now + MAXIMUM_SECONDS + CLIENT_CLOCK_SECONDS:
            raise InvalidToken(reason=f"lives longer than {MAXIMUM_SECONDS} s")
        for name in ("iat", "nbf"):
            if (time_claim(claims, name) or 0) > now + CLIENT_CLOCK_SECONDS:
                raise InvalidToken(reason=f"{name} is in the future")
        return expires_at

    async def _use(self, client: Client, jti: str, expires_at: int) -> None:
        """Inserting is the test: of any number at once, one succeeds (RFC 7523 §3, jti)."""
        if len(jti) > _MAXIMUM_JTI:
            raise InvalidClient(reason="assertion: a jti of that length")
        key = hashlib.sha256(f"{client.client_id}\0{jti}".encode()).hexdigest()
        try:
            await self._used.insert(key, {}, expires_at=expires_at + CLOCK_JUMP_SECONDS)
        except AlreadyExists:
            raise InvalidClient(reason="assertion: used before") from None


def _verifies(key: VerificationKey, token: str) -> bool:
    try:
        key.verify(token)
    except ValueError:
        return False
    return True
