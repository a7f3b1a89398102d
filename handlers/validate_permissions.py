"""Asks whether the authenticated client may use this endpoint and grant type."""

from __future__ import annotations

from apogee_idp import ProcessIntrospection, ProcessRevocation, ProcessSignIn, UnauthorizedClient


async def validate_permissions(event: ProcessSignIn) -> None:
    """OpenIddict's permissions ``ept:token`` and ``gt:<grant type>`` (RFC 6749 §5.2)."""
    if not event.known_client().permits_grant_type(event.request.grant_type or ""):
        raise UnauthorizedClient("This client may not use that grant type.")


class ValidateEndpointPermission:
    """OpenIddict's permissions ``ept:introspection`` and ``ept:revocation``."""

    def __init__(self, permission: str) -> None:
        self._permission = permission

    async def __call__(self, event: ProcessIntrospection | ProcessRevocation) -> None:
        if not event.known_client().permits_endpoint(self._permission):
            raise UnauthorizedClient("This client may not use that endpoint.")
