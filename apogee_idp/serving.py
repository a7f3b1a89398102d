"""From a built installation to answered requests: sockets, signals, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
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
from .web.application import create_admin_application, create_application
from .web.door import Door
from .web.health import create_health_application
from .web.middleware import surrounded
from .web.server import Listeners, accepting, ignore, listen, listeners_at, terms_of

_HANGING_SECONDS = 1.0
_RETRY_SECONDS = 0.5
_SETTLING_SECONDS = 3.0

Task = Callable[[Installation], Awaitable[None]]


async def serve(
    settings: Settings,
    *,
    announce: Task | None = None,
    listeners: Listeners | None = None,
    meanwhile: Callable[[Installation, Stop], Awaitable[None]] | None = None,
    metrics_directory: Path | None = None,
) -> None:
    """Serves until it is told to stop, drains, answers what is in flight, and returns.

    ``announce`` is awaited once the server is ready, ``meanwhile`` from the beginning to the end.
    Without ``listeners``, it listens at the addresses of the settings. Processes that are given the
    same ``metrics_directory``, empty at first, count together. Raises what ``opened_installation``,
    ``until_ready`` and ``listeners_at`` raise.
    """
    asyncio.get_running_loop().set_exception_handler(LoopErrors(time.monotonic))
    stop = Stop()
    stop.follow_signals()
    async with (
        opened_installation(settings, metrics_directory=metrics_directory) as installation,
        listening(installation, listeners),
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
    installation: Installation, listeners: Listeners | None = None
) -> AsyncIterator[int]:
    """Serves meanwhile, on ``listeners`` or the settings' addresses; yields the public port.

    In the end it stops listening, ends idle connections, and waits up to ``shutdown_timeout`` for
    requests in flight. Raises SettingsError if an address can't be had.
    """
    async with _health_listening(installation), AsyncExitStack() as stack:
        if listeners is not None:
            # Who waits there since another worker has died is answered well, not at once.
            await first_of(installation.until_ready(), asyncio.sleep(_SETTLING_SECONDS))
        listeners = listeners or await listeners_at(installation.settings)
        stack.callback(listeners.close)
        doors = _doors(installation, listeners)
        for door in doors:
            await stack.enter_async_context(door.opened())
        try:
            yield listeners.public[0].getsockname()[1]
        finally:
            installation.readiness.stop()
            await asyncio.gather(*(door.close() for door in doors))


def _doors(installation: Installation, listeners: Listeners) -> list[Door]:
    """One for the public; one for administrators, if they have a port: no flood takes that."""
    desk = Desk(
        installation.management,
        installation.services,
        installation.registry,
        installation.key_encryption_key,
    )
    readiness, telemetry = installation.readiness, installation.telemetry
    applications = [(create_application(desk), listeners.public)]
    if listeners.admin:
        applications.append((create_admin_application(desk), listeners.admin))
    metrics, new_id = telemetry.metrics, installation.services.new_id
    surround = partial(surrounded, telemetry=telemetry, new_id=new_id)
    refused = ignore if metrics is None else metrics.request_refused
    doors = [
        Door(
            application,
            sockets,
            installation.settings,
            surround=surround,
            is_stopping=lambda: readiness.is_stopping,
            refused=refused,
        )
        for application, sockets in applications
    ]
    if metrics is not None:
        metrics.watch_in_flight(lambda: sum(door.in_flight.count for door in doors))
    return doors


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
    async with accepting(application, listeners, terms_of(settings)):
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
