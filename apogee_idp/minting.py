"""The one place where an access token comes into being."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from .authentication import ClientAuthenticator
from .crypto.tokens import sign_jwt
from .errors import HandlerFault
from .events import RESERVED_CLAIMS, GenerateToken, ProcessSignIn
from .model import (
    CLIENT_CREDENTIALS,
    ROLES_SCOPE,
    Client,
    IssuedToken,
    Principal,
    TokenRequest,
    is_scope_name,
)


class TokenMinter:
    """Writes tokens for authenticated clients, and knows which tokens it wrote.

    It trusts no handler: whatever a plugin left on the event is checked again here, and what
    does not fit is a HandlerFault, so that the request ends in a 500 and never in a token.
    """

    __slots__ = ("_authenticator", "_issuer", "_new_id", "_now", "_written")

    def __init__(
        self,
        issuer: str,
        authenticator: ClientAuthenticator,
        *,
        now: Callable[[], int],
        new_id: Callable[[], str],
    ) -> None:
        self._issuer = issuer
        self._authenticator = authenticator
        self._now = now
        self._new_id = new_id
        self._written: WeakSet[IssuedToken] = WeakSet()

    async def mint(self, event: GenerateToken) -> IssuedToken:
        """The access token that ``event`` describes: signed, then encrypted if it has a key."""
        request = event.sign_in.request
        client = self._authenticator.vouch(event.sign_in.authentication, request).client
        if event.signing_key is None:
            raise HandlerFault("attach_security_credentials", "left no signing key")
        claims = self._claims(event, client)
        try:
            value = await sign_jwt(claims, event.signing_key, typ=event.typ)
        except (TypeError, ValueError) as error:
            raise HandlerFault("write_token", "a claim is not JSON") from error
        if event.encryption_key is not None:
            value = event.encryption_key.encrypt(value, typ=event.typ)
        token = IssuedToken(value, request, event.lifetime)
        self._written.add(token)
        return token

    def vouch(self, token: object, request: TokenRequest) -> IssuedToken:
        """``token`` if this minter wrote it for ``request``; raises HandlerFault."""
        if (
            not isinstance(token, IssuedToken)
            or token not in self._written
            or token.request is not request
        ):
            raise HandlerFault("generate_token", "left no token of this request")
        return token

    def _claims(self, event: GenerateToken, client: Client) -> dict[str, Any]:
        """RFC 9068 §2.2; times are integers, which AWS STS insists on."""
        sign_in = event.sign_in
        principal = _checked_principal(sign_in, client)
        scopes = _checked_texts("set_scopes", sign_in.scopes)
        audience = _checked_texts("set_resources", sign_in.audience)
        if not audience or not all(map(is_scope_name, scopes)):
            raise HandlerFault("set_resources", "left no audience, or a malformed scope")
        if type(event.lifetime) is not int or event.lifetime <= 0:
            raise HandlerFault("generate_token", "a lifetime is a positive number of seconds")
        issued_at = self._now()
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "sub": principal.subject,
            "name": principal.name,
            "client_id": client.client_id,
            "aud": audience[0] if len(audience) == 1 else list(audience),
            "iat": issued_at,
            "exp": issued_at + event.lifetime,
            "jti": self._new_id(),
        }
        if scopes:
            claims["scope"] = " ".join(scopes)
        if ROLES_SCOPE in scopes:
            claims["role"] = list(principal.roles)
        return _checked_additions(event) | claims


def _checked_additions(event: GenerateToken) -> dict[str, Any]:
    try:
        additions = dict(event.claims)
    except (TypeError, ValueError) as error:
        raise HandlerFault("generate_token", "left claims that are no mapping") from error
    if RESERVED_CLAIMS & additions.keys():
        raise HandlerFault("generate_token", "a reserved claim was added")
    return additions


def _checked_principal(sign_in: ProcessSignIn, client: Client) -> Principal:
    principal = sign_in.principal
    if not isinstance(principal, Principal):
        raise HandlerFault("build_principal", "left no principal")
    _checked_texts("build_principal", (principal.subject, principal.name))
    _checked_texts("build_principal", principal.roles)
    if sign_in.request.grant_type == CLIENT_CREDENTIALS and principal.subject != client.client_id:
        raise HandlerFault("build_principal", "a client's own token must have its id as subject")
    return principal


def _checked_texts(handler: str, values: object) -> tuple[str, ...]:
    if not isinstance(values, tuple) or not all(isinstance(v, str) and v for v in values):
        raise HandlerFault(handler, "left something other than a tuple of texts")
    return values
