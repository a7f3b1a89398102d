"""The built-in pipeline, written on the public plugin API and loaded like any plugin.

``register`` is its table of contents: one line a handler, in order.
"""

from __future__ import annotations

from functools import partial

from apogee_idp import (
    INTROSPECTION_PERMISSION,
    REVOCATION_PERMISSION,
    AuthorizationStage,
    ConfigurationStage,
    EndSessionStage,
    GenerateToken,
    IntrospectionStage,
    ProcessAuthorization,
    ProcessConfiguration,
    ProcessEndSession,
    ProcessIntrospection,
    ProcessPushedAuthorization,
    ProcessRevocation,
    ProcessSignIn,
    ProcessUserInfo,
    PushedAuthorizationStage,
    Registry,
    RevocationStage,
    Services,
    Stage,
    TokenStage,
    UserInfoStage,
    ValidateToken,
    ValidationStage,
)

from .attach_capabilities import AttachCapabilities
from .attach_claims import attach_claims
from .attach_code import attach_code
from .attach_endpoints import AttachEndpoints
from .attach_parameters import attach_parameters
from .attach_security_credentials import AttachSecurityCredentials
from .build_principal import build_principal
from .configure_encryption import configure_encryption
from .generate_code import GenerateCode
from .generate_token import GenerateTokens
from .push_request import PushRequest, ValidateAuthorization, refuse_request_uri
from .read_token import ReadToken
from .redeem_authorization_code import RedeemAuthorizationCode, is_code_grant
from .redeem_refresh_token import RedeemRefreshToken, is_refresh_grant
from .redeem_request import RedeemRequest
from .revoke_token import RevokeToken
from .set_resources import SetResources
from .set_scopes import SetScopes
from .set_user_scopes import SetUserScopes
from .validate_authorization_request import refuse_repetition, require_client_and_redirect_uri
from .validate_authorized_party import ValidateIntrospectingParty, validate_revoking_party
from .validate_client import ValidateClient
from .validate_consent import ValidateConsent
from .validate_known_client import ValidateKnownClient, ValidateLeavingClient
from .validate_parameters import ValidateParameters
from .validate_permissions import ValidateEndpointPermission, validate_permissions
from .validate_proof_key import validate_proof_key
from .validate_redirect_uri import validate_post_logout_redirect_uri, validate_redirect_uri
from .validate_request import ValidateRequest, require_token
from .validate_revocation import ValidateRevocation
from .validate_session import ValidateSession
from .validate_token import ValidatePresentedToken
from .validate_user_info import ValidateUserToken, attach_user_claims, validate_user_scopes
from .write_token import WriteToken


def register(registry: Registry, services: Services) -> None:
    """Adds every built-in handler."""
    _register_sign_in(registry, services)
    _register_tokens(registry, services)
    _register_introspection(registry, services)
    _register_revocation(registry, services)
    _register_pushed_authorization(registry, services)
    _register_authorization(registry, services)
    _register_user_info(registry, services)
    _register_end_session(registry, services)
    _register_configuration(registry, services)


def _register_sign_in(registry: Registry, services: Services) -> None:
    on = partial(registry.add, ProcessSignIn)
    on(ValidateRequest(services), name="validate_request", order=Stage.VALIDATE_REQUEST)
    on(ValidateClient(services), name="validate_client", order=Stage.VALIDATE_CLIENT)
    on(validate_permissions, name="validate_permissions", order=Stage.VALIDATE_PERMISSIONS)
    code, refresh_token = RedeemAuthorizationCode(services), RedeemRefreshToken(services)
    redeem = Stage.REDEEM_GRANT
    on(code, name="redeem_authorization_code", order=redeem, when=is_code_grant)
    on(refresh_token, name="redeem_refresh_token", order=redeem, when=is_refresh_grant)
    on(build_principal, name="build_principal", order=Stage.BUILD_PRINCIPAL)
    on(SetScopes(services), name="set_scopes", order=Stage.SET_SCOPES)
    on(SetResources(services), name="set_resources", order=Stage.SET_RESOURCES)
    on(configure_encryption, name="configure_encryption", order=Stage.CONFIGURE_ENCRYPTION)
    on(GenerateTokens(registry, services), name="generate_token", order=Stage.GENERATE_TOKEN)
    on(attach_parameters, name="attach_parameters", order=Stage.ATTACH_PARAMETERS)


def _register_tokens(registry: Registry, services: Services) -> None:
    on, stage = partial(registry.add, GenerateToken), TokenStage
    on(attach_claims, name="attach_claims", order=stage.ATTACH_CLAIMS)
    credentials = AttachSecurityCredentials(services)
    on(credentials, name="attach_security_credentials", order=stage.ATTACH_SECURITY_CREDENTIALS)
    on(WriteToken(services), name="write_token", order=stage.WRITE_TOKEN)

    on_reading = partial(registry.add, ValidateToken)
    on_reading(ReadToken(services), name="read_token", order=ValidationStage.READ_TOKEN)
    on_reading(
        ValidateRevocation(services),
        name="validate_revocation",
        order=ValidationStage.VALIDATE_REVOCATION,
    )


def _register_introspection(registry: Registry, services: Services) -> None:
    on, stage = partial(registry.add, ProcessIntrospection), IntrospectionStage
    permission = ValidateEndpointPermission(INTROSPECTION_PERMISSION)
    party = ValidateIntrospectingParty(services)
    on(require_token, name="validate_request", order=stage.VALIDATE_REQUEST)
    on(ValidateClient(services), name="validate_client", order=stage.VALIDATE_CLIENT)
    on(permission, name="validate_permissions", order=stage.VALIDATE_PERMISSIONS)
    on(ValidatePresentedToken(registry), name="validate_token", order=stage.VALIDATE_TOKEN)
    on(party, name="validate_authorized_party", order=stage.VALIDATE_AUTHORIZED_PARTY)


def _register_revocation(registry: Registry, services: Services) -> None:
    on, stage = partial(registry.add, ProcessRevocation), RevocationStage
    permission, party = ValidateEndpointPermission(REVOCATION_PERMISSION), validate_revoking_party
    on(require_token, name="validate_request", order=stage.VALIDATE_REQUEST)
    on(ValidateClient(services), name="validate_client", order=stage.VALIDATE_CLIENT)
    on(permission, name="validate_permissions", order=stage.VALIDATE_PERMISSIONS)
    on(ValidatePresentedToken(registry), name="validate_token", order=stage.VALIDATE_TOKEN)
    on(party, name="validate_authorized_party", order=stage.VALIDATE_AUTHORIZED_PARTY)
    on(RevokeToken(services), name="revoke_token", order=stage.REVOKE_TOKEN)


def _register_pushed_authorization(registry: Registry, services: Services) -> None:
    on, stage = partial(registry.add, ProcessPushedAuthorization), PushedAuthorizationStage
    authorization = ValidateAuthorization(registry)
    on(refuse_request_uri, name="validate_request", order=stage.VALIDATE_REQUEST)
    on(ValidateClient(services), name="validate_client", order=stage.VALIDATE_CLIENT)
    on(authorization, name="validate_authorization", order=stage.VALIDATE_AUTHORIZATION)
    on(PushRequest(services), name="push_request", order=stage.PUSH_REQUEST)


def _register_authorization(registry: Registry, services: Services) -> None:
    on, stage = partial(registry.add, ProcessAuthorization), AuthorizationStage
    form, parameters = require_client_and_redirect_uri, ValidateParameters(services)
    on(form, name="validate_request", order=stage.VALIDATE_REQUEST)
    on(ValidateKnownClient(services), name="validate_client", order=stage.VALIDATE_CLIENT)
    on(validate_redirect_uri, name="validate_redirect_uri", order=stage.VALIDATE_REDIRECT_URI)
    on(parameters, name="validate_parameters", order=stage.VALIDATE_PARAMETERS)
    on(validate_proof_key, name="validate_proof_key", order=stage.VALIDATE_PROOF_KEY)
    on(SetUserScopes(services), name="set_scopes", order=stage.SET_SCOPES)
    on(ValidateSession(services), name="validate_session", order=stage.VALIDATE_SESSION)
    on(ValidateConsent(services), name="validate_consent", order=stage.VALIDATE_CONSENT)
    on(RedeemRequest(services), name="redeem_request", order=stage.REDEEM_REQUEST)
    on(GenerateCode(services), name="generate_code", order=stage.GENERATE_CODE)
    on(attach_code, name="attach_parameters", order=stage.ATTACH_PARAMETERS)


def _register_user_info(registry: Registry, services: Services) -> None:
    on, stage = partial(registry.add, ProcessUserInfo), UserInfoStage
    token = ValidateUserToken(registry, services)
    on(token, name="validate_token", order=stage.VALIDATE_TOKEN)
    on(validate_user_scopes, name="validate_scopes", order=stage.VALIDATE_SCOPES)
    on(attach_user_claims, name="attach_claims", order=stage.ATTACH_CLAIMS)


def _register_end_session(registry: Registry, services: Services) -> None:
    on, stage = partial(registry.add, ProcessEndSession), EndSessionStage
    uri = validate_post_logout_redirect_uri
    on(refuse_repetition, name="validate_request", order=stage.VALIDATE_REQUEST)
    on(ValidateLeavingClient(services), name="validate_client", order=stage.VALIDATE_CLIENT)
    on(uri, name="validate_redirect_uri", order=stage.VALIDATE_REDIRECT_URI)


def _register_configuration(registry: Registry, services: Services) -> None:
    on, stage = partial(registry.add, ProcessConfiguration), ConfigurationStage
    on(AttachEndpoints(services), name="attach_endpoints", order=stage.ATTACH_ENDPOINTS)
    on(AttachCapabilities(services), name="attach_capabilities", order=stage.ATTACH_CAPABILITIES)
