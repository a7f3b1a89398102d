"""What callers send, what is proven about it, and what they are told: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from .model import ADMIN_SCOPE, AUTHORIZATION_CLAIM, Client
from .user_model import User

AuthenticationMethod = Literal[
    "client_secret_basic", "client_secret_post", "private_key_jwt", "none", "preview"
]
ResponseMode = Literal["query", "form_post"]
ONE_FACTOR, TWO_FACTORS = "urn:apogee:acr:1fa", "urn:apogee:acr:2fa"
"""The values of ``acr``: a password or another provider alone, or a second factor as well."""

TokenKind = Literal["access_token", "id_token", "refresh_token"]


def acr_of(methods: tuple[str, ...]) -> str:
    """The authentication context class of these methods (``mfa``: RFC 8176 §2)."""
    return TWO_FACTORS if "mfa" in methods else ONE_FACTOR


@dataclass(frozen=True, slots=True)
class Actor:
    """Who gives a command, what he may do, and in which request, if it is one.

    One who ``is_local`` has the machine itself, and can mend what he breaks.
    """

    subject: str
    scopes: frozenset[str]
    request_id: str = ""
    is_local: bool = False

    def may(self, scope: str) -> bool:
        """Whether ``scope`` was granted, by itself or by ``idp:admin``."""
        return not self.scopes.isdisjoint((scope, ADMIN_SCOPE))


@dataclass(frozen=True, slots=True)
class PresentedCredentials:
    """What a caller claims to be: nothing here has been checked, but for ``source``.

    That is the IP address that it comes from.
    """

    client_id: str
    client_secret: str = field(repr=False)
    method: AuthenticationMethod
    source: str = ""


@dataclass(frozen=True, slots=True)
class PresentedAssertion:
    """A JWT by which a caller claims to be its issuer (RFC 7523 §2.2): nothing has been checked."""

    assertion: str = field(repr=False)
    client_id: str | None
    method: AuthenticationMethod = "private_key_jwt"


@dataclass(frozen=True, slots=True)
class PresentedName:
    """The client_id alone: all that a public client has to say (RFC 6749 §3.2.1)."""

    client_id: str
    method: AuthenticationMethod = "none"


@dataclass(frozen=True, slots=True)
class PreviewedClient:
    """The client whose next token somebody wants to see: no request brings it, only we ask so.

    It proves nothing: what is minted for it is a ``PreviewedToken``.
    """

    client_id: str
    method: AuthenticationMethod = "preview"


Credentials = PresentedCredentials | PresentedAssertion | PresentedName | PreviewedClient


@dataclass(frozen=True, slots=True, eq=False)
class TokenRequest:
    """One parsed token request (RFC 6749 §3.2); nothing in it has been checked.

    Absent and empty parameters are both ``None``. ``parameters`` has everything else the caller
    sent, but no credentials.
    """

    grant_type: str | None = None
    credentials: Credentials | None = None
    scope: str | None = None
    resources: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    @property
    def is_preview(self) -> bool:
        """Whether somebody only wants to see what would be answered: nothing may be changed."""
        return isinstance(self.credentials, PreviewedClient)


@dataclass(frozen=True, slots=True, eq=False)
class IntrospectionRequest:
    """One parsed introspection request (RFC 7662 §2.1); nothing in it has been checked."""

    token: str | None = field(default=None, repr=False)
    credentials: Credentials | None = None
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class RevocationRequest:
    """One parsed revocation request (RFC 7009 §2.1); nothing in it has been checked."""

    token: str | None = field(default=None, repr=False)
    credentials: Credentials | None = None
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class AuthorizationRequest:
    """One parsed authorization request (RFC 6749 §4.1.1); nothing in it has been checked.

    Absent and empty parameters are both ``None``; those that were sent more than once are named in
    ``repeated`` and have no value. ``parameters`` has everything else that was sent. One that the
    client has pushed has a ``request_uri`` (RFC 9126), which leads to one code.
    """

    client_id: str | None = None
    redirect_uri: str | None = None
    response_type: str | None = None
    response_mode: str | None = None
    scope: str | None = None
    state: str | None = field(default=None, repr=False)
    resources: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    repeated: frozenset[str] = frozenset()
    request_uri: str | None = field(default=None, repr=False)

    @property
    def prompts(self) -> frozenset[str]:
        """The values of ``prompt`` (OpenID Connect Core §3.1.2.1)."""
        return frozenset(self.parameters.get("prompt", "").split())


@dataclass(frozen=True, slots=True, eq=False)
class PushedAuthorizationRequest:
    """One parsed pushed authorization request (RFC 9126 §2.1); nothing in it has been checked.

    ``parameters`` are those of ``authorization`` as they were sent, without the ``client_id``:
    that is whoever authenticates.
    """

    authorization: AuthorizationRequest
    parameters: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    credentials: Credentials | None = None


@dataclass(frozen=True, slots=True, eq=False)
class EndSessionRequest:
    """One parsed logout request (OpenID Connect RP-Initiated Logout §2); nothing is checked."""

    id_token_hint: str | None = field(default=None, repr=False)
    client_id: str | None = None
    post_logout_redirect_uri: str | None = None
    state: str | None = field(default=None, repr=False)
    repeated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """Somebody who is signed in, in one browser; times are Unix seconds.

    ``auth_time`` is when she proved who she is, 0 if nobody says, and ``methods`` are how
    (RFC 8176). Whether it has ended counts from ``begun_at``. Clients know it as ``sid``; those in
    ``clients`` are told when it ends. ``user_agent`` and ``source`` are what her browser said of
    itself, and its address.
    """

    id: str = field(repr=False)
    user: User
    auth_time: int
    begun_at: int
    seen_at: int
    sid: str
    methods: tuple[str, ...]
    clients: tuple[str, ...] = ()
    user_agent: str = ""
    source: str = ""

    @property
    def acr(self) -> str:
        """How surely it is her."""
        return acr_of(self.methods)


@dataclass(frozen=True, slots=True, eq=False)
class UserAuthentication:
    """Somebody who has proven by ``methods`` to be ``user``, as she was stored at ``since``.

    Whatever ended her sessions later than that (Unix seconds) ends what begins with this, too.
    ``auth_time`` is when she proved it, the first part of it if there are two; 0 if nobody says.
    """

    user: User
    since: int
    auth_time: int
    methods: tuple[str, ...] = ("pwd",)


@dataclass(frozen=True, slots=True)
class Grant:
    """What one person has allowed one client; times are Unix seconds.

    ``auth_time`` is when she proved who she is, by ``methods``, in the session ``sid``; whether she
    has ended it since counts from ``begun_at``. The rest is that of the authorization request.
    """

    client_id: str
    subject: str
    scopes: tuple[str, ...]
    auth_time: int
    begun_at: int
    redirect_uri: str
    code_challenge: str | None = None
    nonce: str | None = field(default=None, repr=False)
    resources: tuple[str, ...] = ()
    sid: str = ""
    methods: tuple[str, ...] = ()

    @property
    def acr(self) -> str:
        """How surely it was her."""
        return acr_of(self.methods)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class PresentedGrant:
    """A grant, by the code or refresh token that a client presents for it.

    ``authorized_at`` is when it was allowed. ``redeemed_at`` is when the code or token was spent, 0
    if it wasn't; ``expires_at`` is its end, ``ends_at`` that of the whole authorization. Only those
    that ``Grants`` has found are honoured.
    """

    authorization_id: str
    grant: Grant
    authorized_at: int
    ends_at: int
    version: str
    handle: object = field(default=None, repr=False)
    redeemed_at: int = 0
    expires_at: int = 0


@dataclass(frozen=True, slots=True)
class IdTokenHint:
    """What an id_token of this server says, which may have expired: whom it was for and about."""

    subject: str
    client_id: str


@dataclass(frozen=True, slots=True)
class AuthorizationResponse:
    """Where the browser goes, and with what (RFC 6749 §4.1.2)."""

    redirect_uri: str
    response_mode: ResponseMode
    parameters: Mapping[str, str] = field(repr=False)


ClientRequest = TokenRequest | IntrospectionRequest | RevocationRequest | PushedAuthorizationRequest
"""What a client sends with its credentials."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ClientAuthentication:
    """Proof that ``client`` authenticated on ``request``.

    Anyone can build one; only those that ``ClientAuthenticator`` built are honoured.
    """

    client: Client
    request: ClientRequest
    method: AuthenticationMethod


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a token speaks of. ``name`` and ``roles`` become the claims ``name`` and ``role``."""

    subject: str
    name: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class IssuedToken:
    """A finished token. Only those that ``TokenMinter`` built are sent to a client."""

    kind: TokenKind
    value: str = field(repr=False)
    request: TokenRequest = field(repr=False)
    expires_in: int
    scope: str


@dataclass(frozen=True, slots=True, eq=False)
class PreviewedToken(IssuedToken):
    """A token that is only to be looked at: to the byte like the real one, and good for nothing.

    ``claims`` are what it says; ``signed`` is the JWS before it is encrypted, "" if it is opaque.
    """

    claims: Mapping[str, Any] = field(repr=False)
    signed: str = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ValidatedToken:
    """A presented token that this server wrote, and what it says; read-only.

    Times are Unix seconds. ``reference`` is the key under which the server keeps an opaque token.
    Only those that ``TokenReader`` built are honoured.
    """

    kind: TokenKind
    client_id: str
    id: str = field(repr=False)
    audience: tuple[str, ...]
    issued_at: int
    expires_at: int
    claims: Mapping[str, Any] = field(repr=False)
    reference: str | None = field(default=None, repr=False)

    @property
    def subject(self) -> str:
        """Whom it speaks of."""
        return str(self.claims["sub"])

    @property
    def authorization_id(self) -> str | None:
        """The authorization that it stands on, if a person has given it."""
        return self.claims.get(AUTHORIZATION_CLAIM)


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """What the client is told (RFC 6749 §5.1); ``parameters`` are a plugin's additions."""

    access_token: IssuedToken
    parameters: Mapping[str, Any]
    id_token: IssuedToken | None = None
    refresh_token: IssuedToken | None = None
