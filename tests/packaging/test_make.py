"""README's first command, in a copy of the repository with nothing installed."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.process import environment, free_port

from .test_wheel import NOT_SOURCE, REPOSITORY


def token_of(line: str) -> str:
    printed = subprocess.run(shlex.split(line), capture_output=True, check=True, timeout=30).stdout
    return str(json.loads(printed)["access_token"])


def test_make_run_twice(tmp_path: Path) -> None:
    """It installs, serves, and prints two lines that work; the second time as the first."""
    if not (shutil.which("make") and shutil.which("curl")):
        pytest.skip("no make or no curl on this machine")
    copy = tmp_path / "copy"
    shutil.copytree(REPOSITORY, copy, ignore=NOT_SOURCE)
    for _ in range(2):
        port = str(free_port())
        run = subprocess.Popen(
            ["make", "run"],
            cwd=copy,
            env=environment(APOGEE_PORT=port),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert run.stdout is not None
        lines = []
        for line in run.stdout:
            lines.append(line)
            if "serving" in line:
                break
        curls = [line for line in lines if line.startswith("  curl ")]
        try:
            assert [token_of(line).count(".") for line in curls] == [4, 2], "".join(lines)
        finally:
            os.killpg(run.pid, signal.SIGTERM)
            run.communicate(timeout=60)
