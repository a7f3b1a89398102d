"""SIGKILL under load of every kind of write: nothing acknowledged is lost, nothing half done."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from apogee_idp.app import opened_store
from apogee_idp.settings import Settings
from tests.idp import ISSUER
from tests.mongodb import MongoDB, MongoProcess
from tests.process import environment, free_port

from .api_writers import Clients, Entities, Keys
from .deployment import Deployment, Lost
from .oracle import Oracle, changes_in, states_in
from .scene import Scene
from .shell import Shell
from .trail import check_acknowledged, check_documents, settled
from .writers import (
    Assertions,
    Consents,
    Grants,
    PushedRequests,
    Round,
    Sessions,
    Tokens,
    Users,
    Writer,
)

WRITERS = (
    *(Tokens, Grants, Consents, Sessions, PushedRequests, Assertions, Users),
    *(Clients, Entities, Keys),
)


@pytest.fixture(params=["sqlite", "mongodb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MongoProcess | None]:
    """A server of its own, with its data on the disk; nothing for SQLite."""
    if request.param == "sqlite":
        yield None
        return
    with MongoProcess(str(tmp_path / "data")) as server:
        yield server


class Load:
    """All writers at once, until something is killed."""

    def __init__(self, current: Round) -> None:
        self.writers = [kind(current) for kind in WRITERS]
        self._oracle = current.oracle
        self._written: Counter[Writer] = Counter()
        self._is_over = False

    async def until_killed(self, on: Scenery, what: str, delay: float) -> None:
        """Kills ``what`` that many seconds after every writer has written; it is back then."""
        async with asyncio.timeout(120), asyncio.TaskGroup() as writing:
            for writer in self.writers:
                writing.create_task(self._write(writer))
            while len(self._written) < len(self.writers):
                await asyncio.sleep(0.02)
            await asyncio.sleep(delay)
            self._is_over = True
            await on.deployment.kill(what)
            if what == "service":
                await on.shell.kill()
            await on.deployment.restart(what)

    async def find_lost(self) -> list[str]:
        """The things that are not what the oracle says."""
        looking = [self._lost_of(writer) for writer in self.writers]
        return [thing for lost in await asyncio.gather(*looking) for thing in lost]

    async def _write(self, writer: Writer) -> None:
        """Goes on after a 503, which a machine that is busy enough gives, too."""
        while not self._is_over:
            with suppress(Lost):
                await writer.write()
                self._written[writer] += 1
            await asyncio.sleep(0)

    async def _lost_of(self, writer: Writer) -> list[str]:
        """Newest first: a spent code that comes back late ends the tokens that it led to."""
        lost = []
        for thing, states in reversed(states_in(self._oracle.path).items()):
            kind, _, rest = thing.partition(" ")
            if kind in writer.kinds:
                state = await writer.look(kind, rest)
                if state not in states:
                    lost.append(f"{kind}: {sorted(states)} was acknowledged, it is {state}")
        return lost


@dataclass
class Scenery:
    """All processes, and the clients of the load."""

    scene: Scene
    deployment: Deployment
    shell: Shell


@pytest.fixture
async def scenery(
    database: MongoProcess | None, tmp_path: Path, key_encryption_key: str
) -> AsyncIterator[Scenery]:
    """On a new store."""
    url = f"sqlite:///{tmp_path}/apogee.db"
    if database is not None:
        url = MongoDB(database.uri).url("apogee")
    env = environment(
        APOGEE_ISSUER=ISSUER,
        APOGEE_STORE=url,
        APOGEE_KEY_ENCRYPTION_KEY=key_encryption_key,
        APOGEE_KEY_AHEAD_SECONDS="1",
        APOGEE_HANDLER_TIMEOUT="6",
    )
    async with (
        opened_store(Settings(store=url)) as store,
        Deployment(free_port(), env, tmp_path, database) as deployment,
        Shell(env) as shell,
    ):
        scene = Scene(store, deployment)
        await scene.prepare()
        yield Scenery(scene, deployment, shell)


async def count_kept(on: Scenery, current: Round, target: str, delay: float) -> int:
    """How many things were acknowledged before the kill, and are what they should be after it."""
    load = Load(current)
    await load.until_killed(on, target, delay)
    assert await load.find_lost() == []
    entries = await settled(current.scene.store)
    check_acknowledged(entries, changes_in(current.oracle.path))
    await check_documents(current.scene.store, entries)
    return len(states_in(current.oracle.path))


async def test_F_PR_02_no_kill_loses_what_was_acknowledged(
    database: MongoProcess | None,
    scenery: Scenery,
    tmp_path: Path,
    long: Callable[[int, int], int],
    seed: int,
) -> None:
    """5 kills (torture: 200) of the service or its store; the trail is settled and true then."""
    choose = random.Random(seed)
    targets = ("service",) if database is None else ("service", "store")
    kept, kills = 0, long(5, 200)
    for number in range(kills):
        name = f"r{number}"
        with closing(Oracle(tmp_path / f"{name}.jsonl")) as oracle:
            person = await scenery.scene.new_person()
            current = Round(name, scenery.scene, scenery.shell, person, oracle, choose)
            target = targets[number % len(targets)]
            kept += await count_kept(scenery, current, target, choose.uniform(0, 0.5))
    print(f"seed {seed}: {kills} kills, 0 of {kept} things lost")
