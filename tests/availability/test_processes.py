"""Processes that share a store: what one changes the others obey; none needs it to start."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pymongo
import pytest

from apogee_idp.app import opened_store
from apogee_idp.settings import Settings
from apogee_idp.stores.repositories import load_key_ring
from tests.canary import PLANTED, findings_in
from tests.conftest import NewStoreUrl, StartIdp
from tests.mongodb import Databases, MongoDB, MongoProcess
from tests.process import MODULE, Server, environment, free_port, run, serving
from tests.waiting import until
from tests.wire_proxy import WireProxy

from .conftest import servers

BOUND = 2.0
"""Seconds within which every process obeys a change."""

HEADERS = ("Retry-After", "Cache-Control")
Env = dict[str, str]


@pytest.fixture(scope="module")
def ports(lasting_env: Env, home: Path) -> Iterator[list[int]]:
    """Two servers on one store."""
    with servers(2, lasting_env, home) as ports:
        yield ports


async def command(env: Env, cwd: Path, *arguments: str) -> Any:
    done = await asyncio.to_thread(run, *arguments, env=env, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if "--json" in arguments else None


async def grant(
    http: aiohttp.ClientSession, port: int, client_id: str, secret: str, **form: str
) -> tuple[int, Any]:
    form |= {"grant_type": "client_credentials"}
    credentials = {"client_id": client_id, "client_secret": secret}
    url = f"http://127.0.0.1:{port}/connect/token"
    async with http.post(url, data=form | credentials) as answer:
        return answer.status, await answer.json()


def answers(question: Callable[[], Awaitable[Any]], expected: Any) -> Callable[[], Awaitable[bool]]:
    async def is_expected() -> bool:
        return bool(await question() == expected)

    return is_expected


async def test_F_CA_01_a_change_is_obeyed_by_all_within_two_seconds(
    lasting_env: Env, ports: list[int], home: Path, http: aiohttp.ClientSession
) -> None:
    """A new client, a new secret, a deleted scope, a deleted client; told by another process."""
    clients = ("clients", "create", "billing", "--scope", "invoices.read", "--json")
    # Asked for in vain before: "unknown" must not be remembered either.
    for port in ports:
        assert (await grant(http, port, "billing", "wrong"))[0] == 401
    secret = (await command(lasting_env, home, *clients))["client_secret"]

    async def statuses(secret: str, scope: str = "invoices.read") -> list[int]:
        answers = [await grant(http, port, "billing", secret, scope=scope) for port in ports]
        return [status for status, _ in answers]

    await until(answers(lambda: statuses(secret), [200, 200]), BOUND)
    rotated = await command(lasting_env, home, "clients", "rotate-secret", "billing", "--json")
    new = rotated["client_secret"]
    await until(answers(lambda: statuses(secret), [401, 401]), BOUND)
    assert await statuses(new) == [200, 200]
    await command(lasting_env, home, "scopes", "delete", "invoices.read")
    await until(answers(lambda: statuses(new), [400, 400]), BOUND)
    await command(lasting_env, home, "clients", "delete", "billing")
    await until(answers(lambda: statuses(new), [401, 401]), BOUND)


async def test_A_PIPE_1_one_clients_choice_is_its_own_in_every_process(
    lasting_env: Env, ports: list[int], home: Path, http: aiohttp.ClientSession
) -> None:
    """Over two processes on one database: 200 requests each, interleaved."""
    plain = ("clients", "create", "plain", "--skip-token-encryption", "--json")
    sealed = ("clients", "create", "sealed", "--json")
    made = [await command(lasting_env, home, *arguments) for arguments in (plain, sealed)]
    known = {client["client_id"]: client["client_secret"] for client in made}
    asked = [(client_id, port) for _ in range(100) for client_id in known for port in ports]
    answers = await asyncio.gather(*(grant(http, port, c, known[c]) for c, port in asked))
    for (client_id, _), (status, answer) in zip(asked, answers, strict=True):
        assert status == 200
        assert answer["access_token"].count(".") == (2 if client_id == "plain" else 4)


class Later:
    """A store that is not there yet."""

    def __init__(self, backend: str, folder: Path) -> None:
        self._folder = folder / "later"
        self._database = MongoProcess()
        self.is_mongodb = backend == "mongodb"
        self.url = f"sqlite:///{self._folder}/apogee.db"
        if self.is_mongodb:
            self.url = MongoDB(self._database.uri).url("apogee")

    def come(self) -> None:
        self._database.start() if self.is_mongodb else self._folder.mkdir()

    def go(self) -> None:
        self._database.kill()


@pytest.fixture
def later(backend: str, tmp_path: Path) -> Iterator[Later]:
    store = Later(backend, tmp_path)
    yield store
    store.go()


@dataclass
class Waiting:
    """A server that was started before its store, and the means to ask it."""

    env: Env
    server: Server
    later: Later
    port: int
    health: int
    http: aiohttp.ClientSession

    async def get(self, path: str) -> tuple[int, dict[str, str], Any]:
        port = self.health if path in ("/livez", "/readyz") else self.port
        async with self.http.get(f"http://127.0.0.1:{port}{path}") as answer:
            kept = {name: answer.headers[name] for name in HEADERS if name in answer.headers}
            return answer.status, kept, await answer.json()


@pytest.fixture
async def waiting(
    later: Later, tmp_path: Path, key_encryption_key: str, http: aiohttp.ClientSession
) -> AsyncIterator[Waiting]:
    port, health = free_port(), free_port()
    env = environment(
        APOGEE_STORE=later.url,
        APOGEE_PORT=str(port),
        APOGEE_HEALTH_PORT=str(health),
        APOGEE_KEY_ENCRYPTION_KEY=key_encryption_key,
    )
    with serving(env=env, cwd=tmp_path) as server:
        await asyncio.to_thread(server.wait_for, "listening")
        yield Waiting(env, server, later, port, health, http)


async def test_F_DB_04_without_a_store_a_process_is_up_and_says_why_it_is_not_ready(
    waiting: Waiting,
) -> None:
    """Alive; what needs the store is a 503 to come back to, what doesn't is answered."""
    why = "no primary: " if waiting.later.is_mongodb else "SQLite can't open"

    async def says_why() -> bool:
        status, headers, told = await waiting.get("/readyz")
        assert (status, told["status"]) == (503, "not ready")
        assert headers == {"Cache-Control": "no-store"}
        return why in told["problem"]

    await until(says_why, 5)
    assert (await waiting.get("/livez"))[0] == 200
    status, headers, _ = await waiting.get("/.well-known/jwks")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert (await waiting.get("/.well-known/openid-configuration"))[0] == 200
    status, refusal = await grant(waiting.http, waiting.port, "billing", "x")
    assert (status, refusal["error"]) == (503, "temporarily_unavailable")
    waiting.server.stop()
    told = [event for event in waiting.server.events() if event["event"] == "store_unavailable"]
    assert len(told) == 1
    reasons = {event.get("reason") for event in waiting.server.events()}
    assert "the keys were not loaded yet" in reasons


async def test_F_DB_04_a_store_that_comes_later_is_used(waiting: Waiting, tmp_path: Path) -> None:
    """By itself, within five seconds, told once."""
    assert (await waiting.get("/readyz"))[0] == 503
    waiting.later.come()

    async def is_ready() -> bool:
        status, _, told = await waiting.get("/readyz")
        return (status, told) == (200, {"status": "ready", "problem": None})

    await until(is_ready, 5)
    assert (await waiting.get("/.well-known/jwks"))[0] == 200
    made = await command(waiting.env, tmp_path, "clients", "create", "billing", "--json")

    async def is_granted() -> bool:
        secret = made["client_secret"]
        return (await grant(waiting.http, waiting.port, "billing", secret))[0] == 200

    await until(is_granted, BOUND)
    waiting.server.stop()
    told = [event["event"] for event in waiting.server.events()]
    assert told.count("store_available") == 1


async def test_F_KEY_04_keys_that_can_not_be_opened_end_the_start(
    new_store_url: NewStoreUrl, key_encryption_key: str, tmp_path: Path
) -> None:
    """With one clear line, and the key set as it was."""
    env = environment(
        APOGEE_ISSUER="https://idp.example",
        APOGEE_STORE=await new_store_url(),
        APOGEE_KEY_ENCRYPTION_KEY=key_encryption_key,
    )
    wrong = "A" * 43 + "="
    done = await asyncio.to_thread(
        run,
        "serve",
        "--port",
        str(free_port()),
        env=env | {"APOGEE_KEY_ENCRYPTION_KEY": wrong},
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert "no key-encryption key opens" in done.stderr
    assert (await asyncio.to_thread(run, "check", env=env, cwd=tmp_path)).returncode == 0


@pytest.mark.parametrize("database", ["absent", "refusing", "misspelt"])
async def test_A_SEC_01_the_databases_password_is_never_shown(
    tmp_path: Path, key_encryption_key: str, mongodb: MongoDB, database: str
) -> None:
    """Neither of a server that isn't there, nor of one that refuses it, nor of a broken URL."""
    password = f"hush{secrets.token_hex(8)}"
    PLANTED.add(password)
    address = {
        "absent": f"{password}@127.0.0.1:{free_port()}/db",
        "refusing": f"{password}@127.0.0.1:{mongodb.port}/db?directConnection=true&authSource=db",
        "misspelt": f"{password}/x@host/db",
    }[database]
    env = environment(
        APOGEE_STORE=f"mongodb://apogee:{address}",
        APOGEE_PORT=str(free_port()),
        APOGEE_KEY_ENCRYPTION_KEY=key_encryption_key,
    )
    commands = (["check"], ["clients", "list"], ["db", "status"])
    asked = (asyncio.to_thread(run, *arguments, env=env, cwd=tmp_path) for arguments in commands)
    for done in await asyncio.gather(*asked):
        assert done.returncode == 1, done.stdout
        assert findings_in(done.stdout + done.stderr) == []
    if database != "misspelt":
        with serving(env=env, cwd=tmp_path) as server:  # which searches its output, too
            server.wait_for("store_unavailable")


async def run_until_written(
    proxy: WireProxy, env: Env, cwd: Path, *arguments: str, behind_inserts: int
) -> None:
    """Kills the command when its change is in the database, before it hears of it.

    The change comes ``behind_inserts``: its entry in the audit trail, the id of a secret.
    """
    proxy.slow_down("insert", 0, times=behind_inserts)
    written = proxy.hold_reply("insert")
    behind = env | {"APOGEE_STORE": proxy.in_front_of(env["APOGEE_STORE"])}
    quiet = {"stdout": asyncio.subprocess.DEVNULL, "stderr": asyncio.subprocess.DEVNULL}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *MODULE, *arguments), env=behind, cwd=cwd, **quiet
    )
    async with asyncio.timeout(20):
        await written.wait()
    process.kill()
    await process.wait()


async def test_F_PR_02_a_process_killed_before_its_answer_leaves_nothing_half_done(
    mongodb: MongoDB, proxy: WireProxy, tmp_path: Path, key_encryption_key: str
) -> None:
    """A client that is written is whole; a key set that is written is the key set."""
    with mongodb.databases() as databases:
        env = environment(
            APOGEE_STORE=databases.new(),
            APOGEE_PORT=str(free_port()),
            APOGEE_KEY_ENCRYPTION_KEY=key_encryption_key,
        )
        await command(env, tmp_path, "db", "upgrade")
        await run_until_written(
            proxy, env, tmp_path, "clients", "create", "billing", behind_inserts=2
        )
        shown = await command(env, tmp_path, "clients", "show", "billing", "--json")
        assert shown["client_id"] == "billing"
        await command(env, tmp_path, "clients", "rotate-secret", "billing", "--json")
        await run_until_written(proxy, env, tmp_path, "serve", behind_inserts=1)
        with pymongo.MongoClient[dict[str, Any]](env["APOGEE_STORE"]) as client:
            keys = client.get_default_database()["openiddict.apogee.keys"]
            (before,) = keys.find()
            with serving(env=env, cwd=tmp_path) as server:
                server.wait_for("serving")
            assert list(keys.find()) == [before]


async def keys_in(store: str) -> Any:
    async with opened_store(Settings(store=store)) as opened:
        return await load_key_ring(opened)


@pytest.fixture
def new_env(
    backend: str, databases: Databases, tmp_path: Path, key_encryption_key: str
) -> Callable[[], Env]:
    """That of a server on a store which has still to be made."""

    def make() -> Env:
        path = f"{tmp_path}/{secrets.token_hex(4)}.db"
        return environment(
            APOGEE_STORE=databases.new() if backend == "mongodb" else f"sqlite:///{path}",
            APOGEE_PORT=str(free_port()),
            APOGEE_KEY_ENCRYPTION_KEY=key_encryption_key,
        )

    return make


async def test_F_PR_02_a_first_start_may_be_killed_at_any_moment(
    new_env: Callable[[], Env],
    start_idp: StartIdp,
    tmp_path: Path,
    long: Callable[[int, int], int],
    seed: int,
) -> None:
    """On an empty store; the next one starts, and makes the key set of all who come then."""
    chance = random.Random(seed)
    for _ in range(long(3, 30)):
        env = new_env()
        doomed = Server(env=env, cwd=tmp_path)
        doomed.wait_for("listening")
        await asyncio.sleep(chance.uniform(0, 0.3))
        doomed.stop(signal.SIGKILL)
        with serving(env=env, cwd=tmp_path) as server:
            server.wait_for("serving")
        keys = await keys_in(env["APOGEE_STORE"])
        assert keys is not None
        await start_idp(store=env["APOGEE_STORE"])
        assert await keys_in(env["APOGEE_STORE"]) == keys
