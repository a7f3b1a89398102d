"""What a store with many clients costs, compared with one that has few.

``make bench`` prints, for each kind of request, the median time with both and their ratio.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from apogee_idp.app import Installation, opened_installation
from apogee_idp.logs import configure_logging
from apogee_idp.management.actor import SERVER_ACTOR
from apogee_idp.management.registrations import ClientRegistration
from apogee_idp.model import ADMIN_SCOPE, Client
from apogee_idp.serving import listening
from apogee_idp.settings import Settings
from apogee_idp.stores.repositories import clients_in

FEW, MANY = 10, 10_000
ROUNDS = 15
_AT_ONCE = 100
_CALLER = "zz-caller"


@dataclass(frozen=True)
class Server:
    """A server on a store with so many clients, and one of them that may do all."""

    url: str
    session: aiohttp.ClientSession
    secret: str
    numbers: count[int]

    async def token(self, scope: str) -> str:
        """A token of the caller."""
        form = {"grant_type": "client_credentials", "scope": scope, "client_id": _CALLER}
        form["client_secret"] = self.secret
        async with self.session.post(f"{self.url}/connect/token", data=form) as answer:
            return str((await answer.json())["access_token"])

    async def call(self, method: str, path: str, token: str, body: Any = None) -> None:
        """A request to the management API, which has to succeed."""
        headers = {"Authorization": f"Bearer {token}"}
        options: dict[str, Any] = {} if body is None else {"json": body}
        url = f"{self.url}/api/v1{path}"
        async with self.session.request(method, url, headers=headers, **options) as answer:
            answer.raise_for_status()
            await answer.read()


@asynccontextmanager
async def server_with(number: int) -> AsyncIterator[Server]:
    with tempfile.TemporaryDirectory() as home:
        async with AsyncExitStack() as stack:
            settings = Settings(
                issuer="http://127.0.0.1:1",
                port=0,
                health_port=0,
                store=f"sqlite:///{Path(home) / 'apogee.db'}",
                key_encryption_key=(base64.b64encode(secrets.token_bytes(32)).decode(),),
            )
            configure_logging(settings, logging.NullHandler(), colors=False)
            installation = await stack.enter_async_context(opened_installation(settings))
            port = await stack.enter_async_context(listening(installation))
            await installation.until_ready()
            secret = await _fill(installation, number)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            yield Server(f"http://127.0.0.1:{port}", session, secret, count())


async def _fill(installation: Installation, number: int) -> str:
    repository = clients_in(installation.store)
    for first in range(0, number, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, number))
        await asyncio.gather(
            *(repository.add(Client(f"client-{n:05}", f"Client {n}")) for n in numbers)
        )
    registration = ClientRegistration(_CALLER, scopes=(ADMIN_SCOPE,))
    made = await installation.management.clients(SERVER_ACTOR).add(registration)
    return "" if made.secret is None else made.secret.value


async def milliseconds(ask: Callable[[], Awaitable[object]]) -> float:
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        await ask()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1000


async def measured(server: Server) -> dict[str, float]:
    """The median time of each kind of request."""
    token = await server.token(ADMIN_SCOPE)

    def call(method: str, path: str, body: Any = None) -> Callable[[], Awaitable[None]]:
        return lambda: server.call(method, path, token, body)

    def create() -> Awaitable[None]:
        return server.call("POST", "/clients", token, {"client_id": f"new-{next(server.numbers)}"})

    kinds: dict[str, Callable[[], Awaitable[object]]] = {
        "token": lambda: server.token(ADMIN_SCOPE),
        "get a client": call("GET", "/clients/client-00001"),
        "first page of clients": call("GET", "/clients?limit=50"),
        "search that finds a page": call("GET", "/clients?search=client&limit=50"),
        "search that finds none": call("GET", "/clients?search=nobody"),
        "create a client": create,
    }
    return {kind: await milliseconds(ask) for kind, ask in kinds.items()}


async def main() -> None:
    async with server_with(FEW) as few, server_with(MANY) as many:
        one, other = await measured(few), await measured(many)
    print(f"{'request':<26}  {FEW:>7} clients  {MANY:>7} clients  ratio")
    for kind, taken in one.items():
        print(f"{kind:<26}  {taken:12.2f} ms  {other[kind]:12.2f} ms  {other[kind] / taken:5.2f}")


if __name__ == "__main__":
    asyncio.run(main())
