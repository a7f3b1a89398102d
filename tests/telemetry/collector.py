"""An OTLP collector, as the exporter sees it: takes spans over HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.waiting import until


@dataclass(frozen=True)
class Span:
    """What came of one span; ``parent`` is the id of another, or "" of none."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    status: int
    attributes: dict[str, Any]
    started: int


class Collector:
    """Keeps what it is sent; ``bodies`` has the bytes."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.resources: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        app = web.Application()
        app.router.add_post("/v1/traces", self._take)
        self._server = TestServer(app)

    @property
    def url(self) -> str:
        return str(self._server.make_url("")).rstrip("/")

    @property
    def text(self) -> str:
        """All that it was sent, as far as it is text."""
        return b"".join(self.bodies).decode("utf-8", "replace")

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    async def trace_of(self, name: str) -> list[Span]:
        """The spans of the trace that has one of this name, once its first span is there."""

        async def complete() -> list[Span] | None:
            for trace in {span.trace for span in self.spans if span.name == name}:
                found = [span for span in self.spans if span.trace == trace]
                known = {span.id for span in found}
                if any(span.kind == 2 and span.parent not in known for span in found):
                    return sorted(found, key=lambda span: span.started)
            return None

        return await until(complete, 20)

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append(_attributes(group.resource.attributes))
            for scope in group.scope_spans:
                self.spans += [
                    Span(
                        span.name,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        span.kind,
                        span.status.code,
                        _attributes(span.attributes),
                        span.start_time_unix_nano,
                    )
                    for span in scope.spans
                ]
        return web.Response(content_type="application/x-protobuf")


def _attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value")
        for pair in pairs
    }


def tree(spans: Iterable[Span]) -> dict[str, Any]:
    """Each span's children by name, in the order in which they began."""
    spans = list(spans)
    ids = {span.id for span in spans}

    def below(parent: Span) -> dict[str, Any]:
        return {span.name: below(span) for span in spans if span.parent == parent.id}

    return {span.name: below(span) for span in spans if span.parent not in ids}
