"""What an administrator says of a client, and the client that follows from it.

One mapping serves new clients and changed ones. What a flow does not have it clears, before
anything is made of it:

================  =====================  ============================================
fact              client_credentials     authorization_code
================  =====================  ============================================
client_type       confidential           as given; a ``spa`` is public
application_type  web                    as given
redirect URIs     none                   as given: one at least, by application type
PKCE              none                   as given; a public client always needs it
back channel      none                   as given
second factor     none                   required as given
pushed requests   none                   required as given (RFC 9126 §6)
offline access    none                   as given
secrets           kept, or a new one     confidential: kept, or a new one; public: none
keys of its own   kept                   confidential: kept; public: none
default audience, scopes, roles, profile, ``skip_token_encryption``, ``enabled``: as given
================  =====================  ============================================
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import get_args

from ..errors import CommandRefused, OutgoingRefused
from ..model import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    ENDPOINT_PERMISSIONS,
    FLOW_TYPES,
    GRANT_TYPE_PERMISSION,
    OFFLINE_ACCESS_SCOPE,
    PKCE_REQUIREMENT,
    PUSHED_REQUIREMENT,
    REFRESH_TOKEN,
    ROLES_SCOPE,
    SCOPE_PERMISSION,
    SIGNING_ALGORITHMS,
    STANDARD_SCOPES,
    TOKEN_ENDPOINT_PERMISSION,
    ApplicationType,
    Client,
    ClientType,
    FlowType,
    TokenProfile,
    is_client_id,
)
from ..outgoing import checked_url
from .client_keys import ClientKeys, check_client_keys
from .profiles import check_profile
from .redirect_uris import check_redirect_uris

MAXIMUM_NAME = 200
OF_THE_CODE_FLOW = (
    "client_type",
    "application_type",
    "redirect_uris",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "require_second_factor",
    "require_pkce",
    "require_pushed_authorization_requests",
    "allow_offline_access",
)
"""What nobody says of a client of the other flow, which forces it."""
_USER_SCOPES = ("address", "email", "phone", "profile", ROLES_SCOPE)


@dataclass(frozen=True, slots=True)
class ClientRegistration:
    """What can be said of a client; what its flow does not have is ignored.

    ``endpoints`` are the names in ENDPOINT_PERMISSIONS that it may use beside those of its flow.
    """

    client_id: str
    display_name: str = ""
    flow_type: FlowType = CLIENT_CREDENTIALS
    client_type: ClientType = "confidential"
    application_type: ApplicationType = "web"
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    require_second_factor: bool = False
    require_pkce: bool = True
    require_pushed_authorization_requests: bool = False
    allow_offline_access: bool = False
    enabled: bool = True
    scopes: tuple[str, ...] = ()
    default_scopes: tuple[str, ...] = ()
    default_audience: str | None = None
    roles: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    skip_token_encryption: bool = False
    token_profile: TokenProfile = TokenProfile()
    keys: ClientKeys = field(default_factory=ClientKeys)


def forced(registration: ClientRegistration) -> ClientRegistration:
    """The registration with what its flow forces; raises CommandRefused for an unknown flow."""
    if registration.flow_type not in FLOW_TYPES:
        raise CommandRefused(f"choose one flow of {', '.join(FLOW_TYPES)}", field="flow_type")
    named = replace(registration, display_name=registration.display_name or registration.client_id)
    if named.flow_type == AUTHORIZATION_CODE:
        return named if named.client_type == "confidential" else replace(named, keys=ClientKeys())
    return replace(
        named,
        client_type="confidential",
        application_type="web",
        redirect_uris=(),
        post_logout_redirect_uris=(),
        backchannel_logout_uri=None,
        require_second_factor=False,
        require_pkce=False,
        require_pushed_authorization_requests=False,
        allow_offline_access=False,
    )


def check_registration(
    registration: ClientRegistration,
    *,
    algorithms: Collection[str],
    private_hosts: Collection[str],
) -> None:
    """Raises CommandRefused for what can't be registered, whatever the store holds."""
    if not is_client_id(registration.client_id):
        raise CommandRefused(
            "the client id needs 3 to 100 characters of A-Z a-z 0-9 . _ ~ - and can't begin"
            " with usr_, which marks people",
            field="client_id",
        )
    check_client_keys(registration.keys, private_hosts)
    profile = registration.token_profile
    if profile.signing_algorithm in SIGNING_ALGORITHMS and (
        profile.signing_algorithm not in algorithms
    ):
        raise CommandRefused(
            f"this server has no key for {profile.signing_algorithm}: add it to the setting"
            " signing_algorithms",
            field="token_profile.signing_algorithm",
        )
    _check_texts(registration)
    check_profile(profile, skip_token_encryption=registration.skip_token_encryption)
    if registration.flow_type == AUTHORIZATION_CODE:
        _check_code_flow(registration)
        _check_backchannel_logout(registration.backchannel_logout_uri, private_hosts)


def registration_of(client: Client) -> ClientRegistration:
    """What would have to be said to get ``client``, as far as it can be said."""
    scopes = [
        permission.removeprefix(SCOPE_PERMISSION)
        for permission in sorted(client.permissions)
        if permission.startswith(SCOPE_PERMISSION)
    ]
    return ClientRegistration(
        client_id=client.client_id,
        display_name=client.display_name,
        flow_type=client.flow_type,
        client_type=client.client_type,
        application_type=_application_type(client.application_type),
        redirect_uris=client.redirect_uris,
        post_logout_redirect_uris=client.post_logout_redirect_uris,
        backchannel_logout_uri=client.backchannel_logout_uri,
        require_second_factor=client.require_second_factor,
        require_pkce=PKCE_REQUIREMENT in client.requirements,
        require_pushed_authorization_requests=PUSHED_REQUIREMENT in client.requirements,
        allow_offline_access=client.permits_scope(OFFLINE_ACCESS_SCOPE),
        enabled=client.enabled,
        scopes=tuple(name for name in scopes if name not in STANDARD_SCOPES),
        default_scopes=client.default_scopes,
        default_audience=client.default_audience,
        roles=client.roles,
        endpoints=tuple(
            name
            for name, permission in ENDPOINT_PERMISSIONS.items()
            if permission in client.permissions
        ),
        skip_token_encryption=client.skip_token_encryption,
        token_profile=client.token_profile,
        keys=ClientKeys(client.jwks, client.jwks_uri, client.accepts_token_endpoint_audience),
    )


def apply_registration(registration: ClientRegistration, client: Client) -> Client:
    """``client`` as the forced ``registration`` wants it.

    Permissions and requirements that the one before does not explain were set by hand: they stay.
    """
    before = registration_of(client)
    by_hand = client.permissions - permissions_of(before)
    required_by_hand = client.requirements - requirements_of(before)
    is_public = registration.client_type == "public"
    return replace(
        client,
        display_name=registration.display_name,
        client_type=registration.client_type,
        application_type=registration.application_type,
        redirect_uris=registration.redirect_uris,
        post_logout_redirect_uris=registration.post_logout_redirect_uris,
        backchannel_logout_uri=registration.backchannel_logout_uri,
        require_second_factor=registration.require_second_factor,
        enabled=registration.enabled,
        permissions=by_hand | permissions_of(registration),
        requirements=required_by_hand | requirements_of(registration),
        roles=registration.roles,
        default_scopes=registration.default_scopes,
        default_audience=registration.default_audience,
        skip_token_encryption=registration.skip_token_encryption,
        token_profile=registration.token_profile,
        secrets=() if is_public else client.secrets,
        jwks=registration.keys.jwks,
        jwks_uri=registration.keys.jwks_uri,
        accepts_token_endpoint_audience=registration.keys.accepts_token_endpoint_audience,
    )


def permissions_of(registration: ClientRegistration) -> frozenset[str]:
    """OpenIddict's permissions for a flow, its scopes and the endpoints beside it."""
    scopes: tuple[str, ...] = (ROLES_SCOPE,)
    permissions = {TOKEN_ENDPOINT_PERMISSION, GRANT_TYPE_PERMISSION + registration.flow_type}
    if registration.flow_type == AUTHORIZATION_CODE:
        scopes = _USER_SCOPES
        permissions |= {"ept:authorization", "ept:end_session", "rst:code"}
    if registration.allow_offline_access:
        scopes = (*scopes, OFFLINE_ACCESS_SCOPE)
        permissions.add(GRANT_TYPE_PERMISSION + REFRESH_TOKEN)
    permissions |= {SCOPE_PERMISSION + name for name in (*scopes, *registration.scopes)}
    return frozenset(permissions | {ENDPOINT_PERMISSIONS[name] for name in registration.endpoints})


def requirements_of(registration: ClientRegistration) -> frozenset[str]:
    """PKCE (RFC 7636) and pushed requests (RFC 9126 §6), where the flow has any."""
    wanted = {
        PKCE_REQUIREMENT: registration.require_pkce,
        PUSHED_REQUIREMENT: registration.require_pushed_authorization_requests,
    }
    return frozenset(name for name, is_wanted in wanted.items() if is_wanted)


def _check_texts(registration: ClientRegistration) -> None:
    audience = registration.default_audience
    for what, member, values in (
        ("a role", "roles", registration.roles),
        ("the default audience", "default_audience", () if audience is None else (audience,)),
    ):
        if not all(value and value.isprintable() and " " not in value for value in values):
            told = f"{what} needs printable characters, without spaces"
            raise CommandRefused(told, field=member)
    if not registration.display_name.isprintable():
        raise CommandRefused("the name needs printable characters", field="display_name")
    if len(registration.display_name) > MAXIMUM_NAME:
        told = f"the name has at most {MAXIMUM_NAME} characters"
        raise CommandRefused(told, field="display_name")
    if not ENDPOINT_PERMISSIONS.keys() >= {*registration.endpoints}:
        told = f"allowed can be {', '.join(ENDPOINT_PERMISSIONS)}"
        raise CommandRefused(told, field="endpoints")


def _check_code_flow(registration: ClientRegistration) -> None:
    if registration.application_type not in get_args(ApplicationType):
        told = f"choose one of {', '.join(get_args(ApplicationType))}"
        raise CommandRefused(told, field="application_type")
    is_public = registration.client_type == "public"
    if registration.application_type == "spa" and not is_public:
        told = "a spa runs in browsers, where no secret is safe: make it public"
        raise CommandRefused(told, field="client_type")
    if is_public and not registration.require_pkce:
        told = "a public client needs PKCE: anyone could redeem its codes"
        raise CommandRefused(told, field="require_pkce")
    if not registration.redirect_uris:
        told = "the authorization code flow needs a redirect URI"
        raise CommandRefused(told, field="redirect_uris")
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        uris = getattr(registration, name)
        check_redirect_uris(uris, registration.application_type, field=name)


def _check_backchannel_logout(uri: str | None, private_hosts: Collection[str]) -> None:
    try:
        if uri is not None:
            checked_url(uri, private_hosts)
    except OutgoingRefused as error:
        hint = "; see the setting private_hosts for hosts of your own network"
        told = f"the backchannel_logout_uri can't be asked: {error}{hint}"
        raise CommandRefused(told, field="backchannel_logout_uri") from None


def _application_type(text: str) -> ApplicationType:
    """Documents of others may have no type, or one that nobody knows."""
    for known in get_args(ApplicationType):
        if text.lower() == known:
            return known  # type: ignore[no-any-return]
    return "web"
