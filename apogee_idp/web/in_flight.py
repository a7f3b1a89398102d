"""Counts the requests in progress, so that a stopping server can wait for them."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware


class InFlight:
    """The requests that have begun and not been answered yet.

    aiohttp, when it stops, no longer listens to a request whose body is still on its way; so the
    server waits here first.
    """

    def __init__(self) -> None:
        self._count = 0
        self._stopping = False
        self._none = asyncio.Event()
        self._none.set()

    @property
    def count(self) -> int:
        """How many there are."""
        return self._count

    async def finish(self, *, timeout: float) -> None:
        """Waits until all are answered, for ``timeout`` seconds at most.

        From now on every answer ends its connection.
        """
        self._stopping = True
        try:
            async with asyncio.timeout(timeout):
                await self._none.wait()
        except TimeoutError:
            return

    @property
    def middleware(self) -> Middleware:
        """Counts around everything else."""

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._count += 1
            self._none.clear()
            try:
                response = await handler(request)
                if self._stopping:
                    response.force_close()
                return response
            finally:
                self._count -= 1
                if self._count == 0:
                    self._none.set()

        return middleware
