"""Decides which scopes are granted: all that are asked for, or none."""

from __future__ import annotations

from apogee_idp import (
    MANAGEMENT_SCOPES,
    USER_SCOPES,
    Client,
    InvalidScope,
    ProcessSignIn,
    Services,
    is_scope_name,
)

_BUILT_IN = MANAGEMENT_SCOPES | {"roles"}


class SetScopes:
    """Without ``scope`` the client's default scopes are granted, if it has any (RFC 6749 §3.3).

    Of what a person has allowed, all that the client still may ask for; a refresh request may ask
    for less, for this one access token (§6).
    """

    def __init__(self, services: Services) -> None:
        self._scopes = services.scopes

    async def __call__(self, event: ProcessSignIn) -> None:
        client = event.known_client()
        if event.grant is not None:
            event.scopes = _narrowed(event, event.grant.grant.scopes)
            return
        scopes = requested_scopes(event.request.scope) or client.default_scopes
        self._scopes.prefetch(filter(client.permits_scope, scopes[1:]))
        for name in scopes:
            if not await self._is_available(name, client):
                raise InvalidScope("A scope is unknown, or this client may not ask for it.")
        event.scopes = scopes

    async def _is_available(self, name: str, client: Client) -> bool:
        """RFC 6749 §4.4.3: a client on its own gets no refresh token and no id_token."""
        if name in USER_SCOPES or not client.permits_scope(name):
            return False
        return name in _BUILT_IN or await self._scopes.get(name) is not None


def _narrowed(event: ProcessSignIn, granted: tuple[str, ...]) -> tuple[str, ...]:
    client = event.known_client()
    allowed = tuple(name for name in granted if name == "openid" or client.permits_scope(name))
    if event.request.grant_type == "authorization_code":
        return allowed
    wanted = requested_scopes(event.request.scope) or allowed
    if not set(wanted) <= set(allowed):
        raise InvalidScope("A scope was not granted.")
    return wanted


def requested_scopes(scope: str | None) -> tuple[str, ...]:
    """The scope-tokens in the order asked, each once; raises InvalidScope (RFC 6749 §3.3)."""
    if scope is None:
        return ()
    names = tuple(dict.fromkeys(name for name in scope.split(" ") if name))
    if not names or not all(map(is_scope_name, names)):
        raise InvalidScope("The scope parameter is malformed.")
    return names
