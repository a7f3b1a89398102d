"""Whom an access token speaks of, if it may be asked at userinfo."""

from __future__ import annotations

from apogee_idp import (
    InsufficientScope,
    InvalidToken,
    NotYetKnown,
    ProcessUserInfo,
    Registry,
    Services,
    ValidateToken,
    released_claims,
)


class ValidateUserToken:
    """Has the access token validated, as an event of its own; one of a client alone is refused."""

    def __init__(self, registry: Registry, services: Services) -> None:
        self._registry = registry
        self._find_user = services.find_user

    async def __call__(self, event: ProcessUserInfo) -> None:
        nested = ValidateToken(event.access_token)
        await self._registry.dispatch(nested)
        if nested.validated is None:
            raise InvalidToken(reason="nobody has validated the token")
        event.token = nested.validated
        subject = str(event.token.claims.get("sub"))
        # A client's own token speaks of the client (RFC 9068 §5): there is nobody to tell of.
        is_of_client = subject == event.token.client_id
        event.user = None if is_of_client else await self._find_user(subject)
        if event.user is None:
            raise InvalidToken(reason="a client's own token, or its user has gone")


async def validate_user_scopes(event: ProcessUserInfo) -> None:
    """OpenID Connect Core §5.3.1: the token was granted with ``openid``."""
    if "openid" not in _scopes(event):
        raise InsufficientScope("openid")


async def attach_user_claims(event: ProcessUserInfo) -> None:
    """OpenID Connect Core §5.4: what the scopes release, as it is known today."""
    if event.user is None:
        raise NotYetKnown("asked for the user before the token was validated")
    event.claims.update(released_claims(event.user, _scopes(event)))


def _scopes(event: ProcessUserInfo) -> list[str]:
    if event.token is None:
        raise NotYetKnown("asked for the token before it was validated")
    return str(event.token.claims.get("scope", "")).split()
