"""Where requests come in: bounded, counted, and closed in an orderly way."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from aiohttp import web

from ..settings import Settings
from ..telemetry.metrics import Refusal
from .connection import guarded_by
from .in_flight import InFlight
from .server import Accepting, accepting, terms_of


class Door:
    """One application on its ``sockets``, with its own bounds on connections and requests.

    ``refused`` is told why of each request that doesn't come in.
    """

    def __init__(
        self,
        application: web.Application,
        sockets: Sequence[socket.socket],
        settings: Settings,
        *,
        is_stopping: Callable[[], bool],
        refused: Callable[[Refusal], None],
    ) -> None:
        self.in_flight = InFlight(
            settings, is_stopping=is_stopping, refused=partial(refused, "overload")
        )
        self._application = application
        self._sockets = sockets
        self._refused = refused
        self._settings = settings
        self._accepting: Accepting | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Answers meanwhile; the sockets are closed in the end."""
        terms = terms_of(self._settings, partial(self._refused, "malformed_http"))
        surround = guarded_by(self.in_flight)
        async with accepting(self._application, self._sockets, terms, surround) as opened:
            self._accepting = opened
            yield

    async def close(self) -> None:
        """Lets nobody in any more, and waits ``shutdown_timeout`` for whoever is in."""
        if self._accepting is not None:
            self._accepting.stop()
        await self.in_flight.finish(timeout=self._settings.shutdown_timeout)
