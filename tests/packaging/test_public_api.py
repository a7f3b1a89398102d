"""The public plugin API is a list, written down twice so that it changes on purpose."""

from __future__ import annotations

import types

import apogee_idp

PUBLIC = [
    "COMMANDS",
    "INTROSPECTION_PERMISSION",
    "MANAGEMENT_SCOPES",
    "RELEASED_CLAIMS",
    "REVOCATION_PERMISSION",
    "SIGNING_ALGORITHMS",
    "STANDARD_SCOPES",
    "USER_SCOPES",
    "AccessDenied",
    "Actor",
    "AddClient",
    "AddResource",
    "AddScope",
    "AddSecondFactor",
    "AddSecret",
    "AddUser",
    "Additions",
    "Addressed",
    "ApogeeError",
    "AuthorizationRequest",
    "AuthorizationResponse",
    "AuthorizationStage",
    "Client",
    "ClientAuthentication",
    "Command",
    "CommandRefused",
    "CommandStage",
    "ConfigurationStage",
    "ConsentRequired",
    "DeleteClient",
    "DeleteResource",
    "DeleteScope",
    "DeleteUser",
    "DisableClient",
    "DisableUser",
    "EnableClient",
    "EnableUser",
    "EncryptionKey",
    "EndLeakedSecret",
    "EndSessionRequest",
    "EndSessionStage",
    "GenerateToken",
    "Grant",
    "GrantRole",
    "HandlerFault",
    "IdTokenHint",
    "ImportClient",
    "ImportScope",
    "InsufficientScope",
    "InteractionRequired",
    "IntrospectionRequest",
    "IntrospectionStage",
    "InvalidClient",
    "InvalidGrant",
    "InvalidRequest",
    "InvalidRequestUri",
    "InvalidScope",
    "InvalidTarget",
    "InvalidToken",
    "IssuedToken",
    "KeyRecord",
    "KeyRingRecord",
    "LoginRequired",
    "MaintainKeys",
    "NotYetKnown",
    "OAuthError",
    "PresentedGrant",
    "Principal",
    "ProcessAuthorization",
    "ProcessConfiguration",
    "ProcessEndSession",
    "ProcessIntrospection",
    "ProcessPushedAuthorization",
    "ProcessRevocation",
    "ProcessSignIn",
    "ProcessUserInfo",
    "ProvideKeys",
    "ProvidedKey",
    "PushedAuthorizationRequest",
    "PushedAuthorizationStage",
    "Registry",
    "RegistryError",
    "RemoveSecondFactor",
    "RequestNotSupported",
    "RequestUriNotSupported",
    "ReservedName",
    "Resource",
    "RetireSecret",
    "RevocationRequest",
    "RevocationStage",
    "RevokeKey",
    "RevokeRole",
    "RevokeToken",
    "RevokeTokens",
    "RewrapKeys",
    "RotateKey",
    "RotateSecret",
    "Scope",
    "ServerError",
    "Services",
    "Session",
    "SetPassword",
    "Settings",
    "SigningKey",
    "Stage",
    "StoreUnavailable",
    "TemporarilyUnavailable",
    "TokenProfile",
    "TokenRequest",
    "TokenResponse",
    "TokenStage",
    "UnauthorizedClient",
    "UnsupportedGrantType",
    "UnsupportedResponseType",
    "UpdateClient",
    "UpdateResource",
    "UpdateScope",
    "UpdateUser",
    "User",
    "UserInfoStage",
    "ValidateToken",
    "ValidatedToken",
    "ValidationStage",
    "choose_audience",
    "could_pass_for_id_token",
    "is_resource",
    "is_scope_name",
    "released_claims",
]


def test_what_is_importable_is_what_is_listed() -> None:
    """Sorted, complete, and nothing by accident."""
    importable = [
        name
        for name, value in vars(apogee_idp).items()
        if not name.startswith("_")
        and name != "annotations"
        and not isinstance(value, types.ModuleType)
    ]
    assert apogee_idp.__all__ == PUBLIC
    assert sorted(importable) == sorted(PUBLIC)


def test_every_public_name_says_what_it_is() -> None:
    """A docstring of its own."""
    for name in PUBLIC:
        value = getattr(apogee_idp, name)
        assert value.__doc__, name
        assert not value.__doc__.startswith(f"{name}("), f"{name} has only a generated docstring"
