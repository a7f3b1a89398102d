"""One of several processes that serve together: what it is given, and what it tells of itself."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import socket
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .app import Installation
from .development import announce
from .errors import ApogeeError, SettingsError
from .logs import logging_to
from .readiness import Health
from .serving import serve
from .settings import Settings
from .stopping import Stop, held_back
from .web.server import Listeners

_TELL_SECONDS = 0.5
_LARGEST_WORD = 65_536
_STARTING = Health(is_ready=False, problem="starting", is_started=False)


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker is started with.

    ``announces``, whether it prints what ``serve --dev`` prints; ``metrics_directory``, where all
    of them count together, if anybody asks.
    """

    number: int
    settings: Settings
    listeners: Listeners
    announces: bool
    metrics_directory: Path | None


class Worker:
    """A fresh process, which has its sockets of its parent, and no more.

    ``health`` is what it told last, at ``heard_at`` by the event loop's clock; ``refusal``, why it
    can't serve.
    """

    def __init__(self, orders: Orders) -> None:
        self.number = orders.number
        self.health = _STARTING
        self.was_ready = False
        self.refusal: list[str] = []
        self.started_at = self.heard_at = asyncio.get_running_loop().time()
        self._ear, mouth = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ear.setblocking(False)
        mouth.setblocking(False)
        # Not forked: what this process has of locks, loops and threads is of no use in another.
        self._process = multiprocessing.get_context("spawn").Process(
            target=work, args=(orders, mouth), name=f"worker {orders.number}"
        )
        with mouth, held_back():
            self._process.start()

    async def ended(self) -> int:
        """Listens to it until it has ended; its exit code, negative if a signal ended it."""
        loop, gone = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._process.sentinel, gone.set)
        loop.add_reader(self._ear, self._listen)
        try:
            await gone.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
            loop.remove_reader(self._ear)
        self._listen()
        self._ear.close()
        self._process.join()
        return self._process.exitcode or 0

    def send(self, number: int) -> None:
        """A signal, unless it has ended."""
        if self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, number)

    def _listen(self) -> None:
        with suppress(BlockingIOError):
            while True:
                self._note(json.loads(self._ear.recv(_LARGEST_WORD)))

    def _note(self, said: dict[str, Any]) -> None:
        self.heard_at = asyncio.get_running_loop().time()
        if "health" in said:
            self.health = Health(**said["health"])
            self.was_ready |= self.health.is_ready
        else:
            self.refusal = said["refusal"]


def work(orders: Orders, mouth: socket.socket) -> None:
    """The whole life of a worker, in its process; exits with 1 if it can't start or end well."""
    with logging_to(sys.stdout, orders.settings, worker=orders.number):
        serving = serve(
            orders.settings,
            announce=announce if orders.announces else None,
            listeners=orders.listeners,
            meanwhile=partial(_tell, mouth),
            metrics_directory=orders.metrics_directory,
        )
        try:
            asyncio.run(serving)
        except ApogeeError as error:
            refusal = error.problems if isinstance(error, SettingsError) else [str(error)]
            mouth.send(json.dumps({"refusal": refusal}).encode())
            sys.exit(1)


async def _tell(mouth: socket.socket, installation: Installation, stop: Stop) -> None:
    """Says how it is, again and again; stops when nobody is there any more to hear it."""
    while True:
        said = json.dumps({"health": asdict(installation.readiness.health)})
        try:
            mouth.send(said.encode())
        except BlockingIOError:
            pass  # it has not been listened to for a while
        except OSError:
            stop.hurry()
            return
        await asyncio.sleep(_TELL_SECONDS)
