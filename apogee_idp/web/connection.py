"""One client connection, with errors below HTTP answered as plainly as all others."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from ..errors import InvalidRequest, ServerError
from ..logs import log_fault, log_malformed_http
from .middleware import SECURITY_HEADERS
from .wire import render_error


class Connection(web.RequestHandler):
    """aiohttp's connection, whose own error texts quote the bytes that they choked on."""

    __slots__ = ()

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
            response = render_error(ServerError(reason="connection failed"))
        else:
            log_malformed_http(type(exc).__name__)
            response = render_error(InvalidRequest("The HTTP request is malformed.", status=status))
        response.headers.update(SECURITY_HEADERS)
        response.force_close()
        return response
