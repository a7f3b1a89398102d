"""Any OpenID Connect provider, by discovery."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Any

from ..crypto.public_keys import VerificationKey, verification_keys
from ..crypto.reading import (
    KIDS_OF_OTHERS,
    UnverifiedToken,
    parse_token,
    text_claim,
    time_claim,
)
from ..errors import InvalidToken, OutgoingRefused
from ..model import SIGNING_ALGORITHMS
from ..outgoing import Outgoing, is_url
from ..remote_keys import RemoteKeys
from ..strict_json import NotStrictJson, parse_json_object
from ..user_model import PROFILE_CLAIMS, checked_email, checked_profile
from .model import Departure, ExternalIdentity, ExternalSignInFailed, IdentityProvider
from .requests import asked, bearer, check_issuer, code_in, departure_url, redeem

METADATA_SECONDS = 3600.0
CLOCK_SECONDS = 60
"""By so much the clock of a provider may differ from ours."""

_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_EMAIL = ("email", "email_verified")
_MAXIMUM_SUBJECT = 255


class OpenIdProvider:
    """OpenID Connect Core §3.1 from the other side: code, PKCE, nonce, and a verified id_token.

    ``now`` gives Unix seconds, ``monotonic`` seconds.
    """

    def __init__(
        self,
        provider: IdentityProvider,
        outgoing: Outgoing,
        keys: RemoteKeys,
        *,
        now: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        self._provider = provider
        self._outgoing = outgoing
        self._keys = keys
        self._now = now
        self._monotonic = monotonic
        self._known: tuple[float, Mapping[str, Any]] | None = None

    async def departure_url(self, departure: Departure) -> str:
        """Raises ExternalSignInFailed if its metadata can't be had."""
        metadata = await self._metadata()
        endpoint: str = metadata["authorization_endpoint"]
        # What is asked for by max_age is said in the id_token (OpenID Connect Core §2, auth_time).
        more = {} if departure.again_since is None else {"prompt": "login", "max_age": "0"}
        return departure_url(endpoint, self._provider, departure, nonce=departure.nonce, **more)

    async def arrival(
        self, departure: Departure, parameters: Mapping[str, str]
    ) -> ExternalIdentity:
        """Raises ExternalSignInFailed for whatever its provider hasn't said for us, now."""
        metadata = await self._metadata()
        is_promised = metadata.get("authorization_response_iss_parameter_supported") is True
        check_issuer(parameters, self._provider.issuer, is_promised=is_promised)
        form = {
            "code": code_in(parameters),
            "redirect_uri": departure.redirect_uri,
            "code_verifier": departure.verifier,
        }
        response = await redeem(
            self._outgoing,
            metadata["token_endpoint"],
            self._provider,
            form,
            basic=_takes_basic(metadata),
        )
        try:
            claims = await self._verified(response.get("id_token"), metadata)
            self._check(claims, departure)
            return await self._identity(claims, response, metadata)
        except InvalidToken as error:
            raise ExternalSignInFailed(f"the id_token: {error.reason}") from None

    async def _metadata(self) -> Mapping[str, Any]:
        """OpenID Connect Discovery §4.3: its ``issuer`` is the configured one, to the letter."""
        if self._known is None or self._monotonic() >= self._known[0] + METADATA_SECONDS:
            url = self._provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
            found = await asked(self._outgoing, url)
            if found.get("issuer") != self._provider.issuer:
                raise ExternalSignInFailed("its metadata is of another issuer")
            if not all(map(is_url, map(found.get, _ENDPOINTS))):
                raise ExternalSignInFailed("its metadata lacks an endpoint")
            self._known = self._monotonic(), found
        return self._known[1]

    async def _verified(self, id_token: object, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is signed by a key of its own (§3.1.3.7); raises InvalidToken."""
        jws = parse_token(id_token, kids=KIDS_OF_OTHERS)
        if jws.is_encrypted or jws.algorithm not in SIGNING_ALGORITHMS:
            raise InvalidToken(reason="an alg that is not accepted")
        for key in await self._candidates(jws, metadata["jwks_uri"]):
            try:
                return parse_json_object(key.verify(jws.token))
            except NotStrictJson:
                raise InvalidToken(reason="no strict JSON") from None
            except ValueError:
                continue
        raise InvalidToken(reason="no key of the provider verifies it")

    async def _candidates(self, jws: UnverifiedToken, uri: str) -> tuple[VerificationKey, ...]:
        try:
            keys = verification_keys(await self._keys.get(uri), jws.algorithm, jws.kid)
            if keys:
                return keys
            return verification_keys(await self._keys.get_anew(uri), jws.algorithm, jws.kid)
        except OutgoingRefused as error:
            raise ExternalSignInFailed(f"its keys: {error}") from None

    def _check(self, claims: Mapping[str, Any], departure: Departure) -> None:
        """OpenID Connect Core §3.1.3.7; raises InvalidToken."""
        client_id, now = self._provider.client_id, self._now()
        audience = claims.get("aud")
        if claims.get("iss") != self._provider.issuer:
            raise InvalidToken(reason="of another issuer")
        if audience not in (client_id, [client_id]) or claims.get("azp", client_id) != client_id:
            raise InvalidToken(reason="not for us alone")
        expires_at, issued_at = time_claim(claims, "exp"), time_claim(claims, "iat")
        if expires_at is None or expires_at <= now - CLOCK_SECONDS:
            raise InvalidToken(reason="expired")
        if issued_at is None or issued_at > now + CLOCK_SECONDS:
            raise InvalidToken(reason="from the future")
        if not hmac.compare_digest(text_claim(claims, "nonce").encode(), departure.nonce.encode()):
            raise InvalidToken(reason="the nonce of another sign-in")
        self._check_proven(claims, departure.again_since)

    def _check_proven(self, claims: Mapping[str, Any], since: int | None) -> None:
        """Whoever sits at her browser can take ``prompt`` and ``max_age`` out of the address."""
        if since is None:
            return
        auth_time = self._auth_time(claims)
        if auth_time == 0:
            raise InvalidToken(reason="without auth_time, so she may not have signed in for this")
        if auth_time < since - CLOCK_SECONDS:
            raise InvalidToken(reason="of a sign-in before this one")

    def _auth_time(self, claims: Mapping[str, Any]) -> int:
        """Google never says it: then it counts as the moment in which she comes from there."""
        told = time_claim(claims, "auth_time")
        if told is None and self._provider.kind == "google":
            return self._now()
        return told or 0

    async def _identity(
        self,
        claims: Mapping[str, Any],
        response: Mapping[str, Any],
        metadata: Mapping[str, Any],
    ) -> ExternalIdentity:
        subject, auth_time = text_claim(claims, "sub"), self._auth_time(claims)
        if len(subject) > _MAXIMUM_SUBJECT:
            raise InvalidToken(reason="a subject of that length")
        url, token = metadata.get("userinfo_endpoint"), response.get("access_token")
        if "email" not in claims and isinstance(url, str) and isinstance(token, str):
            more = await asked(self._outgoing, url, headers=bearer(token))
            if more.get("sub") != subject:  # OpenID Connect Core §5.3.2
                raise InvalidToken(reason="userinfo speaks of somebody else")
            # Whether an address is verified says whoever says the address.
            claims = {**more, **{name: claims[name] for name in claims if name not in _EMAIL}}
        email = claims.get("email")
        return ExternalIdentity(
            self._provider.name,
            subject,
            auth_time,
            usable_email(email),
            email_verified=claims.get("email_verified") is True,
            profile=usable_profile(claims),
        )


def _takes_basic(metadata: Mapping[str, Any]) -> bool:
    """Whether the secret goes into the header, which is the default (Discovery §3)."""
    methods = metadata.get("token_endpoint_auth_methods_supported")
    return not isinstance(methods, list) or "client_secret_basic" in methods


def usable_email(email: object) -> str:
    """``email`` if it is an address, else ""."""
    try:
        return checked_email(email) if isinstance(email, str) else ""
    except ValueError:
        return ""


def usable_profile(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """Those of ``claims`` that a profile can have; others are left out one by one."""
    found: dict[str, Any] = {}
    for name in PROFILE_CLAIMS.keys() & claims.keys():
        try:
            found |= checked_profile({name: claims[name]})
        except ValueError:
            continue
    return checked_profile(found)
