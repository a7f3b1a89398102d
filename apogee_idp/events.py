"""The events: one object a request, and everything that request decides lives on it."""

from __future__ import annotations

from collections.abc import Iterator, KeysView, MutableMapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from .errors import NotYetKnown, ReservedName
from .key_model import EncryptionKey, ProvidedKey, SigningKey
from .model import AUTHORIZATION_CLAIM, Client, TokenProfile
from .requests import (
    AuthorizationRequest,
    AuthorizationResponse,
    ClientAuthentication,
    EndSessionRequest,
    IdTokenHint,
    IntrospectionRequest,
    IssuedToken,
    PresentedGrant,
    Principal,
    PushedAuthorizationRequest,
    ResponseMode,
    RevocationRequest,
    Session,
    TokenKind,
    TokenRequest,
    TokenResponse,
    ValidatedToken,
)
from .user_model import User

RESERVED_CLAIMS = frozenset(
    {
        *("iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope"),
        *("cnf", "act", "azp", "nonce", "sid", "auth_time", "acr", "amr"),
        *("name", "role", "at_hash", "c_hash", AUTHORIZATION_CLAIM),
    }
)
"""Claims that only the core writes; ``name`` and ``role`` come from the principal."""

RESERVED_PARAMETERS = frozenset(
    {
        *("access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"),
        *("issued_token_type", "error", "error_description", "error_uri"),
    }
)
"""Members of a token response that only the core writes (RFC 6749 §5)."""


RESERVED_ANSWERS = frozenset(
    {"code", "state", "iss", "error", "error_description", "error_uri", "response"}
)
"""Parameters of an authorization response that only the core writes (RFC 6749 §4.1.2)."""


class Additions(MutableMapping[str, Any]):
    """What handlers add to a token or a response, by name; reserved names are refused."""

    __slots__ = ("_entries", "_reserved")

    def __init__(self, reserved: frozenset[str]) -> None:
        self._reserved = reserved
        self._entries: dict[str, Any] = {}

    def __setitem__(self, name: str, value: Any) -> None:
        if type(name) is not str or name in self._reserved:
            raise ReservedName(f"{name!r} is set by the core and can't be added by a handler")
        self._entries[name] = value

    def __getitem__(self, name: str) -> Any:
        return self._entries[name]

    def __delitem__(self, name: str) -> None:
        del self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def keys(self) -> KeysView[str]:
        return self._entries.keys()

    def copy(self) -> Additions:
        """The same entries, to be changed apart, however deep."""
        copied = Additions(self._reserved)
        if self._entries:
            copied._entries = deepcopy(self._entries)
        return copied


def _extra_claims() -> Additions:
    return Additions(RESERVED_CLAIMS)


def _extra_parameters() -> Additions:
    return Additions(RESERVED_PARAMETERS)


def _extra_members() -> Additions:
    return Additions(RESERVED_CLAIMS | {"active", "token_type", "username"})


def _extra_answers() -> Additions:
    return Additions(RESERVED_ANSWERS)


def _user_claims() -> Additions:
    return Additions(RESERVED_CLAIMS - {"name", "role"})


def _extra_metadata() -> Additions:
    return Additions(frozenset({"issuer"}))


def _known(authentication: ClientAuthentication | None) -> Client:
    if authentication is None:
        raise NotYetKnown("asked for the client before it was authenticated")
    return authentication.client


@dataclass(slots=True)
class ProcessSignIn:
    """One token request on its way to a token response.

    ``grant`` is what a code or refresh token stands for, and ``user`` whoever gave it.
    ``claims`` are added to every token of this request, ``parameters`` to its response.
    """

    request: TokenRequest
    authentication: ClientAuthentication | None = None
    grant: PresentedGrant | None = None
    user: User | None = None
    principal: Principal | None = None
    scopes: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    token_profile: TokenProfile = TokenProfile()
    encrypt_access_token: bool = True
    claims: Additions = field(default_factory=_extra_claims)
    access_token: IssuedToken | None = field(default=None, repr=False)
    id_token: IssuedToken | None = field(default=None, repr=False)
    refresh_token: IssuedToken | None = field(default=None, repr=False)
    parameters: Additions = field(default_factory=_extra_parameters)
    response: TokenResponse | None = None

    def known_client(self) -> Client:
        """The registered client, once it has authenticated.

        Raises NotYetKnown when asked before ``Stage.VALIDATE_CLIENT``.
        """
        return _known(self.authentication)


@dataclass(slots=True)
class GenerateToken:
    """One token about to be written, nested in a ``ProcessSignIn``.

    What stands here concerns this token alone: its extra claims, keys, ``typ`` and lifetime
    (seconds). Without an ``encryption_key`` the token is a plain JWS; a ``reference`` token is
    opaque, and neither signed nor encrypted. Of a refresh token only the lifetime can be decided.
    """

    sign_in: ProcessSignIn
    kind: TokenKind
    typ: str
    lifetime: int
    claims: Additions = field(default_factory=_extra_claims)
    signing_key: SigningKey | None = None
    encryption_key: EncryptionKey | None = None
    reference: bool = False
    token: IssuedToken | None = field(default=None, repr=False)


@dataclass(slots=True)
class ValidateToken:
    """One presented token about to be trusted, or not: InvalidToken says why not.

    ``kinds`` are those that the caller takes; a token of any other kind is refused.
    """

    token: str = field(repr=False)
    kinds: frozenset[TokenKind] = frozenset({"access_token"})
    validated: ValidatedToken | None = None


@dataclass(slots=True)
class ProcessIntrospection:
    """One introspection request (RFC 7662) on its way to an answer.

    Without a ``token`` the answer is that it is not active; ``refusal`` says why, to the log alone.
    ``members`` are added to the answer about an active one.
    """

    request: IntrospectionRequest
    authentication: ClientAuthentication | None = None
    token: ValidatedToken | None = None
    refusal: str | None = None
    members: Additions = field(default_factory=_extra_members)

    def known_client(self) -> Client:
        """The caller, once it has authenticated; raises NotYetKnown before."""
        return _known(self.authentication)


@dataclass(slots=True)
class ProcessRevocation:
    """One revocation request (RFC 7009) on its way to an end.

    Without a ``token`` there is nothing to revoke; ``refusal`` says why, to the log alone.
    """

    request: RevocationRequest
    authentication: ClientAuthentication | None = None
    token: ValidatedToken | None = None
    refusal: str | None = None
    is_revoked: bool = False

    def known_client(self) -> Client:
        """The caller, once it has authenticated; raises NotYetKnown before."""
        return _known(self.authentication)


@dataclass(slots=True)
class ProcessPushedAuthorization:
    """One pushed authorization request (RFC 9126) on its way to being kept as ``request_uri``.

    ``expires_in`` is for how many seconds the URI can be visited, once it is kept.
    """

    request: PushedAuthorizationRequest
    request_uri: str = field(repr=False)
    authentication: ClientAuthentication | None = None
    expires_in: int | None = None

    def known_client(self) -> Client:
        """The caller, once it has authenticated; raises NotYetKnown before."""
        return _known(self.authentication)


@dataclass(slots=True)
class ProcessAuthorization:
    """One authorization request (RFC 6749 §4.1.1) on its way to a code.

    ``session`` is who is signed in in this browser. ``is_fresh`` says that she has signed in for
    this very request, ``is_approved`` that she has just agreed to ``scopes``. A handler that needs
    a person raises LoginRequired or ConsentRequired. ``parameters`` are added to the response.
    """

    request: AuthorizationRequest
    session: Session | None = None
    is_fresh: bool = False
    is_approved: bool = False
    client: Client | None = None
    redirect_uri: str | None = None
    response_mode: ResponseMode = "query"
    scopes: tuple[str, ...] = ()
    code: str | None = field(default=None, repr=False)
    parameters: Additions = field(default_factory=_extra_answers)
    response: AuthorizationResponse | None = None

    def known_client(self) -> Client:
        """The registered client that the request names, who has proven nothing.

        Raises NotYetKnown when asked before ``AuthorizationStage.VALIDATE_CLIENT``.
        """
        if self.client is None:
            raise NotYetKnown("asked for the client before it was looked up")
        return self.client

    def known_session(self) -> Session:
        """Who is signed in; raises NotYetKnown before ``AuthorizationStage.VALIDATE_SESSION``."""
        if self.session is None:
            raise NotYetKnown("asked for the session before it was validated")
        return self.session


@dataclass(slots=True)
class ProcessUserInfo:
    """One userinfo request (OpenID Connect Core §5.3) on its way to an answer.

    ``claims`` are told; the subject is added by the core.
    """

    access_token: str = field(repr=False)
    token: ValidatedToken | None = None
    user: User | None = None
    claims: Additions = field(default_factory=_user_claims)


@dataclass(slots=True)
class ProcessEndSession:
    """One logout request (OpenID Connect RP-Initiated Logout §2).

    Whatever it asks for, the person confirms it. With a ``redirect_uri`` the browser goes there
    afterwards, else to a page of ours; ``refusal`` says why, to the log alone.
    """

    request: EndSessionRequest
    hint: IdTokenHint | None = None
    client: Client | None = None
    redirect_uri: str | None = None
    refusal: str | None = None


@dataclass(slots=True)
class ProvideKeys:
    """Asks handlers for the signing keys that they keep: in a KMS, in a PKCS#11 token.

    It comes before the first key is loaded, and then every few seconds. A key that was not there
    before is published first and signs after ``key_ahead_seconds``.
    """

    keys: list[ProvidedKey] = field(default_factory=list)


@dataclass(slots=True)
class ProcessConfiguration:
    """The discovery document in the making (RFC 8414 §2): what is here is advertised.

    The core adds the issuer itself.
    """

    metadata: Additions = field(default_factory=_extra_metadata)
