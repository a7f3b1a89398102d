"""Puts the token response together."""

from __future__ import annotations

from types import MappingProxyType

from apogee_idp import HandlerFault, ProcessSignIn, TokenResponse


async def attach_parameters(event: ProcessSignIn) -> None:
    """RFC 6749 §5.1, with the granted scope always told."""
    if event.access_token is None:
        raise HandlerFault("generate_token", "left no token")
    event.response = TokenResponse(
        access_token=event.access_token,
        scope=" ".join(event.scopes),
        parameters=MappingProxyType(dict(event.parameters)),
    )
