"""The public plugin API is a list, written down twice so that it changes on purpose."""

from __future__ import annotations

import types

import apogee_idp

PUBLIC = [
    "COMMANDS",
    "INTROSPECTION_PERMISSION",
    "MANAGEMENT_SCOPES",
    "REVOCATION_PERMISSION",
    "SIGNING_ALGORITHMS",
    "USER_SCOPES",
    "Actor",
    "AddClient",
    "AddResource",
    "AddScope",
    "AddSecret",
    "AddUser",
    "Additions",
    "Addressed",
    "ApogeeError",
    "Client",
    "ClientAuthentication",
    "Command",
    "CommandRefused",
    "CommandStage",
    "ConfigurationStage",
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
    "GenerateToken",
    "GrantRole",
    "HandlerFault",
    "ImportClient",
    "ImportScope",
    "IntrospectionRequest",
    "IntrospectionStage",
    "InvalidClient",
    "InvalidGrant",
    "InvalidRequest",
    "InvalidScope",
    "InvalidTarget",
    "InvalidToken",
    "IssuedToken",
    "KeyRecord",
    "KeyRingRecord",
    "MaintainKeys",
    "NotYetKnown",
    "OAuthError",
    "Principal",
    "ProcessConfiguration",
    "ProcessIntrospection",
    "ProcessRevocation",
    "ProcessSignIn",
    "ProvideKeys",
    "ProvidedKey",
    "Registry",
    "RegistryError",
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
    "UpdateClient",
    "UpdateResource",
    "UpdateScope",
    "UpdateUser",
    "User",
    "ValidateToken",
    "ValidatedToken",
    "ValidationStage",
    "choose_audience",
    "could_pass_for_id_token",
    "is_resource",
    "is_scope_name",
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
