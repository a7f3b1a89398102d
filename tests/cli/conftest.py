"""An empty home for the command line."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from apogee_idp.cli import main
from tests.process import environment


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


Cli = Callable[..., Done]


@pytest.fixture
def home_env(empty_store_url: str, key_encryption_key: str) -> dict[str, str]:
    """What a production installation sets: a store and a key-encryption key."""
    return environment(APOGEE_STORE=empty_store_url, APOGEE_KEY_ENCRYPTION_KEY=key_encryption_key)


@pytest.fixture
def cli(tmp_path: Path, home_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs ``apogee-idp`` there, in this process; whatever it does not catch fails the test."""
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - set(home_env):
        monkeypatch.delenv(name)

    def call(*arguments: str, stdin: str = "", **variables: str) -> Done:
        result = CliRunner().invoke(main, arguments, input=stdin, env=home_env | variables)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return call
