"""Sockets: listening, accepting connections, and letting go of them."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import cast

from aiohttp import web

from ..errors import SettingsError
from ..settings import Settings
from .connection import Connection, Terms, refuse_expectations
from .in_flight import RequestHandler
from .room import Room

_ACCEPTS_AT_ONCE = 32
_BACKLOG = 1024
_CANCEL_SECONDS = 1.0
_KEEPALIVE_SECONDS = 75.0
_LINGERING_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Listeners:
    """Sockets that listen: at ``port``, and at ``admin_port`` if there is one."""

    public: Sequence[socket.socket]
    admin: Sequence[socket.socket] = ()

    def close(self) -> None:
        """Lets go of them in this process."""
        for each in (*self.public, *self.admin):
            each.close()


@dataclass(frozen=True, slots=True)
class Accepting:
    """What accepts connections on some sockets."""

    servers: Sequence[asyncio.Server]
    connections: web.Server

    def stop(self) -> None:
        """Accepts no more, and ends the connections on which nothing is asked at the moment."""
        for server in self.servers:
            server.close()
        for connection in self.connections.connections:
            cast(Connection, connection).close_if_idle()


async def listeners_at(settings: Settings, *, shared: bool = False) -> Listeners:
    """At the addresses of the settings, as ``listen``."""
    public = await listen(settings.host, settings.port, shared=shared)
    if not settings.admin_port:
        return Listeners(public)
    return Listeners(public, await listen(settings.host, settings.admin_port, shared=shared))


async def listen(host: str, port: int, *, shared: bool = False) -> list[socket.socket]:
    """Sockets that listen at the address, one for each of those that ``host`` stands for.

    Connections are queued by the system until somebody accepts them; if the address is ``shared``
    with other sockets that are, it spreads them evenly. Raises SettingsError if the address can't
    be had.
    """
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(
            asyncio.Protocol, host, port, start_serving=False, reuse_port=shared or None
        )
        sockets = [socket.socket(fileno=os.dup(each.fileno())) for each in server.sockets]
        server.close()
        for each in sockets:
            each.listen(_BACKLOG)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no such address"
        problem = (
            f"can't listen on {host}:{port}: {reason}; see host, port, admin_port and health_port"
        )
        raise SettingsError([problem]) from None
    return sockets


def ignore(*_: object) -> None:
    """Nobody counts."""


def terms_of(settings: Settings, malformed: Callable[[], None] = ignore) -> Terms:
    """The settings', and at most three quarters of the file descriptors: the store needs some."""
    most, (descriptors, _) = settings.connections, resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors != resource.RLIM_INFINITY:
        most = min(most, descriptors * 3 // 4)
    return Terms(most, settings.request_timeout, malformed)


@asynccontextmanager
async def accepting(
    application: web.Application,
    sockets: Sequence[socket.socket],
    terms: Terms,
    surround: Callable[[RequestHandler], RequestHandler] = refuse_expectations,
) -> AsyncIterator[Accepting]:
    """Answers on ``sockets``, which are closed in the end; ``surround`` comes before all else."""
    runner = web.AppRunner(application, shutdown_timeout=_CANCEL_SECONDS)
    await runner.setup()
    try:
        connections = cast(web.Server, runner.server)
        connections.request_handler = surround(connections.request_handler)
        async with AsyncExitStack() as stack:
            room = Room(terms.most)
            servers = [await _accept(connections, each, terms, room) for each in sockets]
            for server in servers:
                stack.callback(server.close)
            yield Accepting(servers, connections)
    finally:
        await runner.cleanup()


async def _accept(
    connections: web.Server, listener: socket.socket, terms: Terms, room: Room
) -> asyncio.Server:
    loop = asyncio.get_running_loop()

    def connection() -> Connection:
        return Connection(
            connections,
            loop=loop,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=_KEEPALIVE_SECONDS,
            lingering_time=_LINGERING_SECONDS,
            terms=terms,
            room=room,
        )

    server = await loop.create_server(connection, sock=listener, backlog=_ACCEPTS_AT_ONCE)
    # asyncio takes the backlog also for the number of accepts it tries in one go, which, once file
    # descriptors run out, all fail and are all logged. So the kernel's queue is set apart.
    listener.listen(_BACKLOG)
    return server
