"""Looks up the client that sends somebody here; the client itself proves nothing yet."""

from __future__ import annotations

from apogee_idp import (
    Client,
    IdTokenHint,
    InvalidRequest,
    InvalidToken,
    ProcessAuthorization,
    ProcessEndSession,
    Services,
)


class ValidateKnownClient:
    """An unknown client is told of as a disabled one is: on a page (RFC 6749 §4.1.2.1)."""

    def __init__(self, services: Services) -> None:
        self._clients = services.clients

    async def __call__(self, event: ProcessAuthorization) -> None:
        client = await self._clients.get(event.request.client_id or "")
        if client is None or not client.enabled:
            raise InvalidRequest("The client is unknown.")
        event.client = client


class ValidateLeavingClient:
    """OpenID Connect RP-Initiated Logout §2: the client by the id_token, or by its client_id.

    Whatever is wrong with them, the person can sign out; but is not sent anywhere.
    """

    def __init__(self, services: Services) -> None:
        self._clients = services.clients
        self._hints = services.id_token_hints

    async def __call__(self, event: ProcessEndSession) -> None:
        request = event.request
        if request.id_token_hint is not None:
            event.hint = self._read(event, request.id_token_hint)
            if event.hint is None:
                return
        client_id = event.hint.client_id if event.hint else request.client_id
        if request.client_id not in (None, client_id):
            event.refusal = "the client_id is not that of the id_token_hint"
            return
        event.client = await self._enabled(client_id) if client_id else None

    def _read(self, event: ProcessEndSession, hint: str) -> IdTokenHint | None:
        try:
            return self._hints.read(hint)
        except InvalidToken as error:
            event.refusal = f"id_token_hint: {error.reason}"
            return None

    async def _enabled(self, client_id: str) -> Client | None:
        client = await self._clients.get(client_id)
        return client if client is not None and client.enabled else None
