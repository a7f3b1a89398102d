"""The clock of the tests stands still only while others have the processor."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from .waiting import AT_MOST, Elapsed, until, wait_until


@pytest.fixture
def crowded() -> Iterator[None]:
    """Three strangers, no children of ours, want the one processor that we may have."""
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})
    spin = f"{sys.executable} -c 'print(flush=True)\nwhile True: pass'"
    crowd = subprocess.Popen(
        ["/bin/sh", "-c", f"{spin} & {spin} & {spin} & wait"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert crowd.stdout is not None
        for _ in range(3):
            crowd.stdout.readline()
        yield
    finally:
        os.killpg(crowd.pid, signal.SIGKILL)
        crowd.communicate()
        os.sched_setaffinity(0, processors)


@pytest.mark.usefixtures("crowded")
def test_seconds_that_others_had_are_none() -> None:
    """Of those in which we work a quarter, as three others do."""
    elapsed = Elapsed()
    began, worked = time.monotonic(), time.process_time()
    while time.process_time() < worked + 0.3:
        pass
    passed = time.monotonic() - began
    assert passed / AT_MOST <= elapsed.seconds < passed / 2


async def test_what_stays_false_is_late() -> None:
    """By either form; a question that hangs is given up."""

    async def stays_false() -> bool:
        return False

    for waiting in (until(stays_false, 0.1), asyncio.to_thread(wait_until, lambda: False, 0.1)):
        with pytest.raises(AssertionError):
            await waiting
    with pytest.raises(TimeoutError):
        await until(asyncio.Event().wait, 0.05)
