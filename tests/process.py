"""The real command, in a process of its own, as an operator would start it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .canary import findings_in

MODULE = ["-m", "apogee_idp"]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def environment(**variables: str) -> dict[str, str]:
    """This process's own, less whatever configures a server, and ``variables``."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("APOGEE_")}
    return inherited | {"APOGEE_HEALTH_PORT": "0", "APOGEE_DRAIN_SECONDS": "0"} | variables


def run(
    *arguments: str, env: Mapping[str, str], cwd: Path, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """The command, to its end; it may print secrets, but complain of none."""
    done = subprocess.run(
        [sys.executable, *MODULE, *arguments],
        env=dict(env),
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert findings_in(done.stderr) == []
    return done


@contextmanager
def serving(*arguments: str, **options: Any) -> Iterator[Server]:
    """A server, which is told to stop in the end and must do so with 0."""
    server = Server(*arguments, **options)
    try:
        yield server
    except BaseException:
        server.stop(signal.SIGKILL)
        raise
    assert server.stop() == 0


class Server:
    """``apogee-idp serve``, until it is told to stop."""

    def __init__(
        self,
        *arguments: str,
        env: Mapping[str, str],
        cwd: Path,
        python: str = sys.executable,
        before: Sequence[str] = (),
    ) -> None:
        self._process = subprocess.Popen(
            [*before, python, *MODULE, "serve", *arguments],
            env=dict(env),
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output: list[str] = []

    def wait_for(self, text: str) -> str:
        """The first line of output that holds ``text``; raises if the process ends before."""
        for line in self._lines():
            if text in line:
                return line
        raise AssertionError("".join(self.output) or "ended without a word")

    def _lines(self) -> Iterator[str]:
        """What is printed from now on; a process that takes a minute is killed."""
        stdout = self._process.stdout
        assert stdout is not None
        if stdout.closed:
            return
        watchdog = threading.Timer(60, self._process.kill)
        watchdog.start()
        try:
            for line in stdout:
                self.output.append(line)
                yield line
            stdout.close()
        finally:
            watchdog.cancel()

    def events(self) -> list[dict[str, Any]]:
        """What was logged so far, where it was JSON."""
        return [json.loads(line) for line in self.output if line.startswith("{")]

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Its exit code, after the signal; all that it still printed is in ``output``."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        # By communicate() the lines that came together with an awaited one would be lost.
        for _ in self._lines():
            pass
        self._process.wait()
        # The lines that serve --dev prints for pasting hold secrets on purpose; nothing else may.
        told = "".join(line for line in self.output if not line.startswith("  curl "))
        assert findings_in(told) == []
        return self._process.returncode
