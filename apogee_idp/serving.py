"""From a built installation to answered requests: sockets, signals, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from .app import Installation, opened_installation
from .errors import StoreUnavailable
from .logs import LoopErrors, log_configured_client, log_lifecycle
from .management.actor import SERVER_ACTOR
from .management.configured_clients import ConfiguredClients
from .settings import Settings
from .stopping import Stop, first_of
from .web.api.calls import Desk
from .web.application import create_application
from .web.connection import guarded_by
from .web.health import create_health_application
from .web.in_flight import InFlight
from .web.server import accepting, ignore, listen

_HANGING_SECONDS = 1.0
_RETRY_SECONDS = 0.5
_SETTLING_SECONDS = 3.0

Task = Callable[[Installation], Awaitable[None]]


async def serve(
    settings: Settings,
    *,
    announce: Task | None = None,
    sockets: Sequence[socket.socket] | None = None,
    meanwhile: Callable[[Installation, Stop], Awaitable[None]] | None = None,
    metrics_directory: Path | None = None,
) -> None:
    """Serves until it is told to stop, drains, answers what is in flight, and returns.

    ``announce`` is awaited once the server is ready, ``meanwhile`` from the beginning to the end.
    ``sockets`` listen already; else it listens at the address of the settings. Processes that are
    given the same ``metrics_directory``, empty at first, count together. Raises what
    ``opened_installation``, ``until_ready`` and ``listen`` raise.
    """
    asyncio.get_running_loop().set_exception_handler(LoopErrors(time.monotonic))
    stop = Stop()
    stop.follow_signals()
    async with (
        opened_installation(settings, metrics_directory=metrics_directory) as installation,
        listening(installation, sockets),
    ):
        log_lifecycle("listening", host=settings.host, port=settings.port, issuer=settings.issuer)
        beside = [asyncio.ensure_future(meanwhile(installation, stop))] if meanwhile else []
        await first_of(stop.asked(), _announce_and_follow(installation, announce))
        await _drain(installation, stop)
    for task in beside:
        task.cancel()
    await _abandon_what_hangs()
    log_lifecycle("stopped")


async def _announce_and_follow(installation: Installation, announce: Task | None) -> None:
    await installation.until_ready()
    await _configure_clients(installation)
    if announce is not None:
        await announce(installation)
    log_lifecycle("serving")
    # Shielded: while the server drains, it still follows what others change.
    await asyncio.shield(installation.following)


async def _drain(installation: Installation, stop: Stop) -> None:
    """Not ready any more, but serving, until whoever sends requests must have noticed."""
    installation.readiness.stop()
    log_lifecycle("stopping")
    await stop.hurried(within=installation.settings.drain_seconds)


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


@asynccontextmanager
async def listening(
    installation: Installation, sockets: Sequence[socket.socket] | None = None
) -> AsyncIterator[int]:
    """Serves meanwhile, on ``sockets`` or the settings' address; yields the port.

    In the end it stops listening, ends idle connections, and waits up to ``shutdown_timeout`` for
    requests in flight. Raises SettingsError if the address can't be had.
    """
    settings, readiness = installation.settings, installation.readiness
    desk = Desk(
        installation.management,
        installation.services,
        installation.registry,
        installation.key_encryption_key,
    )
    metrics = installation.telemetry.metrics
    refused = ignore if metrics is None else metrics.request_refused
    in_flight = InFlight(
        settings,
        is_stopping=lambda: readiness.is_stopping,
        refused=partial(refused, "overload"),
    )
    async with _health_listening(installation):
        if sockets:
            # Who waits there since another worker has died is answered well, not at once.
            await first_of(installation.until_ready(), asyncio.sleep(_SETTLING_SECONDS))
        listeners = sockets or await listen(settings.host, settings.port)
        application = create_application(desk, in_flight, installation.telemetry)
        malformed = partial(refused, "malformed_http")
        async with accepting(application, listeners, guarded_by(in_flight), malformed) as server:
            try:
                yield listeners[0].getsockname()[1]
            finally:
                readiness.stop()
                server.stop()
                await in_flight.finish(timeout=settings.shutdown_timeout)


@asynccontextmanager
async def _health_listening(installation: Installation) -> AsyncIterator[None]:
    settings = installation.settings
    if not settings.health_port:
        yield
        return
    metrics = installation.telemetry.metrics
    expose = None if metrics is None else metrics.exposed
    application = create_health_application(lambda: installation.readiness.health, expose)
    listeners = await listen(settings.host, settings.health_port)
    async with accepting(application, listeners):
        yield


async def _abandon_what_hangs() -> None:
    """A plugin's task or thread that does not end must not keep the process alive."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    threads = asyncio.create_task(asyncio.get_running_loop().shutdown_default_executor())
    _, hanging = await asyncio.wait({*rest, threads}, timeout=_HANGING_SECONDS)
    if hanging:
        log_lifecycle("stopped_with_hanging_handlers", count=len(hanging))
        logging.shutdown()
        os._exit(1)
