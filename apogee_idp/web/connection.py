"""One client connection, with errors below HTTP answered as plainly as all others."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web

from ..errors import InvalidRequest, OAuthError, ServerError
from ..logs import log_fault, log_malformed_http
from .in_flight import InFlight, RequestHandler
from .middleware import SECURITY_HEADERS
from .refusal import Refusal
from .wire import render_error


def guarded_by(in_flight: InFlight) -> Callable[[RequestHandler], RequestHandler]:
    """What comes before the public application."""
    return lambda handler: in_flight.bounded(refuse_expectations(handler), refuse=Refusal)


def refuse_expectations(handler: RequestHandler) -> RequestHandler:
    """``handler``, but not for requests that expect more than 100-continue (RFC 9110 §10.1.1).

    aiohttp itself would answer those before any middleware, and quote the header.
    """

    async def guarded(request: web.BaseRequest) -> web.StreamResponse:
        expectations = {value.lower() for value in request.headers.getall("Expect", [])}
        if expectations <= {"100-continue"}:
            return await handler(request)
        return _plain(InvalidRequest("That expectation can't be met.", status=417))

    return guarded


def _plain(error: OAuthError) -> web.Response:
    response = render_error(error)
    response.headers.update(SECURITY_HEADERS)
    response.force_close()
    return response


class Connection(web.RequestHandler):
    """aiohttp's connection, whose own error texts quote the bytes that they choked on.

    ``refused`` is told of bytes that never became a request.
    """

    __slots__ = ("_refused",)

    def __init__(self, *args: Any, refused: Callable[[], None], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._refused = refused

    def close_if_idle(self) -> None:
        """Ends it between two requests; one that has begun goes on."""
        if self._waiter is not None and not self._waiter.done():
            self.close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 (quotes the request)
    ) -> web.StreamResponse:
        """Fixed words for what never became a request; the connection ends."""
        if request.writer.output_size > 0:
            raise ConnectionError("the response had begun already")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log_fault("connection_failed", exc or RuntimeError())
            return _plain(ServerError(reason="connection failed"))
        log_malformed_http(type(exc).__name__)
        self._refused()
        return _plain(InvalidRequest("The HTTP request is malformed.", status=status))
