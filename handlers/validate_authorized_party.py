"""Asks whether the caller may know of, or end, this token."""

from __future__ import annotations

from apogee_idp import (
    Client,
    ProcessIntrospection,
    ProcessRevocation,
    Services,
    UnauthorizedClient,
    ValidatedToken,
)


class ValidateIntrospectingParty:
    """A token is told of to its own client, and to the APIs it is for (RFC 7662 §4).

    All others hear that it is not active.
    """

    def __init__(self, services: Services) -> None:
        self._resources = services.resources

    async def __call__(self, event: ProcessIntrospection) -> None:
        if event.token is not None and not await self._may_know(event.known_client(), event.token):
            event.token, event.refusal = None, "neither its client nor one of its APIs asks"

    async def _may_know(self, caller: Client, token: ValidatedToken) -> bool:
        if token.client_id == caller.client_id:
            return True
        self._resources.prefetch(token.audience)
        for identifier in token.audience:
            resource = await self._resources.get(identifier)
            if resource is not None and caller.client_id in resource.introspection_clients:
                return True
        return False


async def validate_revoking_party(event: ProcessRevocation) -> None:
    """RFC 7009 §2.1: only the client that a token was issued to ends it."""
    if event.token is not None and event.token.client_id != event.known_client().client_id:
        raise UnauthorizedClient("The token was issued to another client.")
