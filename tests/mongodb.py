"""A MongoDB-compatible server in a process of its own, and databases in it.

Run as a module it is that process: ``python -m tests.mongodb PORT FOLDER``.
"""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self
from urllib.parse import urlsplit

import pymongo

from .process import free_port

_OPTIONS = "directConnection=true&retryWrites=false&socketTimeoutMS=30000"


class MongoProcess:
    """The server, keeping its data in ``folder``, or in memory."""

    def __init__(
        self, folder: str = ":memory:", *, port: int | None = None, standalone: bool = False
    ) -> None:
        self.port = port or free_port()
        self.uri = f"mongodb://127.0.0.1:{self.port}/?{_OPTIONS}"
        self._kind = "standalone" if standalone else "replica-set"
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Returns when it answers."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(self.port), self._folder, self._kind],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "listening\n"

    def kill(self) -> None:
        """Without any warning to it."""
        self.send(signal.SIGKILL)
        if self._process is not None:
            self._process.communicate()

    def send(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)


class MongoDB:
    """A server that runs; ``uri`` names no database."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    @property
    def port(self) -> int:
        """Where the first of its hosts listens."""
        return urlsplit(self._uri).port or 27017

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        server, _, options = self._uri.partition("?")
        return f"{server.rstrip('/')}/{database}?{options}"

    @contextmanager
    def databases(self) -> Iterator[Databases]:
        """Databases that end with the context."""
        made = Databases(self)
        try:
            yield made
        finally:
            if made.names:
                with pymongo.MongoClient[dict[str, object]](self._uri) as client:
                    for name in made.names:
                        client.drop_database(name)


class Databases:
    """Databases of one test."""

    def __init__(self, server: MongoDB) -> None:
        self._server = server
        self.names: list[str] = []

    def new(self) -> str:
        """The URL of an empty one."""
        self.names.append(f"test_{secrets.token_hex(8)}")
        return self.url

    @property
    def url(self) -> str:
        """The URL of the latest one."""
        return self._server.url(self.names[-1])


def main() -> None:
    """Serves until it is killed."""
    from secantus import SecantusDBServer

    server = SecantusDBServer(
        port=int(sys.argv[1]),
        storage_path=sys.argv[2],
        replica_set_name=None if sys.argv[3] == "standalone" else "test",
        ttl_sweep_seconds=0,  # its sweep stops every client for seconds
    )
    server.start()
    print("listening", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
