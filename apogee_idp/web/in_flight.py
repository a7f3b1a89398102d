"""The requests in progress: bounded, refused at the door beyond that, and waited for at a stop."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext

from aiohttp import web

from ..errors import TemporarilyUnavailable
from ..logs import log_refused
from ..settings import Settings
from .places import Place, Places

RequestHandler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Refuse = Callable[[], web.StreamResponse]

_PATIENCE = 1.0
_PLACE = web.RequestKey("place", Place)
_TELL_SECONDS = 1.0


class InFlight:
    """The requests that have begun and have not been answered yet.

    So many as the settings say are handled at once, and so many more may wait: the others are
    refused. Metadata and keys are exempt: they cost next to nothing, and every API depends on them.
    Once ``is_stopping``, every answer ends its connection. ``refused`` is told of each that is.

    aiohttp, when it stops, no longer listens to a request whose body is still on its way; so a
    server waits here first (``finish``).
    """

    def __init__(
        self, settings: Settings, *, is_stopping: Callable[[], bool], refused: Callable[[], None]
    ) -> None:
        self._places = Places(
            most=settings.requests_in_flight,
            waiting=settings.requests_waiting,
            patience=_PATIENCE,
        )
        self._exempt = ("/.well-known/", f"{settings.issuer_path}/.well-known/")
        self._is_stopping = is_stopping
        self._count = 0
        self._refused = refused
        self._told = _Told()
        self._none = asyncio.Event()
        self._none.set()

    @property
    def count(self) -> int:
        """How many there are."""
        return self._count

    async def finish(self, *, timeout: float) -> None:
        """Waits until all are answered, for ``timeout`` seconds at most."""
        try:
            async with asyncio.timeout(timeout):
                await self._none.wait()
        except TimeoutError:
            return

    def bounded(self, handler: RequestHandler, *, refuse: Refuse) -> RequestHandler:
        """``handler``, but only for as many requests as may be in progress.

        ``refuse`` makes what the others are told, before their bodies are read.
        """

        async def guarded(request: web.BaseRequest) -> web.StreamResponse:
            self._count += 1
            self._none.clear()
            try:
                response = await self._answered(request, handler, refuse)
            except web.HTTPException as redirect:
                self._end_connection(redirect)
                raise
            else:
                self._end_connection(response)
                return response
            finally:
                self._count -= 1
                if self._count == 0:
                    self._none.set()

        return guarded

    async def _answered(
        self, request: web.BaseRequest, handler: RequestHandler, refuse: Refuse
    ) -> web.StreamResponse:
        if request.path.startswith(self._exempt):
            return await handler(request)
        place = request[_PLACE] = Place(self._places)
        try:
            await place.take()
        except TemporarilyUnavailable:
            self._refused()
            self._told.count()
            return refuse()
        try:
            return await handler(request)
        finally:
            place.leave()

    def _end_connection(self, response: web.StreamResponse) -> None:
        if self._is_stopping():
            response.force_close()


class _Told:
    """Counts the refused, and tells of them once a second at most."""

    __slots__ = ("_at", "_number")

    def __init__(self) -> None:
        self._number = 0
        self._at = -math.inf

    def count(self) -> None:
        """One more."""
        self._number += 1
        now = asyncio.get_running_loop().time()
        if now >= self._at + _TELL_SECONDS:
            log_refused(self._number)
            self._number, self._at = 0, now


def lending_place(request: web.BaseRequest) -> AbstractAsyncContextManager[None]:
    """Around waiting for a body that is still on its way: others are answered meanwhile."""
    place: Place | None = request.get(_PLACE)
    if place is None:
        return nullcontext()
    return place.lent()
