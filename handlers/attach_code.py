"""Puts the authorization response together."""

from __future__ import annotations

from types import MappingProxyType

from apogee_idp import AuthorizationResponse, NotYetKnown, ProcessAuthorization


async def attach_code(event: ProcessAuthorization) -> None:
    """RFC 6749 §4.1.2; ``state`` and ``iss`` are in every response, and the core adds them."""
    if event.code is None or event.redirect_uri is None:
        raise NotYetKnown("no code was generated")
    parameters = MappingProxyType({**event.parameters, "code": event.code})
    event.response = AuthorizationResponse(event.redirect_uri, event.response_mode, parameters)
