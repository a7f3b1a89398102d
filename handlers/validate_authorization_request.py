"""Refuses authorization requests of which nobody can tell whose they are."""

from __future__ import annotations

from apogee_idp import InvalidRequest, ProcessAuthorization, ProcessEndSession


async def require_client_and_redirect_uri(event: ProcessAuthorization) -> None:
    """Both are there, and once (RFC 6749 §4.1.2.1; OpenID Connect Core §3.1.2.1)."""
    request = event.request
    if request.repeated & {"client_id", "redirect_uri"}:
        raise InvalidRequest("The client_id or the redirect_uri is repeated.")
    if request.client_id is None or request.redirect_uri is None:
        raise InvalidRequest("The client_id or the redirect_uri is missing.")


async def refuse_repetition(event: ProcessEndSession) -> None:
    """What is there twice could be read in two ways."""
    if event.request.repeated:
        raise InvalidRequest("A parameter is repeated.")
