"""The parsers take any bytes: coverage-guided fuzzing, in a process of its own."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SECONDS_FOR_ONE = 2
"""An input that takes longer is a failure."""


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris is not made for this platform"
)
def test_parsers_refuse_or_read(tmp_path: Path, long: Callable[[int, int], int], seed: int) -> None:
    """Forms, Basic headers, tokens, JSON and redirect URIs: read as promised, or refused."""
    from . import parsers

    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, (parser, text) in enumerate(parsers.SEEDS):
        (corpus / str(number)).write_bytes(bytes([parsers.PARSERS.index(parser)]) + text)
    command = [
        *(sys.executable, "-m", parsers.__name__, str(corpus)),
        *(f"-seed={seed % 2**31 + 1}", f"-timeout={SECONDS_FOR_ONE}", "-max_len=4096"),
        *(f"-runs={long(50_000, 2**31 - 1)}", f"-max_total_time={long(60, 300)}"),
        f"-artifact_prefix={tmp_path}/",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    runs = re.search(r"Done (\d+) runs", done.stderr)
    assert runs is not None
    print(f"seed {seed}: {runs[1]} inputs to the parsers")
