"""Puts the token response together."""

from __future__ import annotations

from types import MappingProxyType

from apogee_idp import NotYetKnown, ProcessSignIn, TokenResponse


async def attach_parameters(event: ProcessSignIn) -> None:
    """RFC 6749 §5.1; lifetime and scope are told as they stand in the token."""
    if event.access_token is None:
        raise NotYetKnown("no token was generated")
    event.response = TokenResponse(
        access_token=event.access_token,
        parameters=MappingProxyType(dict(event.parameters)),
        id_token=event.id_token,
        refresh_token=event.refresh_token,
    )
