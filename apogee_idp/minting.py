"""The one place where an access token comes into being."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from .authentication import ClientAuthenticator
from .crypto.tokens import sign_jwt
from .errors import UnusableEvent
from .events import RESERVED_CLAIMS, GenerateToken, ProcessSignIn
from .model import (
    CLIENT_CREDENTIALS,
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
from .requests import IssuedToken, Principal, TokenRequest

_JWS = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_JWE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


class TokenMinter:
    """Writes tokens for authenticated clients, and knows which tokens it wrote.

    It trusts no handler: whatever a plugin left on the event is checked again here, and what does
    not fit is an UnusableEvent, so that the request ends in a 500 and never in a token. No token
    lives longer than ``longest`` seconds.
    """

    __slots__ = (
        "_authenticator",
        "_issuer",
        "_longest",
        "_new_id",
        "_now",
        "_references",
        "_written",
    )

    def __init__(
        self,
        issuer: str,
        authenticator: ClientAuthenticator,
        references: ReferenceTokens,
        *,
        now: Callable[[], int],
        new_id: Callable[[], str],
        longest: int,
    ) -> None:
        self._longest = longest
        self._issuer = issuer
        self._authenticator = authenticator
        self._references = references
        self._now = now
        self._new_id = new_id
        self._written: WeakSet[IssuedToken] = WeakSet()

    async def mint(self, event: GenerateToken) -> IssuedToken:
        """The access token that ``event`` describes: opaque, or signed and then encrypted."""
        request = event.sign_in.request
        client = self._authenticator.vouch(event.sign_in.authentication, request).client
        _check_form(event, self._longest)
        claims = self._claims(event, client)
        value = await self._written_out(event, claims)
        token = IssuedToken(value, request, event.lifetime, claims.get("scope", ""))
        self._written.add(token)
        return token

    async def _written_out(self, event: GenerateToken, claims: dict[str, Any]) -> str:
        if event.reference is not False:
            return await self._references.keep(_json(claims), expires_at=claims["exp"])
        value = await _signed(event, claims)
        if event.encryption_key is not None:
            value = _compact(_JWE, event.encryption_key.encrypt(value, typ=event.typ))
        return value

    def vouch(self, token: object, request: TokenRequest) -> IssuedToken:
        """``token`` if this minter wrote it for ``request``; raises UnusableEvent."""
        if (
            not isinstance(token, IssuedToken)
            or token not in self._written
            or token.request is not request
        ):
            raise UnusableEvent("no token that was minted for this request")
        return token

    def _claims(self, event: GenerateToken, client: Client) -> dict[str, Any]:
        """RFC 9068 §2.2; times are integers, which AWS STS insists on."""
        sign_in = event.sign_in
        principal = _checked_principal(sign_in, client)
        scopes = _texts("scopes", sign_in.scopes)
        audience = _checked_audience(event, client)
        if not all(map(is_scope_name, scopes)):
            raise UnusableEvent("a scope is malformed")
        issued_at = self._now()
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "sub": principal.subject,
            "name": principal.name,
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
        return _checked_additions(event) | claims


def _check_form(event: GenerateToken, longest: int) -> None:
    """Kind and lifetime, as far as any token has them."""
    if event.typ not in TOKEN_TYPS:
        raise UnusableEvent("typ must be at+jwt or JWT")
    if type(event.lifetime) is not int or not 0 < event.lifetime <= longest:
        raise UnusableEvent(f"a lifetime is 1 to {longest} seconds")
    profile = event.sign_in.token_profile
    if not isinstance(profile, TokenProfile):
        raise UnusableEvent("the token profile is none")
    if profile.lifetime is not None and event.lifetime > profile.lifetime:
        raise UnusableEvent("the token would live longer than its profile says")


def _json(claims: dict[str, Any]) -> str:
    try:
        text = json.dumps(claims, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UnusableEvent("a claim is not JSON") from error
    if len(text) > MAXIMUM_TOKEN_CHARACTERS:
        raise UnusableEvent(f"the claims have more than {MAXIMUM_TOKEN_CHARACTERS} characters")
    return text


async def _signed(event: GenerateToken, claims: dict[str, Any]) -> str:
    """No ``alg`` but those we implement, ``none`` least of all."""
    if event.signing_key is None or event.signing_key.algorithm not in SIGNING_ALGORITHMS:
        raise UnusableEvent("no signing key of an algorithm that is offered")
    try:
        return _compact(_JWS, await sign_jwt(claims, event.signing_key, typ=event.typ))
    except (TypeError, ValueError) as error:
        raise UnusableEvent("a claim is not JSON, or the key made no signature") from error


def _compact(form: re.Pattern[str], value: object) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise UnusableEvent("a key made something that is no compact token")
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


def _checked_principal(sign_in: ProcessSignIn, client: Client) -> Principal:
    principal = sign_in.principal
    if not isinstance(principal, Principal):
        raise UnusableEvent("the principal is none")
    _texts("principal", (principal.subject, principal.name))
    _texts("roles", principal.roles)
    if sign_in.request.grant_type == CLIENT_CREDENTIALS and principal.subject != client.client_id:
        raise UnusableEvent("a client's own token must have its client_id as subject")
    return principal


def _texts(what: str, values: object) -> tuple[str, ...]:
    if not isinstance(values, tuple) or not all(type(v) is str and v for v in values):
        raise UnusableEvent(f"{what}: not a tuple of texts")
    return values
