"""``POST /connect/introspect`` (RFC 7662) and ``POST /connect/revoke`` (RFC 7009)."""

from __future__ import annotations

from aiohttp import web

from ..events import ProcessIntrospection, ProcessRevocation
from ..logs import annotate_request
from ..pipeline import Registry
from ..services import Services
from .endpoint import annotate_client
from .wire import (
    Form,
    introspection_request_of,
    render_introspection,
    render_revocation,
    revocation_request_of,
)


class IntrospectionEndpoint:
    """Tells an authenticated client what a token says, if it is active."""

    def __init__(self, services: Services, registry: Registry) -> None:
        self._authenticator = services.authenticator
        self._reader = services.reader
        self._registry = registry

    async def answer(self, form: Form) -> web.Response:
        """What the reader has read, never what a handler made up."""
        request = introspection_request_of(form)
        event = ProcessIntrospection(request)
        try:
            await self._registry.dispatch(event)
            self._authenticator.vouch(event.authentication, request)
            token = None if event.token is None else self._reader.vouch(event.token, request.token)
            annotate_request(active=token is not None, reason=event.refusal)
            return render_introspection(token, event.members)
        finally:
            annotate_client(event.authentication)


class RevocationEndpoint:
    """Ends a token for the client that it was issued to."""

    def __init__(self, services: Services, registry: Registry) -> None:
        self._authenticator = services.authenticator
        self._registry = registry

    async def answer(self, form: Form) -> web.Response:
        """Empty, whether there was anything to end or not."""
        request = revocation_request_of(form)
        event = ProcessRevocation(request)
        try:
            await self._registry.dispatch(event)
            self._authenticator.vouch(event.authentication, request)
            annotate_request(revoked=event.is_revoked, reason=event.refusal)
            return render_revocation()
        finally:
            annotate_client(event.authentication)
