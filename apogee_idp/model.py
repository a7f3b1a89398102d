"""What is registered: clients, scopes and resources, as frozen values; and how they are named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit

ClientType = Literal["confidential", "public"]
ApplicationType = Literal["web", "spa", "native"]
FlowType = Literal["client_credentials", "authorization_code"]
SigningAlgorithm = Literal["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
TokenTyp = Literal["at+jwt", "JWT"]
EncryptionTarget = Literal["server", "resource"]
AudienceShape = Literal["compact", "array", "single"]

SIGNING_ALGORITHMS: tuple[SigningAlgorithm, ...] = get_args(SigningAlgorithm)
TOKEN_TYPS: tuple[TokenTyp, ...] = get_args(TokenTyp)
ENCRYPTION_TARGETS: tuple[EncryptionTarget, ...] = get_args(EncryptionTarget)
AUDIENCE_SHAPES: tuple[AudienceShape, ...] = get_args(AudienceShape)

CLIENT_CREDENTIALS: Final = "client_credentials"
AUTHORIZATION_CODE: Final = "authorization_code"
REFRESH_TOKEN = "refresh_token"
FLOW_TYPES: tuple[FlowType, ...] = get_args(FlowType)
CLIENT_TYPES: tuple[ClientType, ...] = get_args(ClientType)

ROLES_SCOPE = "roles"
OFFLINE_ACCESS_SCOPE = "offline_access"
STANDARD_SCOPES = frozenset(
    {"openid", OFFLINE_ACCESS_SCOPE, "profile", "email", "phone", "address", ROLES_SCOPE}
)
"""Scopes with a meaning of their own: nobody can store one by these names."""

USER_SCOPES = frozenset({"openid", OFFLINE_ACCESS_SCOPE})
"""Scopes that make sense only where there is a user."""

MANAGEMENT_SCOPE_PREFIX = "idp:"
ADMIN_SCOPE = "idp:admin"
MANAGEMENT_SCOPES = frozenset(
    {"idp:read", "idp:clients", "idp:keys", "idp:users", "idp:audit", ADMIN_SCOPE}
)
"""Scopes of the management API: built in, the only way to a token for it; the last implies all."""

TOKEN_ENDPOINT_PERMISSION = "ept:token"
INTROSPECTION_PERMISSION = "ept:introspection"
REVOCATION_PERMISSION = "ept:revocation"
ENDPOINT_PERMISSIONS = {
    "introspection": INTROSPECTION_PERMISSION,
    "revocation": REVOCATION_PERMISSION,
}
"""Endpoints that a client may be allowed beside the token endpoint."""
GRANT_TYPE_PERMISSION = "gt:"
PKCE_REQUIREMENT = "ft:pkce"
PUSHED_REQUIREMENT = "ft:par"
SCOPE_PERMISSION = "scp:"

_LOOPBACK_URI = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::([0-9]{1,5}))?([/?].*)?")
_LAST_PORT = 65_535
_DANGEROUS = ("javascript", "data", "vbscript", "file", "blob", "about")

_CLIENT_ID = re.compile(r"[A-Za-z0-9._~-]{3,100}")
_SCOPE_NAME = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")
USER_SUBJECT_PREFIX = "usr_"

MAXIMUM_TOKEN_CHARACTERS = 8 * 1024
"""More fits into no header: most servers take 8 KiB of it."""

CLOCK_JUMP_SECONDS = 3600
"""What must not be forgotten too early is kept for so much longer: a clock may go wrong."""

MAXIMUM_TOKEN_LIFETIME = 86_400
"""Seconds that an access token may live at most."""

MAXIMUM_REFRESH_SECONDS = 3650 * 86_400
"""Seconds that a refresh token may live at most."""

AUTHORIZATION_CLAIM = "oi_au_id"
"""Where OpenIddict says by which authorization a token was issued."""

SESSION_TAGS_CLAIM = "https://aws.amazon.com/tags"
"""Where AWS STS looks for session tags."""


def is_client_id(text: str) -> bool:
    """Whether ``text`` can be a client_id.

    A client_id is also the ``sub`` of its tokens, so it can never look like a user's subject
    (RFC 9068 §5).
    """
    return bool(_CLIENT_ID.fullmatch(text)) and not text.startswith(USER_SUBJECT_PREFIX)


def is_scope_name(text: str) -> bool:
    """Whether ``text`` is one scope-token (RFC 6749 §3.3), at most 200 characters."""
    return bool(_SCOPE_NAME.fullmatch(text))


def is_resource(text: str) -> bool:
    """Whether ``text`` names a resource: an absolute URI without a fragment (RFC 8707 §2)."""
    try:
        url = urlsplit(text)
    except ValueError:
        return False
    printable = text.isascii() and text.isprintable() and " " not in text
    return printable and bool(url.scheme) and bool(url.netloc or url.path) and "#" not in text


def could_pass_for_id_token(typ: str, audience: Sequence[str], client_id: str) -> bool:
    """Whether an access token so typed and addressed looks like an id_token of that client.

    An id_token is typed JWT and has its client in ``aud`` (OpenID Connect Core §2).
    """
    return typ == "JWT" and client_id in audience


def frozen(value: Any) -> Any:
    """The JSON value ``value`` as nested read-only mappings and tuples."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: frozen(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    return value


def thawed(value: Any) -> Any:
    """A copy of what ``frozen`` returned, as plain dicts and lists."""
    if isinstance(value, Mapping):
        return {key: thawed(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [thawed(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope and the resources (audiences, absolute URIs) that stand behind it.

    ``change_id`` is that of the audit entry of the last change: here and below.
    """

    name: str
    resources: tuple[str, ...] = ()
    display_name: str = ""
    description: str = ""
    properties: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    change_id: str = ""
    concurrency_token: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """An API, by the URI that is the audience of its tokens.

    Tokens for it may be encrypted to one of the public keys in ``jwks`` (RFC 7517 §5), live
    ``access_token_lifetime`` seconds at most, and may be introspected by ``introspection_clients``.
    Which scopes belong to it is said by the scopes.
    """

    identifier: str
    display_name: str = ""
    jwks: Mapping[str, Any] | None = None
    access_token_lifetime: int | None = None
    introspection_clients: tuple[str, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    change_id: str = ""
    concurrency_token: str = ""


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """One secret of a client, as a hash; ``name`` is for people, times are Unix seconds."""

    id: str
    hash: str = field(repr=False)
    created_at: int = 0
    expires_at: int | None = None
    name: str = ""

    def is_expired(self, now: int) -> bool:
        """Whether it has ended by ``now``: from the second of its expiry on."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True)
class TokenProfile:
    """How a client's access tokens are written.

    ``encrypt_to`` holds for clients whose tokens are encrypted at all. ``lifetime`` is in seconds;
    without one, the server's default. ``audience_shape``: ``compact`` is a string for one audience
    and an array for several, ``array`` always an array, ``single`` a string, and several are
    refused. ``claims`` are added to each token; ``session_tags`` become what AWS STS calls so.
    A ``reference`` token is opaque, and the server keeps what it stands for.
    """

    signing_algorithm: SigningAlgorithm = "RS256"
    typ: TokenTyp = "at+jwt"
    encrypt_to: EncryptionTarget = "server"
    lifetime: int | None = None
    audience_shape: AudienceShape = "compact"
    claims: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    session_tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    transitive_tags: tuple[str, ...] = ()
    reference: bool = False

    def extra_claims(self) -> dict[str, Any]:
        """A copy of ``claims``, and the session tags as AWS STS wants them: lists of one value."""
        extra: dict[str, Any] = thawed(self.claims) if self.claims else {}
        if self.session_tags:
            extra[SESSION_TAGS_CLAIM] = {
                "principal_tags": {key: [value] for key, value in self.session_tags.items()},
                "transitive_tag_keys": list(self.transitive_tags),
            }
        return extra

    def lifetime_for(self, audience: Iterable[Resource | None], default: int) -> int:
        """The shortest lifetime that the client or a resource of the audience has set.

        ``default`` holds where none has. All in seconds.
        """
        limits = (resource.access_token_lifetime for resource in audience if resource)
        set_ones = [limit for limit in (self.lifetime, *limits) if limit is not None]
        return min(set_ones, default=default)


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client, as it stands in the store.

    ``permissions`` are OpenIddict's: ``ept:token``, ``gt:<grant type>``, ``scp:<scope>``. ``jwks``
    or what stands at ``jwks_uri`` are the public keys it may authenticate with (RFC 7523); the
    ``aud`` of its assertions is the issuer, unless ``accepts_token_endpoint_audience``. Tokens
    issued at ``tokens_not_before`` (Unix seconds) or earlier are revoked. One that
    ``is_configured`` stands in a file, and is changed there alone.
    ``backchannel_logout_uri`` hears when its sessions end; with ``require_second_factor`` nobody
    comes to it by one factor alone.
    ``properties`` are the operator's own, read-only here like everything else that requests share.
    """

    client_id: str
    display_name: str = ""
    client_type: ClientType = "confidential"
    application_type: str = "web"
    enabled: bool = True
    permissions: frozenset[str] = frozenset()
    requirements: frozenset[str] = frozenset()
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    require_second_factor: bool = False
    roles: tuple[str, ...] = ()
    default_scopes: tuple[str, ...] = ()
    default_audience: str | None = None
    skip_token_encryption: bool = False
    token_profile: TokenProfile = TokenProfile()
    secrets: tuple[ClientSecret, ...] = field(default=(), repr=False)
    jwks: Mapping[str, Any] | None = None
    jwks_uri: str | None = None
    accepts_token_endpoint_audience: bool = False
    tokens_not_before: int = 0
    created_at: int = 0
    is_configured: bool = False
    properties: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    change_id: str = ""
    concurrency_token: str = ""

    def __post_init__(self) -> None:
        if not is_client_id(self.client_id):
            raise ValueError("client_id must be 3 to 100 of A-Z a-z 0-9 . _ ~ -, not usr_...")
        if not isinstance(self.skip_token_encryption, bool):
            raise TypeError("skip_token_encryption must be true or false")

    @property
    def flow_type(self) -> FlowType:
        """The flow it is registered for; who is permitted both is a machine first."""
        is_machine = GRANT_TYPE_PERMISSION + CLIENT_CREDENTIALS in self.permissions
        is_for_codes = GRANT_TYPE_PERMISSION + AUTHORIZATION_CODE in self.permissions
        return AUTHORIZATION_CODE if is_for_codes and not is_machine else CLIENT_CREDENTIALS

    def permits_grant_type(self, grant_type: str) -> bool:
        """Whether the client may use the token endpoint with this grant type."""
        return {TOKEN_ENDPOINT_PERMISSION, GRANT_TYPE_PERMISSION + grant_type} <= self.permissions

    def permits_endpoint(self, permission: str) -> bool:
        """Whether the client may use the endpoint of this permission (``ept:introspection``)."""
        return permission in self.permissions

    def permits_scope(self, name: str) -> bool:
        """Whether the client may ask for this scope."""
        return SCOPE_PERMISSION + name in self.permissions

    def permits_redirect_uri(self, uri: str) -> bool:
        """Whether people may be sent back to ``uri``: it is registered, character by character.

        Of a native application at a loopback address, the port is free (RFC 8252 §7.3).
        """
        if not _is_harmless(uri):
            return False
        if uri in self.redirect_uris:
            return True
        wanted = _without_port(uri) if self.application_type == "native" else None
        return wanted is not None and wanted in map(_without_port, self.redirect_uris)

    def permits_post_logout_redirect_uri(self, uri: str) -> bool:
        """Whether people may be sent to ``uri`` once they have signed out: it is registered."""
        return _is_harmless(uri) and uri in self.post_logout_redirect_uris


def _is_harmless(uri: str) -> bool:
    """Whatever stands in the store, this may stand in a ``Location`` (RFC 9700 §2.1)."""
    scheme = uri.partition(":")[0].lower()
    return uri.isascii() and uri.isprintable() and " " not in uri and scheme not in _DANGEROUS


def _without_port(uri: str) -> tuple[str, str] | None:
    """What of a loopback URI has to be equal; None for any other URI."""
    match = _LOOPBACK_URI.fullmatch(uri)
    if match is None or not 0 < int(match[2] or 80) <= _LAST_PORT:
        return None
    return match[1], match[3] or ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at for a person; ``detail`` says what is wrong and how to mend it."""

    name: str
    ok: bool
    detail: str
