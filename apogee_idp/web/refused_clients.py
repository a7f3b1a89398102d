"""Who gets no token, and why: noted for administrators, of registered clients alone."""

from __future__ import annotations

from contextlib import suppress

from ..assertions import parse_assertion
from ..errors import (
    HandlerFault,
    InvalidClient,
    OAuthError,
    StoreUnavailable,
    TemporarilyUnavailable,
)
from ..model import is_client_id
from ..refusals import Refusals
from ..requests import PresentedAssertion, TokenRequest
from ..services import Services


class RefusedClients:
    """Looks up whom a request names, proven or not: one that can't authenticate fails, too."""

    def __init__(self, services: Services, refusals: Refusals) -> None:
        self._clients = services.clients
        self._refusals = refusals

    async def note(self, request: TokenRequest, error: OAuthError | HandlerFault) -> None:
        """Notes ``error``, unless it is only that the question can't be answered now."""
        if isinstance(error, TemporarilyUnavailable):
            return
        client_id = _named_in(request)
        if not is_client_id(client_id):
            return
        with suppress(StoreUnavailable):
            self._refusals.note(await self._clients.get(client_id), *_told(error))


def _named_in(request: TokenRequest) -> str:
    credentials = request.credentials
    if isinstance(credentials, PresentedAssertion):
        try:
            return parse_assertion(credentials).client_id
        except InvalidClient:
            return credentials.client_id or ""
    return "" if credentials is None else credentials.client_id


def _told(error: OAuthError | HandlerFault) -> tuple[str, str]:
    if isinstance(error, HandlerFault):
        return "server_error", str(error)
    return error.code, error.reason or error.description
