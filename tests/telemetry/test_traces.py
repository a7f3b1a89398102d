"""A trace tells what ran, below the caller's own span, and nothing that anybody sent."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from apogee_idp import ProcessSignIn, Registry, Services, Stage
from apogee_idp.app import opened_installation
from apogee_idp.errors import SettingsError
from apogee_idp.management.registrations import ClientRegistration
from apogee_idp.settings import Settings
from tests.acting import TESTER
from tests.canary import findings_in
from tests.conftest import StartIdp
from tests.idp import TOKEN_PATH, Idp
from tests.process import environment, free_port, serving
from tests.waiting import until

from .collector import Collector, Span, tree

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
ASKED = f"POST {TOKEN_PATH}"


@pytest.fixture
async def traced(collector: Collector, start_idp: StartIdp) -> Idp:
    return await start_idp(traces="otlp")


async def granted(idp: Idp, **headers: str) -> Idp:
    secret = idp.secrets.get("billing") or await idp.add_client()
    body = f"grant_type=client_credentials&client_id=billing&client_secret={secret}"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await idp.send("POST", TOKEN_PATH, headers=form | headers, data=body)).status == 200
    return idp


async def test_a_token_request_is_a_tree_of_spans(traced: Idp, collector: Collector) -> None:
    """Request, event, handlers, the nested event in the handler that raised it, its handlers."""
    await granted(traced)
    spans = await collector.trace_of(ASKED)
    ran = [row.name for row in traced.installation.registry.registrations()]
    generated = tree(spans)[ASKED]["ProcessSignIn"].pop("generate_token")
    assert tree(spans)[ASKED]["ProcessSignIn"].keys() >= {
        "validate_request",
        "validate_client",
        "validate_permissions",
        "build_principal",
        "set_scopes",
        "set_resources",
        "configure_encryption",
        "attach_parameters",
    }
    assert generated.keys() == {"GenerateToken"}
    assert list(generated["GenerateToken"]) == [
        "attach_claims",
        "attach_security_credentials",
        "write_token",
    ]
    names = {span.name for span in spans} - {ASKED, "ProcessSignIn", "GenerateToken"}
    assert names <= set(ran)


async def test_the_request_says_how_it_ended(traced: Idp, collector: Collector) -> None:
    """By the conventions for HTTP servers."""
    await granted(traced)
    (request,) = [span for span in await collector.trace_of(ASKED) if span.name == ASKED]
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": TOKEN_PATH,
        "http.response.status_code": 200,
    }
    assert request.parent == ""
    assert {"service.name": "apogee-idp"} in collector.resources


async def test_the_callers_trace_goes_on(
    traced: Idp, collector: Collector, log_output: io.StringIO
) -> None:
    """Below his span, and its id is in the log."""
    await granted(traced, traceparent=TRACEPARENT, tracestate="vendor=x", baggage="user=ann")
    (request,) = [span for span in await collector.trace_of(ASKED) if span.name == ASKED]
    assert (request.trace, request.parent) == (TRACE, PARENT)
    events = [json.loads(line) for line in log_output.getvalue().splitlines()]
    assert [event["trace_id"] for event in events if event["event"] == "request_finished"] == [
        TRACE
    ]
    sent = b"".join(collector.bodies)
    assert b"vendor" not in sent
    assert b"ann" not in sent


@pytest.mark.parametrize(
    "traceparent",
    [
        pytest.param("", id="empty"),
        pytest.param("nonsense", id="nonsense"),
        pytest.param(TRACEPARENT.upper(), id="upper case"),
        pytest.param(f"ff-{TRACE}-{PARENT}-01", id="forbidden version"),
        pytest.param(f"00-{'0' * 32}-{PARENT}-01", id="no trace"),
        pytest.param(f"00-{TRACE}-{'0' * 16}-01", id="no span"),
        pytest.param(f"{TRACEPARENT}-more", id="longer than version 00"),
        pytest.param("0" * 5_000, id="long"),
    ],
)
async def test_a_malformed_traceparent_is_ignored(
    traced: Idp, collector: Collector, traceparent: str
) -> None:
    """The request is answered, with a trace of its own."""
    await granted(traced, traceparent=traceparent)
    (request,) = [span for span in await collector.trace_of(ASKED) if span.name == ASKED]
    assert request.parent == ""
    assert request.trace not in (TRACE, "0" * 32)


async def test_two_traceparents_are_none(traced: Idp, collector: Collector) -> None:
    """Nobody says which of them is meant."""
    await traced.send_raw(
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        + f"traceparent: {TRACEPARENT}\r\n".encode() * 2
        + b"\r\n"
    )
    spans = await collector.trace_of("GET /")
    assert {span.trace for span in spans} != {TRACE}


async def test_a_refusal_is_named_and_is_no_error(traced: Idp, collector: Collector) -> None:
    """On the handler that refused, and the event around it."""
    await traced.add_client()
    assert (await traced.grant("billing", "wrong")).error == "invalid_client"
    spans = {span.name: span for span in await collector.trace_of(ASKED)}
    for name in ("validate_client", "ProcessSignIn"):
        assert spans[name].attributes == {"error.type": "invalid_client"}
    assert {span.status for span in spans.values()} == {0}
    assert spans[ASKED].attributes["http.response.status_code"] == 401


async def test_a_fault_is_an_error_by_its_kind_alone(
    collector: Collector, start_idp: StartIdp
) -> None:
    """Its message may quote anything."""

    async def fail(event: ProcessSignIn) -> None:
        raise RuntimeError(f"can't stand {event.request.credentials!r} of a planted-word")

    def register(registry: Registry, services: Services) -> None:
        registry.add(ProcessSignIn, fail, name="fail", order=Stage.SET_SCOPES + 1)

    idp = await start_idp(traces="otlp", register=register)
    assert (await idp.grant("billing", await idp.add_client())).status == 500
    spans = {span.name: span for span in await collector.trace_of(ASKED)}
    assert spans["fail"].attributes == {"error.type": "RuntimeError"}
    assert spans["fail"].status == spans[ASKED].status == 2
    assert "planted-word" not in collector.text


async def test_A_SEC_01_no_secret_is_in_a_span(traced: Idp, collector: Collector) -> None:
    """Nor a token, a client id, a path or a query that somebody made up."""
    secret = await traced.add_client()
    answer = await traced.grant("billing", secret)
    await traced.send("GET", f"/odd-path?secret={secret}")
    await traced.present("introspect", answer.token, "billing", secret)
    for name in (ASKED, "GET unknown", "POST /connect/introspect"):
        await collector.trace_of(name)
    assert findings_in(collector.text) == []
    for text in (secret, answer.token, "billing", "odd-path"):
        assert text not in collector.text


async def test_commands_are_events_of_the_trace(traced: Idp, collector: Collector) -> None:
    """Wherever they come from."""
    clients = traced.installation.management.clients(TESTER)
    await clients.add(ClientRegistration("billing"))

    async def is_told() -> bool:
        return "AddClient" in {span.name for span in collector.spans}

    await until(is_told, 20)


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a collector that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("how", ["refuses", "is silent"])
async def test_a_dead_collector_costs_no_request_anything(
    start_idp: StartIdp, monkeypatch: pytest.MonkeyPatch, silent: int, how: str
) -> None:
    """Spans wait in a bounded queue, then they are lost; and the server ends in time."""
    port = silent if how == "is silent" else free_port()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "32")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "16")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    idp = await start_idp(traces="otlp")
    async with asyncio.timeout(20):
        for _ in range(30):
            await granted(idp)
    loop = asyncio.get_running_loop()
    began = loop.time()
    tracing = idp.installation.telemetry.tracing
    assert tracing is not None
    await tracing.close()
    assert loop.time() - began < 3


def test_a_dead_collector_keeps_no_server_from_ending(tmp_path: Path, silent: int) -> None:
    """With 0, although there are spans that nobody takes."""
    endpoint = f"http://127.0.0.1:{silent}"
    port = free_port()
    env = environment(
        APOGEE_TRACES="otlp", APOGEE_PORT=str(port), OTEL_EXPORTER_OTLP_ENDPOINT=endpoint
    )
    with serving("--dev", env=env, cwd=tmp_path) as server:
        server.wait_for("serving")
        with urllib.request.urlopen(f"http://localhost:{port}/.well-known/jwks") as answer:
            assert answer.status == 200
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 10


async def test_a_header_for_the_collector_that_is_malformed_is_not_quoted(
    collector: Collector,
    start_idp: StartIdp,
    monkeypatch: pytest.MonkeyPatch,
    log_output: io.StringIO,
) -> None:
    """It has a credential, as likely as not."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "the-collectors-secret")
    await start_idp(traces="otlp")
    assert "the-collectors-secret" not in log_output.getvalue()


async def test_an_environment_that_can_not_be_meant_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, key_encryption_key: str
) -> None:
    """And says which."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")
    settings = Settings(traces="otlp", key_encryption_key=(key_encryption_key,), health_port=0)
    with pytest.raises(SettingsError, match=r"OTEL_.*max_queue_size"):
        async with opened_installation(settings):
            pass


async def test_nobody_whom_we_ask_hears_of_the_trace(
    traced: Idp, collector: Collector, http: aiohttp.ClientSession
) -> None:
    """Hosts that a client names are not ours to tell."""
    heard: list[dict[str, str]] = []
    from aiohttp import web
    from aiohttp.test_utils import TestServer

    async def jwks(request: web.Request) -> web.Response:
        heard.append(dict(request.headers))
        return web.json_response({"keys": []})

    app = web.Application()
    app.router.add_get("/jwks", jwks)
    async with TestServer(app) as host:
        tracing = traced.installation.telemetry.tracing
        assert tracing is not None
        from apogee_idp.outgoing import Outgoing

        with tracing.span("ProcessSignIn"):
            async with Outgoing(["127.0.0.1"]) as outgoing:
                await outgoing.get_json(str(host.make_url("/jwks")))
    assert heard
    assert not {"traceparent", "tracestate", "baggage"} & {name.lower() for name in heard[0]}


def test_spans_are_what_they_seem() -> None:
    """The tree of the tests themselves."""
    spans = [
        Span(name, "t", name, parent, 1, 0, {}, 0)
        for name, parent in (("a", "far"), ("b", "a"), ("c", "b"))
    ]
    assert tree(spans) == {"a": {"b": {"c": {}}}}
