"""From a built installation to answered requests: sockets, signals, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import cast

from aiohttp import web

from .app import Installation, opened_installation
from .errors import SettingsError, StoreUnavailable
from .logs import LoopErrors, log_configured_client, log_lifecycle
from .management.actor import SERVER_ACTOR
from .management.configured_clients import ConfiguredClients
from .settings import Settings
from .telemetry.metrics import Metrics
from .web.api.calls import Desk
from .web.application import create_admin_application, create_application
from .web.connection import Connection, refuse_expectations
from .web.health import create_health_application
from .web.in_flight import InFlight

_ACCEPTS_AT_ONCE = 32
_BACKLOG = 1024
_CANCEL_SECONDS = 1.0
_KEEPALIVE_SECONDS = 75.0
_LINGERING_SECONDS = 2.0
_RETRY_SECONDS = 0.5


async def serve(
    settings: Settings,
    *,
    announce: Callable[[Installation], Awaitable[None]] | None = None,
    metrics_directory: Path | None = None,
) -> None:
    """Serves until SIGTERM or SIGINT, then answers what is in flight and returns.

    ``announce`` is awaited once the server is ready. Processes that are given the same
    ``metrics_directory``, empty at first, count together. Raises what ``opened_installation``,
    ``until_ready`` and ``listening`` raise.
    """
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(LoopErrors(time.monotonic))
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    async with (
        opened_installation(settings, metrics_directory=metrics_directory) as installation,
        listening(installation) as port,
    ):
        log_lifecycle("listening", host=settings.host, port=port, issuer=settings.issuer)
        await _first_of(stop.wait(), _announce_and_follow(installation, announce))
        log_lifecycle("stopping")
    await _abandon_what_hangs()
    log_lifecycle("stopped")


async def _announce_and_follow(
    installation: Installation, announce: Callable[[Installation], Awaitable[None]] | None
) -> None:
    await installation.until_ready()
    await _configure_clients(installation)
    if announce is not None:
        await announce(installation)
    log_lifecycle("serving")
    await installation.following


async def _configure_clients(installation: Installation) -> None:
    """Brings the store in line with ``client_files``; what can't be done is told and left."""
    commands = installation.management.clients(SERVER_ACTOR)
    configured = ConfiguredClients(installation.store, commands, installation.configured_clients)
    while installation.configured_clients:
        try:
            for client in await configured.apply():
                log_configured_client(client.client_id, client.outcome, client.problem)
        except StoreUnavailable:
            await asyncio.sleep(_RETRY_SECONDS)  # the follower of the store reports it
        else:
            return


async def _first_of(*awaitables: Awaitable[object]) -> None:
    """Returns, or raises, as soon as one of them does; the others are cancelled."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()


@asynccontextmanager
async def listening(installation: Installation) -> AsyncIterator[int]:
    """Serves on the settings' address meanwhile; yields the port.

    In the end it stops listening and waits up to ``shutdown_timeout`` for requests in flight.
    Raises SettingsError if the address can't be had.
    """
    settings = installation.settings
    in_flight = InFlight()
    desk = Desk(
        installation.management,
        installation.services,
        installation.registry,
        installation.key_encryption_key,
    )
    telemetry = installation.telemetry
    if telemetry.metrics is not None:
        telemetry.metrics.watch_in_flight(lambda: in_flight.count)
    application = create_application(desk, in_flight, telemetry)
    refused = _counting_refusals(telemetry.metrics)
    async with (
        _health_listening(installation),
        _admin_listening(installation, desk, in_flight),
        _accepting(application, settings.host, settings.port, refused) as server,
    ):
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            await in_flight.finish(timeout=settings.shutdown_timeout)


def _counting_refusals(metrics: Metrics | None) -> Callable[[], None]:
    return _ignore if metrics is None else partial(metrics.request_refused, "malformed_http")


def _ignore() -> None:
    """Nobody counts."""


@asynccontextmanager
async def _health_listening(installation: Installation) -> AsyncIterator[None]:
    settings = installation.settings
    if not settings.health_port:
        yield
        return
    metrics = installation.telemetry.metrics
    expose = None if metrics is None else metrics.exposed
    application = create_health_application(installation.readiness, expose)
    async with _accepting(application, settings.host, settings.health_port):
        yield


@asynccontextmanager
async def _admin_listening(
    installation: Installation, desk: Desk, in_flight: InFlight
) -> AsyncIterator[None]:
    settings, telemetry = installation.settings, installation.telemetry
    if not settings.admin_port:
        yield
        return
    application = create_admin_application(desk, in_flight, telemetry)
    refused = _counting_refusals(telemetry.metrics)
    async with _accepting(application, settings.host, settings.admin_port, refused):
        yield


@asynccontextmanager
async def _accepting(
    application: web.Application, host: str, port: int, refused: Callable[[], None] = _ignore
) -> AsyncIterator[asyncio.Server]:
    """``refused`` is told of bytes that never became a request."""
    runner = web.AppRunner(application, shutdown_timeout=_CANCEL_SECONDS)
    await runner.setup()
    try:
        server = await _listen(cast(web.Server, runner.server), host, port, refused)
        try:
            yield server
        finally:
            server.close()
    finally:
        await runner.cleanup()


async def _listen(
    connections: web.Server, host: str, port: int, refused: Callable[[], None]
) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    connections.request_handler = refuse_expectations(connections.request_handler)

    def connection() -> Connection:
        return Connection(
            connections,
            loop=loop,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=_KEEPALIVE_SECONDS,
            lingering_time=_LINGERING_SECONDS,
            refused=refused,
        )

    try:
        server = await loop.create_server(connection, host, port, backlog=_ACCEPTS_AT_ONCE)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no such address"
        problem = (
            f"can't listen on {host}:{port}: {reason}; see host, port, admin_port and health_port"
        )
        raise SettingsError([problem]) from None
    # asyncio takes the backlog also for the number of accepts it tries in one go, which, once file
    # descriptors run out, all fail and are all logged. So the kernel's queue is set apart.
    for listener in server.sockets:
        with socket.socket(fileno=os.dup(listener.fileno())) as twin:
            twin.listen(_BACKLOG)
    return server


async def _abandon_what_hangs() -> None:
    """A plugin's task or thread that does not end must not keep the process alive."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    threads = asyncio.create_task(asyncio.get_running_loop().shutdown_default_executor())
    _, hanging = await asyncio.wait({*rest, threads}, timeout=_CANCEL_SECONDS)
    if hanging:
        log_lifecycle("stopped_with_hanging_handlers", count=len(hanging))
        logging.shutdown()
        os._exit(1)
