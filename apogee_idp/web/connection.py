"""One client connection: nobody keeps it waiting, and errors below HTTP are answered plainly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from aiohttp import EMPTY_PAYLOAD, StreamReader, web
from aiohttp.http import RawRequestMessage

from ..errors import InvalidRequest, OAuthError, ServerError
from ..logs import log_fault, log_malformed_http
from .in_flight import InFlight, RequestHandler
from .middleware import SECURITY_HEADERS
from .refusal import Refusal
from .room import Room
from .wire import render_error

_MOST_BESIDES_BODY = 32 * 1024


def guarded_by(in_flight: InFlight) -> Callable[[RequestHandler], RequestHandler]:
    """What comes before the public application."""
    return lambda handler: in_flight.bounded(refuse_expectations(handler), refuse=Refusal)


def refuse_expectations(handler: RequestHandler) -> RequestHandler:
    """``handler``, but not for requests that expect more than 100-continue (RFC 9110 §10.1.1).

    aiohttp itself would answer those before any middleware, and quote the header.
    """

    async def guarded(request: web.BaseRequest) -> web.StreamResponse:
        expectations = {value.lower() for value in request.headers.getall("Expect", [])}
        if expectations <= {"100-continue"}:
            return await handler(request)
        return _plain(InvalidRequest("That expectation can't be met.", status=417))

    return guarded


def _plain(error: OAuthError) -> web.Response:
    response = render_error(error)
    response.headers.update(SECURITY_HEADERS)
    response.force_close()
    return response


@dataclass(frozen=True, slots=True)
class Terms:
    """What connections are held to: ``most`` at once, with ``seconds`` for what they owe.

    ``malformed`` is told of bytes that never became a request.
    """

    most: int
    seconds: float
    malformed: Callable[[], None]


class Connection(web.RequestHandler):
    """aiohttp's connection, which would wait for ever, and quote the bytes that it choked on.

    Each of these ends it:

    - A head that isn't complete ``terms.seconds`` after it began, the first after the connection.
      (Bodies have their time where they are read; what nobody reads is not waited for.)
    - More than 32 KiB besides the body, in heads, in what frames chunks, and behind them.
    - An answer that isn't taken in that time.
    - A request for another protocol, once it was answered in this one.
    """

    __slots__ = ("_besides", "_head_due", "_payload", "_room", "_taken_due", "_terms")

    def __init__(self, *args: Any, terms: Terms, room: Room, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._terms = terms
        self._room = room
        self._payload: StreamReader = EMPTY_PAYLOAD
        self._besides = 0
        self._head_due: asyncio.TimerHandle | None = None
        self._taken_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Lets it in, if there is room."""
        super().connection_made(transport)
        writing = cast(asyncio.Transport, transport)
        # So that pause_writing() tells of every answer that is not taken, not of large ones alone.
        writing.set_write_buffer_limits(high=0)
        self._await_head()
        if not self._room.enter(self):
            writing.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Nothing is owed any more."""
        self._room.leave(self)
        for due in (self._head_due, self._taken_due):
            if due is not None:
                due.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Follows how requests arrive."""
        payload, heads = self._payload, self._request_count
        was_whole, fed = payload.is_eof(), payload.total_bytes
        super().data_received(data)
        if self._request_count != heads:
            self._head_arrived()
            return
        if data and was_whole and self._head_due is None:
            self._await_head()
        self._besides += len(data) - (payload.total_bytes - fed)
        is_parsed = not (self._reading_paused or self._buffer_paused)
        if is_parsed and self._besides > _MOST_BESIDES_BODY:
            self._refuse("too much besides the body")
            self.force_close()

    def _await_head(self) -> None:
        self._besides = 0
        self._head_due = self._loop.call_later(self._terms.seconds, self._give_up_head)

    def _head_arrived(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None
        message, self._payload = self._messages[-1]
        self._besides = 0
        self._room.ask(self)
        if isinstance(message, RawRequestMessage) and message.upgrade:
            # What stands behind such a request in the same piece of data, aiohttp may lose.
            self.close()

    def _give_up_head(self) -> None:
        if self._besides:
            self._refuse("no head in time")
        if self._current_request is None:
            self.force_close()
        else:
            self.close()  # behind the answer to the request before it

    def pause_writing(self) -> None:
        """An answer is not being taken."""
        super().pause_writing()
        if self.transport is not None:
            self._taken_due = self._loop.call_later(self._terms.seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It was taken."""
        super().resume_writing()
        if self._taken_due is not None:
            self._taken_due.cancel()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Sends it; what a body that was given up still brings is not waited for."""
        if self._close:
            resp.force_close()
        finished = await super().finish_response(request, resp, start_time)
        if resp.status == HTTPStatus.REQUEST_TIMEOUT:
            self.force_close()
        elif not self._messages:
            self._room.rest(self)
        return finished

    def close_if_idle(self) -> None:
        """Ends it between two requests; one that has begun goes on."""
        if self._waiter is not None and not self._waiter.done():
            self.close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 (quotes the request)
    ) -> web.StreamResponse:
        """Fixed words for what never became a request; the connection ends."""
        if request.writer.output_size > 0:
            raise ConnectionError("the response had begun already")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log_fault("connection_failed", exc or RuntimeError())
            return _plain(ServerError(reason="connection failed"))
        self._refuse(type(exc).__name__)
        return _plain(InvalidRequest("The HTTP request is malformed.", status=status))

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Nothing is wrong if a body can't be read to its end because the other side has gone."""
        if self.transport is not None:
            super().log_exception(*args, **kw)

    def _refuse(self, problem: str) -> None:
        log_malformed_http(problem)
        self._terms.malformed()
