"""The servers that are measured: each on a free port of loopback, started and ended here."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import secrets
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from apogee_idp.app import opened_management
from apogee_idp.crypto.secrets import generate_secret
from apogee_idp.logs import log_command_fault
from apogee_idp.management.actor import SERVER_ACTOR
from apogee_idp.management.registrations import ClientRegistration
from apogee_idp.model import Scope, TokenProfile
from apogee_idp.settings import Settings, load_settings

PEERS = Path(__file__).with_name("peers")
SECRET = generate_secret().value
SCOPE = Scope("invoices.read", resources=("https://billing.example",))
KINDS = {
    "RS256": ClientRegistration("billing-rs256", scopes=(SCOPE.name,), skip_token_encryption=True),
    "ES256": ClientRegistration(
        "billing-es256",
        scopes=(SCOPE.name,),
        skip_token_encryption=True,
        token_profile=TokenProfile("ES256"),
    ),
    "ES256 JWE": ClientRegistration(
        "billing-jwe", scopes=(SCOPE.name,), token_profile=TokenProfile("ES256")
    ),
}
"""Our clients, by the kind of token that they get."""

_PORT = re.compile(r'\bport"?:? (\d+)')
_START_SECONDS = 60
_STOP_SECONDS = 30
_COPIES = """
    INSERT INTO applications
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
    SELECT printf('client-%06d', n), version, expires_at, document FROM numbers, applications
    WHERE key = ?
"""


@dataclass(frozen=True)
class Server:
    """A running server: where tokens are had, and its process."""

    token_endpoint: str
    pid: int


def form_of(client_id: str, **more: str) -> dict[str, str]:
    """What a client posts, by ``client_secret_post``."""
    form = {"grant_type": "client_credentials", "scope": SCOPE.name, "client_id": client_id}
    return form | {"client_secret": SECRET} | more


@contextmanager
def apogee_idp(*arguments: str, clients: int = 0) -> Iterator[Server]:
    """``apogee-idp serve`` as in production, on SQLite, with so many clients beside its own."""
    with TemporaryDirectory() as home:
        environment = {
            "APOGEE_PORT": str(free_port()),
            "APOGEE_HEALTH_PORT": str(free_port()),
            "APOGEE_STORE": f"sqlite:///{home}/apogee.db",
            "APOGEE_KEY_ENCRYPTION_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        }
        asyncio.run(_fill(load_settings(environ=environment), clients))
        command = (sys.executable, "-m", "apogee_idp", "serve", *arguments)
        with _running(*command, path="/connect/token", said="serving", **environment) as server:
            yield server


@contextmanager
def oidc_provider() -> Iterator[Server]:
    """The peer ``oidc-provider``, on node."""
    command = ("node", str(PEERS / "oidc_provider.mjs"), "billing", SECRET)
    with _running(*command, path="/token", NODE_ENV="production") as server:
        yield server


@contextmanager
def python_peer(name: str, algorithm: str) -> Iterator[Server]:
    """One of the servers in Python in ``peers``, for tokens of one algorithm."""
    command = (sys.executable, str(PEERS / f"{name}.py"), algorithm, "billing", SECRET)
    with _running(*command, path="/token") as server:
        yield server


@contextmanager
def _running(*command: str, path: str, said: str = "port", **environment: str) -> Iterator[Server]:
    """What it prints goes to a file, as to whoever collects logs."""
    with TemporaryDirectory() as home:
        printed = Path(home) / "printed"
        with printed.open("wb") as output:
            process = subprocess.Popen(
                command, env=_inherited() | environment, stdout=output, stderr=output
            )
        try:
            yield Server(f"http://127.0.0.1:{_port(process, printed, said)}{path}", process.pid)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _port(process: subprocess.Popen[bytes], printed: Path, said: str) -> str:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        text = printed.read_text(encoding="utf-8")
        port = _PORT.search(text)
        if port is not None and said in text:
            return port[1]
        time.sleep(0.05)
    raise RuntimeError(f"{process.args} does not start:\n{printed.read_text(encoding='utf-8')}")


def free_port() -> int:
    """A port of this machine that nobody has just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _inherited() -> Mapping[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("APOGEE_")}


async def _fill(settings: Settings, clients: int) -> None:
    async with opened_management(settings, report=log_command_fault) as management:
        await management.scopes(SERVER_ACTOR).add(SCOPE)
        for registration in KINDS.values():
            await management.clients(SERVER_ACTOR).add(registration, secret=SECRET)
    if clients:
        with closing(sqlite3.connect(settings.sqlite_path or "")) as db, db:
            db.execute(_COPIES, (clients, KINDS["ES256"].client_id))
