"""What surrounds every request: one log event, plain errors, security headers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from ..errors import StoreUnavailable
from ..logs import annotate_request, finish_request, log_fault, start_request
from .pages import error_page

if TYPE_CHECKING:
    from ..telemetry.traces import Tracing

REQUEST_ID = web.RequestKey("request_id", str)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECURITY_HEADERS = {
    "Server": "apogee-idp",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def log_requests(
    new_id: Callable[[], str], told: Callable[[Mapping[str, Any]], None] | None
) -> Middleware:
    """One event for each request, whose id is also told to the caller; ``told`` gets it, too."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
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

    return middleware


def trace_requests(tracing: Tracing) -> Middleware:
    """One span for each request, whose trace is told in the log."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        traceparents = request.headers.getall("traceparent", [])
        with tracing.request(_method_of(request), _route_of(request), traceparents) as span:
            annotate_request(trace_id=span.trace_id)
            response = await handler(request)
            span.answered(response.status)
            return response

    return middleware


def _method_of(request: web.Request) -> str:
    return request.method if request.method in _METHODS else "other"


def _route_of(request: web.Request) -> str:
    """The template of the path, never the path itself."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unknown"


@web.middleware
async def render_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A page for people, a problem document (RFC 9457) for programs."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        status, allow = error.status, error.headers.get("Allow")
    except StoreUnavailable as error:
        annotate_request(reason=str(error))
        status, allow = HTTPStatus.SERVICE_UNAVAILABLE, None
    except Exception as error:
        log_fault("request_failed", error)
        status, allow = HTTPStatus.INTERNAL_SERVER_ERROR, None
    response = _rendered(request, HTTPStatus(status))
    if allow is not None:
        response.headers["Allow"] = allow
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "1"
    return response


def _rendered(request: web.Request, status: HTTPStatus) -> web.Response:
    if "text/html" in request.headers.get("Accept", ""):
        return error_page(request, status, status.phrase)
    return web.json_response(
        {"title": status.phrase, "status": int(status)},
        status=status,
        content_type="application/problem+json",
        headers={"Cache-Control": "no-store"},
    )


async def set_security_headers(_: web.Request, response: web.StreamResponse) -> None:
    """On every response, unless the endpoint said something of its own."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = SECURITY_HEADERS["Server"]  # aiohttp set its own before
