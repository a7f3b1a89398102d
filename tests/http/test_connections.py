"""How many connections there may be, and who has to go when another comes."""

from __future__ import annotations

import asyncio
import resource
import socket
from asyncio import StreamWriter as Writer
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiohttp import web

from apogee_idp.settings import Settings
from apogee_idp.web.connection import Terms
from apogee_idp.web.in_flight import RequestHandler
from apogee_idp.web.refusal import Refusal
from apogee_idp.web.room import Room
from apogee_idp.web.server import Accepting, accepting, listen, terms_of
from tests.conftest import StartIdp
from tests.waiting import until

HEAD = b"GET /.well-known/jwks HTTP/1.1\r\nHost: a\r\n\r\n"


class Guest:
    """Knows whether it has been sent away."""

    def __init__(self) -> None:
        self.has_gone = False

    def force_close(self) -> None:
        self.has_gone = True


async def test_A_DOS_09_another_takes_the_place_of_one_that_asks_nothing(
    start_idp: StartIdp,
) -> None:
    """Of the first that has never asked; who has asked before stays as long as can be."""
    idp = await start_idp(connections=3, request_timeout=60)
    async with AsyncExitStack() as stack:

        async def come(sent: bytes = b"") -> asyncio.StreamReader:
            reader, writer = await asyncio.open_connection("127.0.0.1", idp.port)
            stack.callback(writer.close)
            writer.write(sent)
            if sent:
                await asyncio.wait_for(reader.readuntil(b"]}"), 10)
            return reader

        asked, first, second = await come(HEAD), await come(), await come()
        assert [reader.at_eof() for reader in (asked, first, second)] == [False] * 3
        third = await come(HEAD)
        assert await asyncio.wait_for(first.read(), 10) == b""
        await come(HEAD)
        assert await asyncio.wait_for(second.read(), 10) == b""
        assert not asked.at_eof()
        await come(HEAD)
        assert await asyncio.wait_for(asked.read(), 10) == b""
        assert not third.at_eof()


@asynccontextmanager
async def answering(answer: RequestHandler, told: list[None]) -> AsyncIterator[Accepting]:
    """A server that answers so, with a second's patience and hardly any buffer for its answers.

    ``told`` gets an item for whatever never became a request.
    """
    (listener,) = await listen("127.0.0.1", 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    terms = Terms(most=10, seconds=1, malformed=lambda: told.append(None))
    async with accepting(web.Application(), [listener], terms, lambda _: answer) as opened:
        yield opened


@asynccontextmanager
async def client_of(opened: Accepting) -> AsyncIterator[tuple[asyncio.StreamReader, Writer]]:
    """A connection of somebody who doesn't read further than he has to, and keeps little."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(opened.servers[0].sockets[0].getsockname())
    reader, writer = await asyncio.open_connection(sock=client, limit=1024)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def until_cut_off(opened: Accepting) -> None:
    """The server has no connection any more."""

    async def is_cut_off() -> bool:
        return not opened.connections.connections

    await until(is_cut_off, 20)


async def test_A_HTTP_12_refusals_that_nobody_reads_dont_heap_up() -> None:
    """Who asks without end, and reads no answer, is not heard any more, and cut off."""
    refused: list[Refusal] = []

    async def refuse(_: web.BaseRequest) -> web.StreamResponse:
        refused.append(Refusal())
        return refused[-1]

    async with answering(refuse, []) as opened, client_of(opened) as (reader, writer):
        writer.write(HEAD * 5_000)
        await reader.readexactly(1)
        await until_cut_off(opened)
    assert len(refused) < 2_500


async def test_A_HTTP_12_an_answer_that_nobody_takes() -> None:
    """Also one that is small enough to be kept, and the last on its connection."""

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        response = web.Response(body=b"a" * 50_000)
        response.force_close()
        return response

    async with answering(answer, []) as opened, client_of(opened) as (reader, writer):
        writer.write(HEAD)
        await reader.readexactly(1)
        await until_cut_off(opened)


async def test_A_HTTP_12_half_a_head_ends_no_request_before_it() -> None:
    """One that is being answered is, however long that takes; then the connection ends."""
    told: list[None] = []
    has_begun = asyncio.Event()

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        has_begun.set()

        async def is_given_up() -> bool:
            return bool(told)

        await until(is_given_up, 20)
        return web.Response(body=b"answered")

    async with answering(answer, told) as opened, client_of(opened) as (reader, writer):
        writer.write(HEAD)
        await has_begun.wait()
        writer.write(HEAD[:10])
        assert (await asyncio.wait_for(reader.read(), 20)).endswith(b"answered")


def test_who_is_being_answered_keeps_its_place() -> None:
    """If all are, nobody else comes in."""
    room, guests = Room(2), [Guest() for _ in range(4)]
    for guest in guests[:2]:
        assert room.enter(guest)
        room.ask(guest)
    assert not room.enter(guests[2])
    room.rest(guests[1])
    room.rest(guests[0])
    assert room.enter(guests[2])
    assert [guest.has_gone for guest in guests] == [False, True, False, False]
    room.leave(guests[0])
    assert room.enter(guests[3])
    assert len(room) == 2
    assert not guests[2].has_gone


def test_who_has_gone_takes_no_place() -> None:
    """Whatever is still heard of it."""
    room, guest = Room(1), Guest()
    assert room.enter(guest)
    room.ask(guest)
    room.leave(guest)
    room.leave(guest)
    room.rest(guest)
    room.ask(guest)
    assert len(room) == 0


@pytest.mark.parametrize(
    ("descriptors", "most"), [(100, 75), (2_668, 2_000), (resource.RLIM_INFINITY, 2_000)]
)
def test_some_file_descriptors_are_left(
    monkeypatch: pytest.MonkeyPatch, descriptors: int, most: int
) -> None:
    """For what isn't a connection."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (descriptors, descriptors))
    assert terms_of(Settings()).most == most
