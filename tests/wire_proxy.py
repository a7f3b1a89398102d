"""A TCP proxy in front of a MongoDB server that understands enough to go wrong on purpose."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import bson

from .process import free_port

Command = dict[str, Any]
Reply = dict[str, Any]
Edit = Callable[[Reply], Reply]

_HEADER = struct.Struct("<iiii")
_OP_MSG = 2013
NOT_PRIMARY: Reply = {
    "ok": 0.0,
    "errmsg": "not primary",
    "code": 10107,
    "codeName": "NotWritablePrimary",
}


class WireProxy:
    """Passes everything on to ``target``, a port of this machine, until told otherwise."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._faults: dict[str, list[_Fault]] = {}
        self.port = free_port()
        self.commands: list[Command] = []
        self.swallows = False
        self.most_connections = 0

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()

    async def listen(self) -> None:
        """Accepts connections (again)."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def refuse(self) -> None:
        """Ends every connection and accepts none."""
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Ends every connection, and goes on accepting."""
        for writer in self._writers:
            writer.transport.abort()

    def in_front_of(self, url: str) -> str:
        """``url``, by way of this proxy."""
        return urlsplit(url)._replace(netloc=f"127.0.0.1:{self.port}").geturl()

    def lose_reply(self, command: str, *, times: int = 1) -> None:
        """The server does it, but the connection ends before the answer."""
        self._add(command, _Fault(loses_reply=True), times)

    def hold_reply(self, command: str) -> asyncio.Event:
        """The server does it, which the event tells, but the answer never comes."""
        done = asyncio.Event()
        self._add(command, _Fault(holds=done), 1)
        return done

    def slow_down(self, command: str, seconds: float, *, times: int) -> None:
        """The answer takes so much longer."""
        self._add(command, _Fault(delays=seconds), times)

    def answer(self, command: str, reply: Reply, *, times: int = 1) -> None:
        """The server never hears of it."""
        self._add(command, _Fault(answer=reply), times)

    def edit(self, command: str, edit: Edit, *, times: int = 1) -> None:
        """The server does it, and its answer is changed."""
        self._add(command, _Fault(edit=edit), times)

    def forget_faults(self) -> None:
        """All is well from now on, but for answers that are late already."""
        self._faults.clear()

    def named(self, *names: str) -> list[Command]:
        """The commands of these names that came by."""
        return [command for command in self.commands if next(iter(command)) in names]

    def _add(self, command: str, fault: _Fault, times: int) -> None:
        self._faults.setdefault(command, []).extend([fault] * times)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._connect(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting: dict[int, _Fault] = {}
        upstream: asyncio.StreamWriter | None = None
        self._writers.add(writer)
        self.most_connections = max(self.most_connections, len(self._writers))
        try:
            replies, upstream = await asyncio.open_connection("127.0.0.1", self._target)
            pumps = {
                asyncio.create_task(self._pump_up(reader, upstream, writer, waiting)),
                asyncio.create_task(self._pump_down(replies, writer, waiting)),
            }
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            for end in (writer, upstream):
                if end is not None:
                    end.transport.abort()

    async def _pump_up(
        self,
        reader: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
        waiting: dict[int, _Fault],
    ) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                frame = await _read_frame(reader)
                if self.swallows:
                    continue
                fault = self._fault_of(frame)
                if fault is not None and fault.answer is not None:
                    writer.write(_reply_frame(_request_id(frame), fault.answer))
                    continue
                if fault is not None:
                    waiting[_request_id(frame)] = fault
                upstream.write(frame)
                await upstream.drain()

    async def _pump_down(
        self,
        replies: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        waiting: dict[int, _Fault],
    ) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                frame = await _read_frame(replies)
                if self.swallows:
                    continue
                fault = waiting.pop(_response_to(frame), None)
                if fault is not None and fault.loses_reply:
                    return
                if fault is not None and fault.holds is not None:
                    fault.holds.set()
                    continue
                if fault is not None and fault.edit is not None:
                    frame = _reply_frame(_response_to(frame), fault.edit(_body(frame)))
                if fault is not None:
                    await asyncio.sleep(fault.delays)
                writer.write(frame)
                await writer.drain()

    def _fault_of(self, frame: bytes) -> _Fault | None:
        if _opcode(frame) != _OP_MSG:
            return None
        command = _body(frame)
        self.commands.append(command)
        faults = self._faults.get(next(iter(command)))
        return faults.pop(0) if faults else None


@dataclass(frozen=True)
class _Fault:
    loses_reply: bool = False
    holds: asyncio.Event | None = None
    delays: float = 0.0
    answer: Reply | None = None
    edit: Edit | None = None


async def _read_frame(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(_HEADER.size)
    return head + await reader.readexactly(_HEADER.unpack(head)[0] - _HEADER.size)


def _request_id(frame: bytes) -> int:
    return int(_HEADER.unpack_from(frame)[1])


def _response_to(frame: bytes) -> int:
    return int(_HEADER.unpack_from(frame)[2])


def _opcode(frame: bytes) -> int:
    return int(_HEADER.unpack_from(frame)[3])


def _body(frame: bytes) -> dict[str, Any]:
    """The section of kind 0; documents beside it are joined in under their name."""
    position = _HEADER.size + 4
    body: dict[str, Any] = {}
    more: dict[str, Any] = {}
    while position < len(frame):
        kind, (size,) = frame[position], struct.unpack_from("<i", frame, position + 1)
        section = frame[position + 1 : position + 1 + size]
        if kind == 0:
            body = bson.decode(section)
        else:
            name, _, documents = section[4:].partition(b"\0")
            more[name.decode()] = bson.decode_all(documents)
        position += 1 + size
    return body | more


def _reply_frame(response_to: int, reply: Reply) -> bytes:
    body = struct.pack("<i", 0) + b"\0" + bson.encode(reply)
    return _HEADER.pack(_HEADER.size + len(body), 1, response_to, _OP_MSG) + body
