"""The real server that is attacked: a process of its own, with somebody who uses it meanwhile."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from jwcrypto import jwk

from apogee_idp.app import opened_store
from apogee_idp.settings import Settings
from tests.durability.deployment import Service
from tests.durability.scene import Scene
from tests.idp import ISSUER
from tests.process import Server, environment, free_port, serving
from tests.waiting import starved_seconds, wait_until

from .raw import Raw, head, with_body

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Target:
    """The server, and what an honest client knows of it."""

    server: Server
    port: int
    store: str
    secrets: dict[str, str] = field(repr=False)
    key: jwk.JWK = field(repr=False)

    def form(self, client_id: str = "machine", **parameters: str) -> bytes:
        """A client credentials request's body."""
        secret = self.secrets[client_id]
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        return urlencode(form | parameters).encode()

    def token(self, client_id: str) -> str:
        """An access token."""
        with Raw(self.port) as raw:
            raw.send(with_body(self.form(client_id)))
            answer = raw.answer()
        assert answer is not None
        return answer.token

    @property
    def resident_bytes(self) -> int:
        """The memory that its process has."""
        return int(self._proc("statm").split()[1]) * _PAGE

    @property
    def processor_seconds(self) -> float:
        """What it has used of the processor."""
        fields = self._proc("stat").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def starved_seconds(self) -> float:
        """What its event loop has waited for a processor that others had."""
        return starved_seconds(self.server.pid)

    @property
    def descriptors(self) -> int:
        """How many files and sockets it has open."""
        return len(list(Path(f"/proc/{self.server.pid}/fd").iterdir()))

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self.server.pid}/{name}").read_text(encoding="ascii")


async def prepared(database: Path) -> Scene:
    """The clients in that database."""
    async with opened_store(Settings(store=f"sqlite:///{database}")) as store:
        scene = Scene(store, Service(0))
        await scene.prepare()
        return scene


@contextmanager
def attacked(database: Path, key: str, **variables: str) -> Iterator[Target]:
    """A server on that database; it has to stop in order, and to have logged no error."""
    scene = asyncio.run(prepared(database))
    store = f"sqlite:///{database}"
    port = free_port()
    env = environment(
        APOGEE_ISSUER=ISSUER,
        APOGEE_PORT=str(port),
        APOGEE_STORE=store,
        APOGEE_KEY_ENCRYPTION_KEY=key,
        APOGEE_LOG_LEVEL="error",
        **variables,
    )
    with serving(env=env, cwd=database.parent) as server:
        _wait_for(port)
        yield Target(server, port, store, scene.secrets, scene.key)
    assert server.output == [], "".join(server.output)


def _wait_for(port: int) -> None:
    """Until it has keys: its log, which has errors alone, doesn't say."""

    def has_keys() -> bool:
        with suppress(ConnectionError), Raw(port) as raw:
            raw.send(head(start="GET /.well-known/jwks HTTP/1.1"))
            answer = raw.answer(to="GET")
            return answer is not None and answer.status == 200
        return False

    wait_until(has_keys, 60)
