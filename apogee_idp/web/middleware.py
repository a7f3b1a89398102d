"""What surrounds every request: one log event, plain errors, security headers.

These are no middlewares of aiohttp, which cost more than they do.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from ..errors import StoreUnavailable
from ..logs import annotate_request, finish_request, log_fault, start_request
from ..telemetry.opening import Telemetry
from .in_flight import RequestHandler
from .pages import error_page

if TYPE_CHECKING:
    from ..telemetry.traces import Tracing

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_ID = web.RequestKey("request_id", str)
PROBLEM_MEDIA_TYPE = "application/problem+json"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECURITY_HEADERS = {
    "Server": "apogee-idp",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def surrounded(
    application: RequestHandler, telemetry: Telemetry, new_id: Callable[[], str]
) -> RequestHandler:
    """``application`` as it is asked by aiohttp, with all that surrounds every request."""
    handler = _render_errors(application)
    if telemetry.tracing is not None:
        handler = _trace_requests(handler, telemetry.tracing)
    metrics = telemetry.metrics
    told = None if metrics is None else metrics.request_finished
    return cast(RequestHandler, _log_requests(handler, new_id, told))


def _log_requests(
    handler: Handler, new_id: Callable[[], str], told: Callable[[Mapping[str, Any]], None] | None
) -> Handler:
    """One event for each request, whose id is also told to the caller; ``told`` gets it, too."""

    async def logged(request: web.Request) -> web.StreamResponse:
        request_id = request[REQUEST_ID] = new_id()
        start_request(request_id)
        started = time.perf_counter()
        status = 0
        try:
            response = await handler(request)
            status = response.status
            response.headers["X-Request-Id"] = request_id
            return response
        finally:
            event = finish_request(
                method=_method_of(request),
                route=_route_of(request),
                status=status,
                duration_ms=round((time.perf_counter() - started) * 1000, 2),
            )
            if told is not None:
                told(event)

    return logged


def _trace_requests(handler: Handler, tracing: Tracing) -> Handler:
    """One span for each request, whose trace is told in the log."""

    async def traced(request: web.Request) -> web.StreamResponse:
        traceparents = request.headers.getall("traceparent", [])
        method = _method_of(request)
        with tracing.request(method, traceparents) as span:
            annotate_request(trace_id=span.trace_id)
            try:
                response = await handler(request)
                span.answered(response.status)
                return response
            finally:
                span.routed(method, _route_of(request))

    return traced


def _method_of(request: web.Request) -> str:
    return request.method if request.method in _METHODS else "other"


def _route_of(request: web.Request) -> str:
    """The template of the path, never the path itself."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unknown"


def _render_errors(application: RequestHandler) -> Handler:
    """A page for people, a problem document (RFC 9457) for programs."""

    async def rendered(request: web.Request) -> web.StreamResponse:
        try:
            response = await application(request)
        except web.HTTPException as error:
            if error.status < HTTPStatus.BAD_REQUEST:
                _secure(error)
                raise
            response = _rendered(request, error.status, allow=error.headers.get("Allow"))
        except StoreUnavailable as error:
            annotate_request(reason=str(error))
            response = _rendered(request, HTTPStatus.SERVICE_UNAVAILABLE)
            response.headers["Retry-After"] = "1"
        except Exception as error:
            log_fault("request_failed", error)
            response = _rendered(request, HTTPStatus.INTERNAL_SERVER_ERROR)
        _secure(response)
        return response

    return rendered


def _rendered(request: web.Request, status: int, *, allow: str | None = None) -> web.Response:
    phrase = HTTPStatus(status).phrase
    if "text/html" in request.headers.get("Accept", ""):
        response = error_page(request, status, phrase)
    else:
        response = web.json_response(
            {"title": phrase, "status": status},
            status=status,
            content_type=PROBLEM_MEDIA_TYPE,
            headers={"Cache-Control": "no-store"},
        )
    if allow is not None:
        response.headers["Allow"] = allow
    return response


def _secure(response: web.StreamResponse) -> None:
    """Says what every response says, unless the endpoint said something of its own."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
