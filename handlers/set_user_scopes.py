"""Decides which scopes a person is asked for: all that the client wants, or none."""

from __future__ import annotations

from apogee_idp import (
    MANAGEMENT_SCOPES,
    STANDARD_SCOPES,
    Client,
    InvalidScope,
    InvalidTarget,
    ProcessAuthorization,
    Services,
    is_resource,
)

from .set_scopes import requested_scopes


class SetUserScopes:
    """Without ``scope`` the client's default scopes are asked for (RFC 6749 §3.3).

    ``openid`` is every client's to ask for. The scopes of the management API are for clients that
    act for themselves.
    """

    def __init__(self, services: Services) -> None:
        self._scopes = services.scopes

    async def __call__(self, event: ProcessAuthorization) -> None:
        client = event.known_client()
        scopes = requested_scopes(event.request.scope) or client.default_scopes
        self._scopes.prefetch(filter(client.permits_scope, scopes))
        for name in scopes:
            if not await self._is_available(name, client):
                raise InvalidScope("A scope is unknown, or this client may not ask for it.")
        if not all(map(is_resource, event.request.resources)):
            raise InvalidTarget("A resource is malformed.")
        event.scopes = scopes

    async def _is_available(self, name: str, client: Client) -> bool:
        if name == "openid":
            return True
        if name in MANAGEMENT_SCOPES or not client.permits_scope(name):
            return False
        return name in STANDARD_SCOPES or await self._scopes.get(name) is not None
