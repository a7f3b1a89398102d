"""``POST /connect/par``: pushed authorization requests (RFC 9126)."""

from __future__ import annotations

from aiohttp import web

from ..errors import UnusableEvent
from ..events import ProcessPushedAuthorization
from ..pipeline import Registry
from ..requests import PushedAuthorizationRequest
from ..services import Services
from .endpoint import annotate_client
from .interaction.parsing import authorization_request_of, without_credentials
from .wire import Form, render_pushed_request


class PushedAuthorizationEndpoint:
    """Takes an authorization request from its client itself, before any browser sees it."""

    def __init__(self, services: Services, registry: Registry) -> None:
        self._authenticator = services.authenticator
        self._new_uri = services.pushed_requests.new_uri
        self._registry = registry

    async def answer(self, form: Form) -> web.Response:
        """The ``request_uri``, for a request that nothing is wrong with so far."""
        sent = (*form.parameters.items(), *(("resource", uri) for uri in form.resources))
        pairs = without_credentials(sent)
        request = PushedAuthorizationRequest(
            authorization_request_of(pairs), pairs, form.credentials
        )
        event = ProcessPushedAuthorization(request, self._new_uri())
        try:
            await self._registry.dispatch(event)
            self._authenticator.vouch(event.authentication, request)
            if event.expires_in is None:
                raise UnusableEvent("the request was not kept")
            return render_pushed_request(event.request_uri, event.expires_in)
        finally:
            annotate_client(event.authentication)
