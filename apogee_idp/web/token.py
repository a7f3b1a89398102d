"""``POST /connect/token``: reads, dispatches, renders."""

from __future__ import annotations

from aiohttp import web

from ..errors import OAuthError, ServerError, StoreError, TemporarilyUnavailable, UnusableEvent
from ..events import ProcessSignIn
from ..logs import annotate_request, log_fault
from ..model import Client, ClientAuthentication, TokenRequest, TokenResponse
from ..pipeline import Registry
from ..services import Services
from ..settings_schema import IMPLEMENTED_GRANT_TYPES
from .wire import read_token_request, render_error, render_token_response


class TokenEndpoint:
    """The token endpoint (RFC 6749 §3.2)."""

    def __init__(self, services: Services, registry: Registry) -> None:
        self._timeout = services.settings.request_timeout
        self._minter = services.minter
        self._registry = registry

    async def handle(self, request: web.Request) -> web.Response:
        """A token response or an OAuth error; whatever else goes wrong is a ``server_error``."""
        try:
            return await self._grant(request)
        except OAuthError as error:
            refusal = error
        except StoreError as error:
            refusal = TemporarilyUnavailable(reason=str(error))
        except Exception as error:
            log_fault("token_request_failed", error)
            refusal = ServerError(reason=type(error).__name__)
        annotate_request(error=refusal.code, reason=refusal.reason)
        response = render_error(refusal)
        if not request.content.is_eof():
            response.force_close()
        return response

    async def _grant(self, request: web.Request) -> web.Response:
        token_request = await read_token_request(request, timeout=self._timeout)
        event = ProcessSignIn(token_request)
        try:
            await self._registry.dispatch(event)
            if not isinstance(event.response, TokenResponse):
                raise UnusableEvent("no token response")
            self._minter.vouch(event.response.access_token, token_request)
            return render_token_response(event.response)
        finally:
            _annotate(token_request, event.authentication)


def _annotate(request: TokenRequest, proof: ClientAuthentication | None) -> None:
    # Only what is known to be no secret: callers send anything, anywhere.
    if request.grant_type in IMPLEMENTED_GRANT_TYPES:
        annotate_request(grant_type=request.grant_type)
    client = getattr(proof, "client", None)
    if isinstance(client, Client):
        annotate_request(client_id=client.client_id)
