"""A service and its store, each in a process that can be killed and started again."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests.idp import Answer
from tests.mongodb import MongoProcess
from tests.process import Server
from tests.waiting import until

_CLIENT_SECONDS = 20


class Lost(Exception):
    """There was no answer, or a 503: nobody knows whether it was done."""


class Service:
    """HTTP to a port, whichever process has it at the moment."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._http: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=_CLIENT_SECONDS)
        self._http = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def send(self, method: str, path: str, **options: Any) -> Answer:
        """Any request; raises Lost. That anything fails otherwise never happens."""
        try:
            async with self._http.request(method, self._url + path, **options) as response:
                answer = Answer(response.status, response.headers, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Lost from error
        if answer.status == 503:
            raise Lost
        assert answer.status < 500, answer.body
        return answer

    async def form(self, path: str, **fields: str) -> Answer:
        """A form to an endpoint."""
        return await self.send("POST", path, data=fields)


class Deployment(Service):
    """``apogee-idp serve`` and its store, each in a process that can be killed."""

    def __init__(
        self, port: int, env: Mapping[str, str], cwd: Path, database: MongoProcess | None
    ) -> None:
        super().__init__(port)
        self._env = {**env, "APOGEE_PORT": str(port)}
        self._cwd = cwd
        self._database = database
        self._server: Server

    async def __aenter__(self) -> Self:
        await self._start()
        return await super().__aenter__()

    async def __aexit__(self, *_: object) -> None:
        await super().__aexit__()
        await asyncio.to_thread(self._server.stop, signal.SIGKILL)

    async def kill(self, what: str) -> None:
        """SIGKILL of the ``service`` or the ``store``."""
        if what == "store":
            assert self._database is not None
            await asyncio.to_thread(self._database.kill)
            return
        self._server.send(signal.SIGKILL)
        await asyncio.to_thread(self._server.wait)

    async def restart(self, what: str) -> None:
        """Returns once everything is answered again."""
        if what == "store":
            assert self._database is not None
            await asyncio.to_thread(self._database.start)
        else:
            await self._start()
        await until(self._is_well, 30)

    async def _start(self) -> None:
        self._server = Server(env=self._env, cwd=self._cwd)
        await asyncio.to_thread(self._server.wait_for, "serving")

    async def _is_well(self) -> bool:
        """Asked about somebody whom no cache knows."""
        nobody = f"nobody-{secrets.token_hex(8)}"
        try:
            answer = await self.form("/connect/introspect", client_id=nobody, token="x")
        except Lost:
            return False
        return answer.status == 401
