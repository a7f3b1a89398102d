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
from .in_flight import InFlight, RequestHandler
from .server import Accepting, accepting, terms_of


class Door:
    """One application on its ``sockets``, with its own bounds on connections and requests.

    ``surround`` is what each request passes that comes in; ``refused`` is told why of each that
    doesn't.
    """

    def __init__(
        self,
        application: web.Application,
        sockets: Sequence[socket.socket],
        settings: Settings,
        *,
        surround: Callable[[RequestHandler], RequestHandler],
        is_stopping: Callable[[], bool],
        refused: Callable[[Refusal], None],
    ) -> None:
        self.in_flight = InFlight(
            settings, is_stopping=is_stopping, refused=partial(refused, "overload")
        )
        self._application = application
        self._sockets = sockets
        self._surround = surround
        self._refused = refused
        self._settings = settings
        self._accepting: Accepting | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Answers meanwhile; the sockets are closed in the end."""
        terms = terms_of(self._settings, partial(self._refused, "malformed_http"))
        async with accepting(self._application, self._sockets, terms, self._guarded) as opened:
            self._accepting = opened
            yield

    def _guarded(self, handler: RequestHandler) -> RequestHandler:
        return guarded_by(self.in_flight)(self._surround(handler))

    async def close(self) -> None:
        """Lets nobody in any more, and waits ``shutdown_timeout`` for whoever is in."""
        if self._accepting is not None:
            self._accepting.stop()
        await self.in_flight.finish(timeout=self._settings.shutdown_timeout)
