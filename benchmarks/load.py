"""Load by ``wrk``, and what it costs the server: CPU time as the operating system counts it."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from urllib.parse import urlencode

from .servers import Server

CONNECTIONS = 32
_SCRIPT = Path(__file__).with_name("token.lua")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """User and system time of one grant in microseconds, and grants in a second."""

    microseconds: float
    per_second: float


def cost_of_grants(server: Server, form: Mapping[str, str], *, seconds: int) -> Cost:
    """Under load, after a second of it that doesn't count; RuntimeError if a grant fails."""
    grants_in(server, form, seconds=1)
    before, began = cpu_seconds(server.pid), time.perf_counter()
    grants = grants_in(server, form, seconds=seconds)
    took = time.perf_counter() - began
    return Cost((cpu_seconds(server.pid) - before) / grants * 1e6, grants / took)


def grants_in(server: Server, form: Mapping[str, str], *, seconds: int) -> int:
    """How many were answered under load; raises RuntimeError if one failed, or without wrk."""
    if which("wrk") is None:
        raise RuntimeError("wrk makes the load: apt-get install wrk")
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(_SCRIPT)]
    printed = subprocess.run(
        [*command, server.token_endpoint],
        env=os.environ | {"FORM": urlencode(form)},
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 30,
    ).stdout
    counted = re.search(r"answered (\d+) failed (\d+)", printed)
    if counted is None or int(counted[1]) == 0 or int(counted[2]) > 0:
        raise RuntimeError(f"{server.token_endpoint} does not answer as it should:\n{printed}")
    return int(counted[1])


def cpu_seconds(pid: int) -> float:
    """User and system time so far, of a process and of those that it started and still runs."""
    stats = {int(process.name): _stat(process) for process in Path("/proc").glob("[0-9]*")}
    family = {pid}
    for child, stat in sorted(stats.items()):
        if stat and int(stat[1]) in family:
            family.add(child)
    return sum(int(ticks) for member in family for ticks in stats[member][11:13]) / _TICKS


def resident_mebibytes(pid: int) -> float:
    """Memory of one process, without what is swapped out."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _stat(process: Path) -> list[str]:
    """The fields of ``/proc/PID/stat`` behind the name; none if the process has ended."""
    try:
        text = (process / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
