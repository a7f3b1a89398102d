"""Advertises where things are."""

from __future__ import annotations

from apogee_idp import ProcessConfiguration, Services


class AttachEndpoints:
    """RFC 8414 §2: absolute URLs below the configured issuer, never from the Host header."""

    def __init__(self, services: Services) -> None:
        self._settings = services.settings

    async def __call__(self, event: ProcessConfiguration) -> None:
        event.metadata["token_endpoint"] = self._settings.endpoint("/connect/token")
        event.metadata["introspection_endpoint"] = self._settings.endpoint("/connect/introspect")
        event.metadata["revocation_endpoint"] = self._settings.endpoint("/connect/revoke")
        event.metadata["jwks_uri"] = self._settings.endpoint("/.well-known/jwks")
        if "authorization_code" in self._settings.grant_types:
            event.metadata["authorization_endpoint"] = self._settings.endpoint("/connect/authorize")
            event.metadata["pushed_authorization_request_endpoint"] = self._settings.endpoint(
                "/connect/par"
            )
            event.metadata["userinfo_endpoint"] = self._settings.endpoint("/connect/userinfo")
            event.metadata["end_session_endpoint"] = self._settings.endpoint("/connect/logout")
