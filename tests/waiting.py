"""Waiting until something is true, by a clock that stands still while the machine is too busy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

Answer = TypeVar("Answer")

AT_MOST = 5
"""So many times a deadline is where waiting ends, however busy the machine is."""

_PAUSE = 0.02


def starved_seconds(process: int | str) -> float:
    """What the main thread of a process, or of ``self``, has waited for a processor."""
    return int(Path(f"/proc/{process}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9


class Elapsed:
    """The time since it was made, less that in which we waited for a processor that others had.

    We are this process and that child of it which waited the longest: a test and its server. So
    what is promised of a server is measured on a busy machine, too; on an idle one, strictly.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._starved = _starved()

    @property
    def seconds(self) -> float:
        """One in ``AT_MOST`` that have passed, at least."""
        passed = time.monotonic() - self._began
        starved = {pid: now - self._starved.get(pid, 0.0) for pid, now in _starved().items()}
        ours = starved.pop("self")
        return max(passed - ours - max(starved.values(), default=0.0), passed / AT_MOST)


async def until(question: Callable[[], Awaitable[Answer | None]], seconds: float) -> Answer:
    """Asks until the answer is true, and returns it; fails if that takes longer."""
    elapsed = Elapsed()
    async with asyncio.timeout(seconds * AT_MOST):
        while not (answer := await question()):
            assert elapsed.seconds < seconds, answer
            await asyncio.sleep(_PAUSE)
    return answer


def wait_until(question: Callable[[], Answer | None], seconds: float) -> Answer:
    """The same where there is no event loop; a question that hangs is not interrupted."""
    elapsed = Elapsed()
    while not (answer := question()):
        assert elapsed.seconds < seconds, answer
        time.sleep(_PAUSE)
    return answer


def _starved() -> dict[int | str, float]:
    """By process; one that ends just then is left out."""
    starved: dict[int | str, float] = {}
    for process in ("self", *_children()):
        with suppress(FileNotFoundError, ProcessLookupError):
            starved[process] = starved_seconds(process)
    return starved


def _children() -> list[int]:
    """Whichever thread has started them."""
    children: list[int] = []
    for thread in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            children += map(int, (thread / "children").read_text(encoding="ascii").split())
    return children
