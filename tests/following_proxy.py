"""A TCP proxy that follows readiness, as a Service of Kubernetes does with its pods."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from itertools import count
from typing import Self

import aiohttp

_POLL_SECONDS = 0.1


@dataclass
class Backend:
    """A server, and whether it said, when it was asked last, that requests should be sent to it."""

    port: int
    health: int
    is_ready: bool = False


class FollowingProxy:
    """Gives each new connection to the next server that is ready; one that is there stays there."""

    def __init__(self) -> None:
        self.backends: list[Backend] = []
        self._stack = AsyncExitStack()
        self._turns = count()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._http = await self._stack.enter_async_context(aiohttp.ClientSession())
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)
        self._stack.callback(server.close)
        self.port = server.sockets[0].getsockname()[1]
        polling = asyncio.create_task(self._poll())
        self._stack.callback(polling.cancel)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def until_ready(self, backend: Backend) -> None:
        """Until requests are sent to it."""
        async with asyncio.timeout(60):
            while not backend.is_ready:
                await asyncio.sleep(0.05)

    async def _poll(self) -> None:
        while True:
            await asyncio.gather(*(self._ask(backend) for backend in self.backends))
            await asyncio.sleep(_POLL_SECONDS)

    async def _ask(self, backend: Backend) -> None:
        url = f"http://127.0.0.1:{backend.health}/readyz"
        try:
            async with self._http.get(url, timeout=aiohttp.ClientTimeout(5)) as answer:
                backend.is_ready = answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            backend.is_ready = False

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ready = [backend for backend in self.backends if backend.is_ready]
        chosen = ready[next(self._turns) % len(ready)]
        ends = [writer]
        try:
            answers, upstream = await asyncio.open_connection("127.0.0.1", chosen.port)
            ends.append(upstream)
            pumps = [
                asyncio.create_task(_pump(reader, upstream)),
                asyncio.create_task(_pump(answers, writer)),
            ]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            pass
        finally:
            for end in ends:
                end.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
