"""What the OAuth endpoints have in common: a form in, an answer or an OAuth error out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from ..errors import OAuthError, ServerError, StoreError, TemporarilyUnavailable
from ..logs import annotate_request, log_fault
from ..model import Client
from ..requests import ClientAuthentication, PresentedName
from .client_origins import ClientOrigins
from .rate_limit import RateLimit
from .sources import Sources
from .wire import Form, read_form, render_error

Answer = Callable[[Form], Awaitable[web.Response]]


class FormEndpoint:
    """Reads the form within ``timeout`` seconds and lets ``answer`` answer it.

    A lost store is a 503; whatever else goes wrong is a ``server_error``, logged as ``fault``.
    ``sources`` tell where it comes from; ``origins`` open answers to pages in browsers, if any may
    ask. ``strangers`` bounds what is kept for those who only say their name.
    """

    def __init__(
        self,
        answer: Answer,
        sources: Sources,
        *,
        timeout: float,
        fault: str,
        origins: ClientOrigins | None = None,
        strangers: RateLimit | None = None,
    ) -> None:
        self._answer = answer
        self._sources = sources
        self._origins = origins
        self._strangers = strangers
        self._timeout = timeout
        self._fault = fault

    async def handle(self, request: web.Request) -> web.Response:
        """Never raises, but for a cancellation."""
        try:
            source = self._sources.of(request)
            form = await read_form(request, timeout=self._timeout, source=source)
            if self._strangers is not None and isinstance(form.credentials, PresentedName):
                self._strangers.admit(source)
        except OAuthError as error:
            return _refused(request, error)
        response = await self._answered(request, form)
        if self._origins is not None:
            await self._origins.open_to(request, form, response)
        return response

    async def _answered(self, request: web.Request, form: Form) -> web.Response:
        try:
            return await self._answer(form)
        except OAuthError as error:
            refusal = error
        except StoreError as error:
            refusal = TemporarilyUnavailable(reason=str(error))
        except Exception as error:
            log_fault(self._fault, error)
            refusal = ServerError(reason=type(error).__name__)
        return _refused(request, refusal)


def _refused(request: web.Request, refusal: OAuthError) -> web.Response:
    annotate_request(error=refusal.code, reason=refusal.reason)
    response = render_error(refusal)
    if not request.content.is_eof():
        response.force_close()
    return response


def annotate_client(proof: ClientAuthentication | None) -> None:
    """Names the client in the log, once it has authenticated: callers send anything, anywhere."""
    client = getattr(proof, "client", None)
    if isinstance(client, Client):
        annotate_request(client_id=client.client_id)
