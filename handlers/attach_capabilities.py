"""Advertises what is implemented, and no more."""

from __future__ import annotations

from apogee_idp import (
    ONE_FACTOR,
    RELEASED_CLAIMS,
    SIGNING_ALGORITHMS,
    STANDARD_SCOPES,
    TWO_FACTORS,
    ProcessConfiguration,
    Services,
)

_METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt")
_PUBLIC_ENDPOINTS = ("token", "revocation")
_CLAIMS = ("iss", "sub", "name", "client_id", "aud", "scope", "role", "iat", "exp", "jti")
_USER_CLAIMS = ("auth_time", "nonce", "at_hash", "acr", "amr", "sid")

_FOR_PEOPLE = {
    "response_types_supported": ["code"],
    "response_modes_supported": ["query", "form_post"],
    "code_challenge_methods_supported": ["S256"],
    "authorization_response_iss_parameter_supported": True,
    "require_pushed_authorization_requests": False,
    "backchannel_logout_supported": True,
    "acr_values_supported": [ONE_FACTOR, TWO_FACTORS],
    "backchannel_logout_session_supported": True,
    "prompt_values_supported": ["none", "login", "consent", "select_account"],
    "scopes_supported": sorted(STANDARD_SCOPES),
    "claims_supported": sorted({*_CLAIMS, *_USER_CLAIMS, *RELEASED_CLAIMS}),
}
"""OpenID Connect Discovery §3, RFC 7636 §6.2, RFC 9126 §5, RFC 9207 §3."""


class AttachCapabilities:
    """RFC 8414 §2 and OpenID Connect Discovery §3."""

    def __init__(self, services: Services) -> None:
        self._grant_types = services.settings.grant_types
        self._has_people = "authorization_code" in self._grant_types
        self._algorithms = services.settings.signing_algorithms

    async def __call__(self, event: ProcessConfiguration) -> None:
        for endpoint in ("token", "introspection", "revocation"):
            prefix = f"{endpoint}_endpoint_auth"
            takes_public = self._has_people and endpoint in _PUBLIC_ENDPOINTS
            methods = (*_METHODS, "none") if takes_public else _METHODS
            event.metadata[f"{prefix}_methods_supported"] = list(methods)
            event.metadata[f"{prefix}_signing_alg_values_supported"] = list(SIGNING_ALGORITHMS)
        event.metadata.update(
            grant_types_supported=list(self._grant_types),
            scopes_supported=["roles"],
            subject_types_supported=["public"],
            claims_supported=list(_CLAIMS),
            claims_parameter_supported=False,
            request_parameter_supported=False,
            request_uri_parameter_supported=False,
        )
        if self._has_people:
            event.metadata.update(
                _FOR_PEOPLE, id_token_signing_alg_values_supported=list(self._algorithms)
            )
