"""Takes authorization requests that clients push (RFC 9126)."""

from __future__ import annotations

from dataclasses import replace

from apogee_idp import (
    AuthorizationStage,
    InvalidRequest,
    ProcessAuthorization,
    ProcessPushedAuthorization,
    Registry,
    Services,
)


async def refuse_request_uri(event: ProcessPushedAuthorization) -> None:
    """RFC 9126 §2.1: what is pushed can't refer to something else."""
    asked = event.request.authorization
    if asked.request_uri is not None or "request_uri" in asked.parameters:
        raise InvalidRequest("A request_uri can't be pushed.")


class ValidateAuthorization:
    """Dispatches ``ProcessAuthorization`` as far as no person is needed (RFC 9126 §2.1).

    So a client is told at once what a browser would have been told later.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def __call__(self, event: ProcessPushedAuthorization) -> None:
        asked = replace(
            event.request.authorization,
            client_id=event.known_client().client_id,
            request_uri=event.request_uri,
        )
        validation = ProcessAuthorization(asked)
        await self._registry.dispatch(validation, until=AuthorizationStage.VALIDATE_SESSION)


class PushRequest:
    """Keeps the request for its client alone."""

    def __init__(self, services: Services) -> None:
        self._requests = services.pushed_requests

    async def __call__(self, event: ProcessPushedAuthorization) -> None:
        client_id = event.known_client().client_id
        event.expires_in = await self._requests.keep(
            event.request_uri, client_id, event.request.parameters
        )
