"""The built-in pipeline, written on the public plugin API and loaded like any plugin.

``register`` is its table of contents: one line a handler, in order.
"""

from __future__ import annotations

from functools import partial

from apogee_idp import (
    ConfigurationStage,
    GenerateToken,
    ProcessConfiguration,
    ProcessSignIn,
    Registry,
    Services,
    Stage,
    TokenStage,
)

from .attach_capabilities import AttachCapabilities
from .attach_endpoints import AttachEndpoints
from .attach_parameters import attach_parameters
from .attach_security_credentials import AttachSecurityCredentials
from .build_principal import build_principal
from .configure_encryption import configure_encryption
from .generate_token import GenerateAccessToken
from .set_resources import SetResources
from .set_scopes import SetScopes
from .validate_client import ValidateClient
from .validate_permissions import validate_permissions
from .validate_request import ValidateRequest
from .write_token import WriteToken


def register(registry: Registry, services: Services) -> None:
    """Adds every built-in handler."""
    on = partial(registry.add, ProcessSignIn)
    on(ValidateRequest(services), name="validate_request", order=Stage.VALIDATE_REQUEST)
    on(ValidateClient(services), name="validate_client", order=Stage.VALIDATE_CLIENT)
    on(validate_permissions, name="validate_permissions", order=Stage.VALIDATE_PERMISSIONS)
    on(build_principal, name="build_principal", order=Stage.BUILD_PRINCIPAL)
    on(SetScopes(services), name="set_scopes", order=Stage.SET_SCOPES)
    on(SetResources(services), name="set_resources", order=Stage.SET_RESOURCES)
    on(configure_encryption, name="configure_encryption", order=Stage.CONFIGURE_ENCRYPTION)
    on(GenerateAccessToken(registry, services), name="generate_token", order=Stage.GENERATE_TOKEN)
    on(attach_parameters, name="attach_parameters", order=Stage.ATTACH_PARAMETERS)

    on_token = partial(registry.add, GenerateToken)
    on_token(
        AttachSecurityCredentials(services),
        name="attach_security_credentials",
        order=TokenStage.ATTACH_SECURITY_CREDENTIALS,
    )
    on_token(WriteToken(services), name="write_token", order=TokenStage.WRITE_TOKEN)

    on_configuration = partial(registry.add, ProcessConfiguration)
    on_configuration(
        AttachEndpoints(services),
        name="attach_endpoints",
        order=ConfigurationStage.ATTACH_ENDPOINTS,
    )
    on_configuration(
        AttachCapabilities(services),
        name="attach_capabilities",
        order=ConfigurationStage.ATTACH_CAPABILITIES,
    )
