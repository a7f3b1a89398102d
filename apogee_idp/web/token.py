"""``POST /connect/token``."""

from __future__ import annotations

from aiohttp import web

from ..errors import HandlerFault, OAuthError, UnusableEvent
from ..events import ProcessSignIn
from ..logs import annotate_request
from ..model import CLIENT_CREDENTIALS
from ..pipeline import Registry
from ..refusals import Refusals
from ..requests import TokenRequest, TokenResponse
from ..services import Services
from ..settings_schema import IMPLEMENTED_GRANT_TYPES
from .endpoint import annotate_client
from .refused_clients import RefusedClients
from .wire import Form, render_token_response, token_request_of


class TokenEndpoint:
    """The token endpoint (RFC 6749 §3.2)."""

    def __init__(self, services: Services, registry: Registry, refusals: Refusals) -> None:
        self._refused = RefusedClients(services, refusals)
        self._grants = services.grants
        self._minter = services.minter
        self._registry = registry

    async def answer(self, form: Form) -> web.Response:
        """A token response, with a token that was minted for this request."""
        request = token_request_of(form)
        event = ProcessSignIn(request)
        try:
            await self._registry.dispatch(event)
            if not isinstance(event.response, TokenResponse):
                raise UnusableEvent("no token response")
            self._vouch(request, event.grant, event.response)
            return render_token_response(event.response)
        except (OAuthError, HandlerFault) as error:
            await self._refused.note(request, error)
            raise
        finally:
            if request.grant_type in IMPLEMENTED_GRANT_TYPES:
                annotate_request(grant_type=request.grant_type)
            annotate_client(event.authentication)

    def _vouch(self, request: TokenRequest, grant: object, response: TokenResponse) -> None:
        """Raises UnusableEvent for tokens that were not minted for this request, as what they are.

        Nor does any token leave for a code or refresh token that isn't spent.
        """
        self._minter.vouch(response.access_token, request)
        if response.id_token is not None:
            self._minter.vouch(response.id_token, request, "id_token")
        if response.refresh_token is not None:
            self._minter.vouch(response.refresh_token, request, "refresh_token")
        if request.grant_type != CLIENT_CREDENTIALS:
            self._grants.vouch_redeemed(grant)
