"""Decides whether people may be sent where a request wants them."""

from __future__ import annotations

from apogee_idp import InvalidRequest, ProcessAuthorization, ProcessEndSession


async def validate_redirect_uri(event: ProcessAuthorization) -> None:
    """Registered, character by character (RFC 9700 §2.1): else nothing is ever sent there."""
    uri = event.request.redirect_uri
    if uri is None or not event.known_client().permits_redirect_uri(uri):
        raise InvalidRequest("The redirect_uri is not registered for this client.")
    event.redirect_uri = uri


async def validate_post_logout_redirect_uri(event: ProcessEndSession) -> None:
    """OpenID Connect RP-Initiated Logout §3: registered, and asked for by a client we know."""
    uri = event.request.post_logout_redirect_uri
    if uri is None or event.client is None:
        return
    if event.client.permits_post_logout_redirect_uri(uri):
        event.redirect_uri = uri
    else:
        event.refusal = "the post_logout_redirect_uri is not registered"
