"""What is left of a server's throughput when five times as much is asked of it.

``make bench`` prints grants a second at the peak, and at five times that rate, on Linux: the server
on one core, the generator on another. Once with a capacity that is bounded by waiting (a handler
that takes 20 ms, eight requests at once), where refusing costs next to nothing beside it; and once
by the server's own processor.
"""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from apogee_idp.app import changes_in, now, opened_store
from apogee_idp.management.actor import SERVER_ACTOR
from apogee_idp.management.clients import ClientCommands
from apogee_idp.management.registrations import ClientRegistration
from apogee_idp.settings import Settings

from .servers import free_port

SECONDS = 5.0
TIMES = 5
_CONNECTIONS = 1500  # more than are handled and may wait, at the defaults
_PLUGIN = """
import asyncio
from apogee_idp import ProcessSignIn, Stage

async def take_time(event):
    await asyncio.sleep(0.02)

def register(registry, services):
    registry.add(ProcessSignIn, take_time, name="take_time", order=Stage.GENERATE_TOKEN - 1)
"""


@dataclass
class Outcome:
    """What came of one run."""

    granted: int = 0
    refused: int = 0
    seconds: list[float] = field(default_factory=list)


class Generator:
    """Sends token requests on kept connections, as they are due or as fast as they are answered."""

    def __init__(self, port: int, request: bytes) -> None:
        self._port = port
        self._request = request

    async def closed(self, connections: int) -> Outcome:
        """Each connection asks again once it was answered: the peak."""
        outcome = Outcome()
        until = time.monotonic() + SECONDS
        due: asyncio.Queue[None] | None = None
        await asyncio.gather(*(self._ask(outcome, until, due) for _ in range(connections)))
        return outcome

    async def open(self, per_second: float) -> Outcome:
        """So many a second, whatever becomes of those before."""
        outcome, due = Outcome(), asyncio.Queue[None]()
        until = time.monotonic() + SECONDS
        asking = [asyncio.create_task(self._ask(outcome, until, due)) for _ in range(_CONNECTIONS)]
        began, sent = time.monotonic(), 0
        while time.monotonic() < until:
            await asyncio.sleep(0.005)
            owed = int((time.monotonic() - began) * per_second) - sent
            for _ in range(owed):
                due.put_nowait(None)
            sent += owed
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        return outcome

    async def _ask(self, outcome: Outcome, until: float, due: asyncio.Queue[None] | None) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            while time.monotonic() < until:
                if due is not None:
                    await due.get()
                began = time.monotonic()
                writer.write(self._request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                if head.startswith(b"HTTP/1.1 200"):
                    outcome.granted += 1
                    outcome.seconds.append(time.monotonic() - began)
                else:
                    outcome.refused += 1
        finally:
            writer.close()


@asynccontextmanager
async def _server(variables: Mapping[str, str]) -> AsyncIterator[Generator]:
    """On the first core; this process moves to the last."""
    cores = sorted(os.sched_getaffinity(0))
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "bench_plugin.py").write_text(_PLUGIN)
        store = f"sqlite:///{Path(home) / 'apogee.db'}"
        environment = os.environ | {
            "PYTHONPATH": home,
            "APOGEE_STORE": store,
            "APOGEE_PORT": str(port),
            "APOGEE_HEALTH_PORT": "0",
            "APOGEE_DRAIN_SECONDS": "0",
            "APOGEE_KEY_ENCRYPTION_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        }
        quiet = asyncio.subprocess.DEVNULL
        command = (sys.executable, "-m", "apogee_idp", "serve")
        process = await asyncio.create_subprocess_exec(
            *command, env=environment | dict(variables), stdout=quiet
        )
        os.sched_setaffinity(process.pid, cores[:1])
        os.sched_setaffinity(0, cores[-1:])
        try:
            yield Generator(port, await _request(store, port))
        finally:
            process.terminate()
            await process.wait()
            os.sched_setaffinity(0, cores)


async def _request(store_url: str, port: int) -> bytes:
    """A request of a client that has just been made, once it is answered."""
    async with opened_store(Settings(store=store_url)) as store:
        commands = ClientCommands(store, now=now, changes=changes_in(store), actor=SERVER_ACTOR)
        made = await commands.add(ClientRegistration("bench", skip_token_encryption=True))
    secret = "" if made.secret is None else made.secret.value
    form = {"grant_type": "client_credentials", "client_id": "bench", "client_secret": secret}
    body = urlencode(form)
    request = (
        "POST /connect/token HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            line = await reader.readline()
            writer.close()
            if b" 200 " in line:
                return request
        except OSError:
            pass
        await asyncio.sleep(0.1)


async def main() -> None:
    waiting = {
        "APOGEE_PLUGINS": "bench_plugin:register",
        "APOGEE_REQUESTS_IN_FLIGHT": "8",
        "APOGEE_REQUESTS_WAITING": "16",
    }
    print(
        f"{'bounded by':<12}  {'peak':>6}  {'at 5 x':>6}  {'left':>5}  {'refused':>8}  p50 at 5 x"
    )
    for name, variables in (("waiting", waiting), ("processor", {})):
        async with _server(variables) as generator:
            peak = (await generator.closed(32)).granted / SECONDS
            flooded = await generator.open(TIMES * peak)
        left, refused = flooded.granted / SECONDS, flooded.refused / SECONDS
        median = statistics.median(flooded.seconds or [0.0]) * 1000
        print(
            f"{name:<12}  {peak:4.0f}/s  {left:4.0f}/s  {left / peak:4.0%}  {refused:6.0f}/s"
            f"  {median:6.0f} ms"
        )


if __name__ == "__main__":
    asyncio.run(main())
