"""Somebody who uses the server all the while, in a process of her own, and notices everything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from . import asking
from .target import Target


@dataclass(frozen=True)
class Report:
    """What she has seen since the last one: how long each request took, and what failed."""

    seconds: list[float]
    failures: list[str]

    def __add__(self, other: Report) -> Report:
        return Report(self.seconds + other.seconds, self.failures + other.failures)

    @property
    def p99(self) -> float:
        """Seconds within which 99 of 100 requests were answered."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)]


class Neighbour:
    """The other end of that process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def report(self) -> Report:
        """After one more request; raises AssertionError if she is gone."""
        return Report(**json.loads(self._answer_to("\n")))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """She asks nothing meanwhile; all that she asked before had success."""
        self._answer_to(asking.PAUSE)
        yield
        assert self.report().failures == []

    def _answer_to(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer
        return answer


@contextmanager
def neighbour(target: Target) -> Iterator[Neighbour]:
    """She is there meanwhile."""
    command = [sys.executable, asking.__file__, str(target.port)]
    env = os.environ | {asking.FORM: target.form().decode()}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        try:
            yield Neighbour(process)
        finally:
            process.stdin.close()
