"""The stages of each event, in order; a plugin stands between them: ``Stage.X - 1``."""

from __future__ import annotations

from enum import IntEnum


class Stage(IntEnum):
    """The stages of ``ProcessSignIn``; a plugin stands between them: ``Stage.X - 1``."""

    VALIDATE_REQUEST = 1000
    VALIDATE_CLIENT = 2000
    VALIDATE_PERMISSIONS = 3000
    REDEEM_GRANT = 4000
    BUILD_PRINCIPAL = 5000
    SET_SCOPES = 6000
    SET_RESOURCES = 7000
    CONFIGURE_ENCRYPTION = 8000
    GENERATE_TOKEN = 9000
    ATTACH_PARAMETERS = 10000


class TokenStage(IntEnum):
    """The stages of ``GenerateToken``."""

    ATTACH_CLAIMS = 500
    ATTACH_SECURITY_CREDENTIALS = 1000
    WRITE_TOKEN = 2000


class ValidationStage(IntEnum):
    """The stages of ``ValidateToken``."""

    READ_TOKEN = 1000
    VALIDATE_REVOCATION = 2000


class AuthorizationStage(IntEnum):
    """The stages of ``ProcessAuthorization``.

    What is refused before VALIDATE_PARAMETERS ends on a page: nobody knows yet where people may be
    sent. Everything behind it is told to the client.
    """

    VALIDATE_REQUEST = 1000
    VALIDATE_CLIENT = 2000
    VALIDATE_REDIRECT_URI = 3000
    VALIDATE_PARAMETERS = 3500
    VALIDATE_PROOF_KEY = 4000
    SET_SCOPES = 5000
    VALIDATE_SESSION = 6000
    VALIDATE_CONSENT = 7000
    REDEEM_REQUEST = 7500
    GENERATE_CODE = 8000
    ATTACH_PARAMETERS = 9000


class PushedAuthorizationStage(IntEnum):
    """The stages of ``ProcessPushedAuthorization``."""

    VALIDATE_REQUEST = 1000
    VALIDATE_CLIENT = 2000
    VALIDATE_AUTHORIZATION = 3000
    PUSH_REQUEST = 4000


class UserInfoStage(IntEnum):
    """The stages of ``ProcessUserInfo``."""

    VALIDATE_TOKEN = 1000
    VALIDATE_SCOPES = 2000
    ATTACH_CLAIMS = 3000


class EndSessionStage(IntEnum):
    """The stages of ``ProcessEndSession``."""

    VALIDATE_REQUEST = 1000
    VALIDATE_CLIENT = 2000
    VALIDATE_REDIRECT_URI = 3000


class IntrospectionStage(IntEnum):
    """The stages of ``ProcessIntrospection``."""

    VALIDATE_REQUEST = 1000
    VALIDATE_CLIENT = 2000
    VALIDATE_PERMISSIONS = 3000
    VALIDATE_TOKEN = 4000
    VALIDATE_AUTHORIZED_PARTY = 5000


class RevocationStage(IntEnum):
    """The stages of ``ProcessRevocation``."""

    VALIDATE_REQUEST = 1000
    VALIDATE_CLIENT = 2000
    VALIDATE_PERMISSIONS = 3000
    VALIDATE_TOKEN = 4000
    VALIDATE_AUTHORIZED_PARTY = 5000
    REVOKE_TOKEN = 6000


class ConfigurationStage(IntEnum):
    """The stages of ``ProcessConfiguration``."""

    ATTACH_ENDPOINTS = 1000
    ATTACH_CAPABILITIES = 2000


class CommandStage(IntEnum):
    """The one stage of each command, which is the core's own: it records and stores the change."""

    EXECUTE = 1000
