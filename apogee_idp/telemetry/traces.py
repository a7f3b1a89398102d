"""Spans of requests, events and handlers; the only module that imports OpenTelemetry.

A span has the names of what ran, how it ended and nothing else: no value of a request, no message
of an exception. Of a caller only the ids of his traceparent count; his tracestate and his baggage
go nowhere, and whom we ask in turn is told of no trace.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ..errors import CommandRefused, OAuthError

_FLUSH_SECONDS = 1.0
_PROPAGATOR = TraceContextTextMapPropagator()


class Tracing:
    """Spans, sent to an OTLP collector over HTTP as ``OTEL_*`` in the environment says.

    A thread sends them in batches; where that fails, or takes too long, spans are lost and requests
    notice nothing. Raises ValueError for an environment that can't be meant.
    """

    def __init__(self) -> None:
        # It quotes the header that it can't read, which has the collector's credentials.
        logging.getLogger("opentelemetry.util.re").setLevel(logging.CRITICAL)
        named = Resource({"service.name": "apogee-idp"}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=named, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("apogee_idp")

    @contextmanager
    def request(self, method: str, traceparents: Sequence[str]) -> Iterator[RequestSpan]:
        """Surrounds a request of a caller who sent these headers ``traceparent``."""
        with (
            self._tracer.start_as_current_span(
                method,
                _context_of(traceparents),
                SpanKind.SERVER,
                {"http.request.method": method},
                record_exception=False,
                set_status_on_exception=False,
            ) as span,
            _noting_errors(span),
        ):
            yield RequestSpan(span)

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Surrounds an event, or a handler, of this name."""
        with (
            self._tracer.start_as_current_span(
                name, record_exception=False, set_status_on_exception=False
            ) as span,
            _noting_errors(span),
        ):
            yield

    async def close(self) -> None:
        """Sends what is waiting, if the collector takes it within a second."""
        thread = threading.Thread(target=self._provider.shutdown, name="last-spans", daemon=True)
        thread.start()
        await asyncio.to_thread(thread.join, _FLUSH_SECONDS)


class RequestSpan:
    """The span of a request in progress."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits."""
        return format_trace_id(self._span.get_span_context().trace_id)

    def routed(self, method: str, route: str) -> None:
        """Names it by the route that the request took."""
        self._span.update_name(f"{method} {route}")
        self._span.set_attribute("http.route", route)

    def answered(self, status: int) -> None:
        """Notes the status of the answer."""
        self._span.set_attribute("http.response.status_code", status)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._span.set_status(StatusCode.ERROR)


def _context_of(traceparents: Sequence[str]) -> Context:
    """Trace Context §3.2: what is malformed, or there twice, counts as absent."""
    carrier = {"traceparent": traceparents[0]} if len(traceparents) == 1 else {}
    return _PROPAGATOR.extract(carrier, Context())


@contextmanager
def _noting_errors(span: Span) -> Iterator[None]:
    """Notes the kind of what is raised; a refusal is not an error of this server."""
    try:
        yield
    except OAuthError as refusal:
        span.set_attribute("error.type", refusal.code)
        raise
    except BaseException as error:
        span.set_attribute("error.type", type(error).__name__)
        if not isinstance(error, CommandRefused | asyncio.CancelledError):
            span.set_status(StatusCode.ERROR)
        raise
