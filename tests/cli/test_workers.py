"""``serve --workers N``: one start, one stop, one health; and who dies is replaced."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from apogee_idp import supervising
from apogee_idp.readiness import Health
from apogee_idp.supervising import Deaths
from tests.process import Server, free_port, run
from tests.waiting import Elapsed, wait_until

from .conftest import Cli
from .test_serve import REFUSALS, granted, plugged, wait_until_refused

WORKERS = 2
PATIENCE = 60.0


class Fleet:
    """A running ``serve --workers``, seen from outside."""

    def __init__(self, server: Server, port: int, health: int) -> None:
        self.server, self.port, self.health = server, port, health

    def probe(self, name: str) -> tuple[int, Any]:
        return fetched(f"http://127.0.0.1:{self.health}/{name}")

    def metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.health}/metrics", timeout=30) as page:
            return str(page.read().decode())

    def workers(self) -> set[int]:
        """The processes that serve: children that were spawned to."""
        return {pid for pid in children_of(self.server.pid) if "spawn_main" in command_of(pid)}


def fetched(url: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def children_of(pid: int) -> list[int]:
    return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except FileNotFoundError:
        return ""


@contextmanager
def fleet_of(env: dict[str, str], cwd: Path, *arguments: str) -> Iterator[Fleet]:
    port, health = free_port(), free_port()
    env = env | {"APOGEE_PORT": str(port), "APOGEE_HEALTH_PORT": str(health)}
    server = Server("--workers", str(WORKERS), *arguments, env=env, cwd=cwd)
    try:
        server.wait_for("listening")
        fleet = Fleet(server, port, health)
        wait_until(
            lambda: fleet.probe("readyz") == (200, {"status": "ready", "problem": None}), PATIENCE
        )
        yield fleet
    finally:
        server.stop(signal.SIGINT)


def test_they_serve_and_end_together_and_who_dies_is_replaced(
    cli: Cli, home_env: dict[str, str], tmp_path: Path
) -> None:
    """One port, every probe for all of them; new connections are answered meanwhile."""
    secret = json.loads(cli("clients", "create", "billing", "--json").stdout)["client_secret"]
    with fleet_of(home_env, tmp_path) as fleet:
        before = fleet.workers()
        assert len(before) == WORKERS
        assert fleet.probe("startupz")[0] == fleet.probe("livez")[0] == 200
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in fleet.workers(), PATIENCE)

        def is_whole() -> bool:
            assert granted(fleet.port, "billing", secret) == 200
            return len(fleet.workers()) == WORKERS and fleet.probe("readyz")[1]["status"] == "ready"

        wait_until(is_whole, PATIENCE)
        after = fleet.workers()
        assert len(after - before) == 1
        wait_until(lambda: "apogee_grants_total{" in fleet.metrics(), PATIENCE)
        assert fleet.server.stop() == 0
        assert [pid for pid in after if command_of(pid)] == []
    (ended,) = [event for event in fleet.server.events() if event["event"] == "worker_ended"]
    assert (ended["exit_code"], ended["restart_in"]) == (-signal.SIGKILL, 0.0)


@pytest.mark.parametrize(
    ("variables", "message"),
    [case for case in REFUSALS if case.id in ("an unknown setting", "a plugin that isn't there")],
)
def test_R_K8_05_what_is_wrong_is_told_once(
    home_env: dict[str, str], tmp_path: Path, variables: dict[str, str], message: str
) -> None:
    """However many processes would have found it; exit code 1."""
    env = home_env | {"APOGEE_PORT": str(free_port())} | variables
    done = run("serve", "--workers", "2", env=env, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count(message) == done.stderr.count("error:") == 1
    assert "Traceback" not in done.stderr + done.stdout


def test_a_store_in_memory_can_not_be_shared(home_env: dict[str, str], tmp_path: Path) -> None:
    """Each process would have one of its own."""
    env = home_env | {"APOGEE_STORE": "sqlite:///:memory:"}
    done = run("serve", "--workers", "2", env=env, cwd=tmp_path)
    assert (done.returncode, "workers: must be 1" in done.stderr) == (1, True)


def test_strangers_at_the_address_are_noticed(home_env: dict[str, str], tmp_path: Path) -> None:
    """Although the system would let both have it, and send each of them some of the requests."""
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = str(stranger.getsockname()[1])
        done = run("serve", "--workers", "2", "--port", port, env=home_env, cwd=tmp_path)
    assert (done.returncode, f"can't listen on 127.0.0.1:{port}" in done.stderr) == (1, True)


DYING_PLUGIN = """
import os
def register(registry, services):
    os._exit(7)
"""


def test_workers_that_can_not_start_end_the_start(home_env: dict[str, str], tmp_path: Path) -> None:
    """Rather than to be started for ever."""
    env = home_env | plugged(DYING_PLUGIN, tmp_path) | {"APOGEE_PORT": str(free_port())}
    done = run("serve", "--workers", "2", env=env, cwd=tmp_path)
    assert done.returncode == 1
    assert "can't start: exit code 7" in done.stderr


DYING_LATER_PLUGIN = """
import os
def register(registry, services):
    if os.path.exists("now"):
        os._exit(7)
"""


def test_one_that_dies_again_and_again_ends_the_whole(
    home_env: dict[str, str], tmp_path: Path
) -> None:
    """Five times, with ever more time between them; whoever started it learns of it."""
    plugin = plugged(DYING_LATER_PLUGIN, tmp_path)
    with fleet_of(home_env | plugin, tmp_path) as fleet:
        (tmp_path / "now").touch()
        os.kill(min(fleet.workers()), signal.SIGKILL)
        assert fleet.server.wait() == 1
    assert "has ended 5 times within a short while, the last time with exit code 7" in "".join(
        fleet.server.output
    )
    ended = [event for event in fleet.server.events() if event["event"] == "worker_ended"]
    assert len({event["worker"] for event in ended}) == 1
    assert [event["restart_in"] for event in ended] == [0, 1, 2, 4]
    assert [event["exit_code"] for event in ended] == [-signal.SIGKILL, 7, 7, 7]


def test_one_that_hangs_is_told_of_and_then_replaced(
    home_env: dict[str, str], tmp_path: Path
) -> None:
    """In time: before an orchestrator that asks thrice ends all of them."""
    with fleet_of(home_env, tmp_path) as fleet:
        victim = min(fleet.workers())
        os.kill(victim, signal.SIGSTOP)
        wait_until(lambda: fleet.probe("livez")[0] == 503, PATIENCE)
        (told,) = {fleet.probe("livez")[1]["problem"]} & {"worker 1", "worker 2"}
        assert fleet.probe("readyz")[0] == 200
        wait_until(lambda: fleet.probe("livez")[0] == 200, PATIENCE)
        wait_until(lambda: len(fleet.workers() - {victim}) == WORKERS, PATIENCE)
        assert fleet.server.stop() == 0
    silent, ended = (
        event
        for event in fleet.server.events()
        if event["event"] in ("worker_silent", "worker_ended")
    )
    assert {f"worker {silent['worker']}", f"worker {ended['worker']}"} == {told}
    assert (ended["exit_code"], ended["restart_in"]) == (-signal.SIGKILL, 0)


def test_those_that_hang_keep_nobody_from_ending(home_env: dict[str, str], tmp_path: Path) -> None:
    """Within the 25 seconds that a stop may take; that it didn't end well is told.

    If all of them hang, nothing should be sent here: what they said before doesn't count.
    """
    with fleet_of(home_env, tmp_path) as fleet:
        for pid in fleet.workers():
            os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: fleet.probe("readyz")[0] == 503, PATIENCE)
        elapsed = Elapsed()
        assert fleet.server.stop() == 1
        assert elapsed.seconds < 25
    assert "did not end well: worker" in "".join(fleet.server.output)


def test_workers_without_a_directory_for_their_metrics(
    home_env: dict[str, str], tmp_path: Path
) -> None:
    """As where the whole file system is read-only: it says what to do."""
    env = home_env | {"APOGEE_PORT": str(free_port()), "APOGEE_HEALTH_PORT": str(free_port())}
    before = ("prlimit", "--fsize=0")
    server = Server("--workers", "2", env=env, cwd=tmp_path, before=before)
    assert server.wait() == 1
    output = "".join(server.output)
    assert "error: workers: there is no directory for their metrics" in output
    assert "Traceback" not in output


async def test_a_machine_that_stood_still_kills_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long: nobody could say a word. Only who then stays silent, look by look, hangs."""
    monkeypatch.setattr(supervising, "_LOOK_SECONDS", 0.02)
    worker: Any = SimpleNamespace(number=1, health=Health(True, None), heard_at=0.0, sent=[])
    worker.send = worker.sent.append
    watch = asyncio.create_task(supervising._kill_hung(worker))
    await asyncio.sleep(0)
    time.sleep(0.5)  # for more than ten looks
    await asyncio.sleep(0.01)
    assert worker.sent == []
    await watch
    assert worker.sent == [signal.SIGKILL]


def test_deaths_are_counted_until_one_lived_a_minute() -> None:
    """The first is replaced at once, the others ever later; one that lived a minute begins anew."""
    deaths = Deaths()
    assert [deaths.delay_after(1) for _ in range(5)] == [0, 1, 2, 4, None]
    deaths = Deaths()
    assert [deaths.delay_after(lived) for lived in (1, 1, 61, 1, 1)] == [0, 1, 0, 1, 2]


def test_dev_prints_its_lines_once_and_nobody_outlives_the_supervisor(
    home_env: dict[str, str], tmp_path: Path
) -> None:
    """Nobody would watch them, nor tell them to stop."""
    env = {k: v for k, v in home_env.items() if k != "APOGEE_KEY_ENCRYPTION_KEY"}
    with fleet_of(env, tmp_path, "--dev") as fleet:
        if not any("Stop with Ctrl-C" in line for line in fleet.server.output):
            fleet.server.wait_for("Stop with Ctrl-C")
        lines = [line for line in fleet.server.output if line.startswith("  curl ")]
        assert len(lines) == 2
        workers = fleet.workers()
        fleet.server.send(signal.SIGKILL)
        wait_until(lambda: not any(command_of(pid) for pid in workers), PATIENCE)
        wait_until_refused(fleet.port)
