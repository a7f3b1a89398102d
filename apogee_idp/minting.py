"""The one place where tokens come into being."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from .authentication import ClientAuthenticator
from .crypto.tokens import sign_jwt
from .crypto.void_keys import VoidKey
from .errors import UnusableEvent
from .events import RESERVED_CLAIMS, GenerateToken, ProcessSignIn
from .grants import Grants
from .id_tokens import id_token_claims
from .key_model import SigningKey
from .keyring import KeyRing
from .model import (
    AUTHORIZATION_CLAIM,
    CLIENT_CREDENTIALS,
    MAXIMUM_REFRESH_SECONDS,
    MAXIMUM_TOKEN_CHARACTERS,
    ROLES_SCOPE,
    SIGNING_ALGORITHMS,
    TOKEN_TYPS,
    Client,
    TokenProfile,
    could_pass_for_id_token,
    is_scope_name,
)
from .reference_tokens import ReferenceTokens
from .requests import (
    IssuedToken,
    PresentedGrant,
    PreviewedToken,
    Principal,
    TokenKind,
    TokenRequest,
)
from .settings import Settings

_JWE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


class TokenMinter:
    """Writes tokens for authenticated clients, and knows which tokens it wrote.

    It trusts no handler: whatever a plugin left on the event is checked again here, and what does
    not fit is an UnusableEvent, so that the request ends in a 500 and never in a token. No signed
    token outlives the publication of its key. For a preview nothing is signed, kept or known.
    """

    __slots__ = (
        "_authenticator",
        "_grants",
        "_issuer",
        "_keys",
        "_longest",
        "_new_id",
        "_now",
        "_references",
        "_written",
    )

    def __init__(  # noqa: PLR0913 (all that a token is made of)
        self,
        settings: Settings,
        authenticator: ClientAuthenticator,
        references: ReferenceTokens,
        grants: Grants,
        keys: KeyRing,
        *,
        now: Callable[[], int],
        new_id: Callable[[], str],
    ) -> None:
        self._longest = settings.longest_token_lifetime
        self._issuer = settings.issuer
        self._authenticator = authenticator
        self._references = references
        self._grants = grants
        self._keys = keys
        self._now = now
        self._new_id = new_id
        self._written: WeakSet[IssuedToken] = WeakSet()

    async def mint(self, event: GenerateToken) -> IssuedToken:
        """The token that ``event`` describes; for a refresh token the grant is spent.

        An access token is opaque, or signed and then encrypted; an id_token is signed.
        """
        sign_in = event.sign_in
        client = self._authenticator.vouch(sign_in.authentication, sign_in.request).client
        presented = self._grant_of(sign_in, client)
        match event.kind:
            case "access_token":
                _check_form(event, self._longest)
                claims = self._access_token_claims(event, client, presented)
                if sign_in.request.is_preview:
                    return await self._previewed(event, claims)
                value, scope = await self._written_out(event, claims), claims.get("scope", "")
            case "id_token":
                value, scope = await self._id_token(event, presented), ""
            case "refresh_token":
                value, scope = await self._refresh_token(event, presented), ""
        token = IssuedToken(event.kind, value, sign_in.request, event.lifetime, scope)
        self._written.add(token)
        return token

    def _grant_of(self, sign_in: ProcessSignIn, client: Client) -> PresentedGrant | None:
        """What a person has allowed this client; a client on its own has nothing of the kind."""
        if sign_in.request.grant_type == CLIENT_CREDENTIALS:
            if sign_in.grant is not None:
                raise UnusableEvent("a client on its own has no grant")
            return None
        presented = self._grants.vouch(sign_in.grant)
        if presented.grant.client_id != client.client_id:
            raise UnusableEvent("the grant is another client's")
        if not set(presented.grant.scopes).issuperset(sign_in.scopes):
            raise UnusableEvent("a scope that nobody has granted")
        return presented

    async def _id_token(self, event: GenerateToken, presented: PresentedGrant | None) -> str:
        if presented is None or event.typ != "JWT" or event.encryption_key is not None:
            raise UnusableEvent("an id_token is a plain JWT about a person")
        _check_lifetime(event.lifetime, self._longest)
        access_token = self.vouch(event.sign_in.access_token, event.sign_in.request)
        algorithm = "" if event.signing_key is None else event.signing_key.algorithm
        if algorithm not in SIGNING_ALGORITHMS:
            raise UnusableEvent("no signing key of an algorithm that is offered")
        issued_at = self._now()
        claims = id_token_claims(event.sign_in, presented, access_token.value, algorithm) | {
            "iss": self._issuer,
            "iat": issued_at,
            "exp": issued_at + event.lifetime,
        }
        return await _signed(event, _checked_additions(event) | claims, event.signing_key)

    async def _refresh_token(self, event: GenerateToken, presented: PresentedGrant | None) -> str:
        if presented is None:
            raise UnusableEvent("a refresh token without a grant")
        _check_lifetime(event.lifetime, MAXIMUM_REFRESH_SECONDS)
        return await self._grants.redeem_for_refresh_token(presented, seconds=event.lifetime)

    async def _written_out(self, event: GenerateToken, claims: dict[str, Any]) -> str:
        if event.reference is not False:
            return await self._references.keep(_json(claims), expires_at=claims["exp"])
        return _encrypted(event, await _signed(event, claims, event.signing_key))

    async def _previewed(self, event: GenerateToken, claims: dict[str, Any]) -> PreviewedToken:
        """One that was never signed, or that nothing stands behind; no endpoint sends it."""
        value, signed = self._references.void(), ""
        if event.reference is not False:
            _json(claims)
        else:
            key = event.signing_key and VoidKey.like(event.signing_key, self._keys.jwks)
            signed = await _signed(event, claims, key)
            value = _encrypted(event, signed)
        scope, request = claims.get("scope", ""), event.sign_in.request
        return PreviewedToken(event.kind, value, request, event.lifetime, scope, claims, signed)

    def vouch(
        self, token: object, request: TokenRequest, kind: TokenKind = "access_token"
    ) -> IssuedToken:
        """``token`` if it was written here, so, for ``request``; raises UnusableEvent."""
        if (
            not isinstance(token, IssuedToken)
            or token not in self._written
            or token.request is not request
            or token.kind != kind
        ):
            raise UnusableEvent("no token that was minted for this request")
        return token

    def _access_token_claims(
        self, event: GenerateToken, client: Client, presented: PresentedGrant | None
    ) -> dict[str, Any]:
        """RFC 9068 §2.2; times are integers, which AWS STS insists on.

        Of a person an API learns the subject, and her roles if they were granted: no more.
        """
        sign_in = event.sign_in
        principal = _checked_principal(sign_in, client, presented)
        scopes = _texts("scopes", sign_in.scopes)
        audience = _checked_audience(event, client)
        if not all(map(is_scope_name, scopes)):
            raise UnusableEvent("a scope is malformed")
        issued_at = self._now()
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "sub": principal.subject,
            "client_id": client.client_id,
            "aud": _shaped(audience, sign_in.token_profile),
            "iat": issued_at,
            "exp": issued_at + event.lifetime,
            "jti": self._new_id(),
        }
        if scopes:
            claims["scope"] = " ".join(scopes)
        if ROLES_SCOPE in scopes:
            claims["role"] = list(principal.roles)
        if presented is None:
            claims["name"] = principal.name
        else:
            if presented.grant.auth_time:
                claims["auth_time"] = presented.grant.auth_time
            claims["acr"] = presented.grant.acr
            claims["amr"] = list(presented.grant.methods)
            claims[AUTHORIZATION_CLAIM] = presented.authorization_id
        return _checked_additions(event) | claims


def _check_form(event: GenerateToken, longest: int) -> None:
    """Kind and lifetime, as far as any token has them."""
    if event.typ not in TOKEN_TYPS:
        raise UnusableEvent("typ must be at+jwt or JWT")
    _check_lifetime(event.lifetime, longest)
    profile = event.sign_in.token_profile
    if not isinstance(profile, TokenProfile):
        raise UnusableEvent("the token profile is none")
    if profile.lifetime is not None and event.lifetime > profile.lifetime:
        raise UnusableEvent("the token would live longer than its profile says")


def _check_lifetime(lifetime: object, longest: int) -> None:
    if type(lifetime) is not int or not 0 < lifetime <= longest:
        raise UnusableEvent(f"a lifetime is 1 to {longest} seconds")


def _json(claims: dict[str, Any]) -> str:
    try:
        text = json.dumps(claims, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UnusableEvent("a claim is not JSON") from error
    if len(text) > MAXIMUM_TOKEN_CHARACTERS:
        raise UnusableEvent(f"the claims have more than {MAXIMUM_TOKEN_CHARACTERS} characters")
    return text


async def _signed(event: GenerateToken, claims: dict[str, Any], key: SigningKey | None) -> str:
    """No ``alg`` but those we implement, ``none`` least of all."""
    if key is None or key.algorithm not in SIGNING_ALGORITHMS:
        raise UnusableEvent("no signing key of an algorithm that is offered")
    try:
        return _of_allowed_size(await sign_jwt(claims, key, typ=event.typ))
    except (TypeError, ValueError) as error:
        raise UnusableEvent("a claim is not JSON, or the key made no signature") from error


def _encrypted(event: GenerateToken, signed: str) -> str:
    if event.encryption_key is None:
        return signed
    value: object = event.encryption_key.encrypt(signed, typ=event.typ)
    if not isinstance(value, str) or not _JWE.fullmatch(value):
        raise UnusableEvent("a key made something that is no compact token")
    return _of_allowed_size(value)


def _of_allowed_size(value: str) -> str:
    if len(value) > MAXIMUM_TOKEN_CHARACTERS:
        raise UnusableEvent(f"the token has more than {MAXIMUM_TOKEN_CHARACTERS} characters")
    return value


def _checked_additions(event: GenerateToken) -> dict[str, Any]:
    try:
        additions = dict(event.claims)
    except (TypeError, ValueError) as error:
        raise UnusableEvent("the added claims are no mapping") from error
    if not all(type(name) is str for name in additions) or RESERVED_CLAIMS & additions.keys():
        raise UnusableEvent("a reserved claim was added")
    return additions


def _checked_audience(event: GenerateToken, client: Client) -> tuple[str, ...]:
    audience = _texts("audience", event.sign_in.audience)
    if not audience or could_pass_for_id_token(event.typ, audience, client.client_id):
        raise UnusableEvent("the token has no audience, or could pass for an id_token")
    return audience


def _shaped(audience: tuple[str, ...], profile: TokenProfile) -> str | list[str]:
    """``aud`` in the shape of the profile (RFC 7519 §4.1.3 leaves the choice)."""
    if profile.audience_shape == "single" and len(audience) != 1:
        raise UnusableEvent("a token for one resource has several audiences")
    is_text = profile.audience_shape != "array" and len(audience) == 1
    return audience[0] if is_text else list(audience)


def _checked_principal(
    sign_in: ProcessSignIn, client: Client, presented: PresentedGrant | None
) -> Principal:
    principal = sign_in.principal
    if not isinstance(principal, Principal):
        raise UnusableEvent("the principal is none")
    _texts("principal", (principal.subject, principal.name))
    _texts("roles", principal.roles)
    subject = client.client_id if presented is None else presented.grant.subject
    if principal.subject != subject:
        raise UnusableEvent(
            "a client's own token has its client_id as subject, a person's her subject"
        )
    return principal


def _texts(what: str, values: object) -> tuple[str, ...]:
    if not isinstance(values, tuple) or not all(type(v) is str and v for v in values):
        raise UnusableEvent(f"{what}: not a tuple of texts")
    return values
