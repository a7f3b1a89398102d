"""The server and a model of it agree, whatever happens to it in whatever order."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import copy_store
from tests.mongodb import Databases

from .machine import Machine
from .world import World

NewUrl = Callable[[], str]
Told = list[tuple[int, int]]


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def new_url(
    backend: str, tmp_path: Path, prepared_database: Path, request: pytest.FixtureRequest
) -> NewUrl:
    """A store with keys, and the trail of how they came to be."""
    numbers = count()

    def new_file() -> str:
        return f"sqlite:///{shutil.copy(prepared_database, tmp_path / f'{next(numbers)}.db')}"

    def new_database() -> str:
        databases: Databases = request.getfixturevalue("databases")
        url = databases.new()
        asyncio.run(copy_store(prepared_database, url, "scopes", "keys", "audit"))
        return url

    return new_file if backend == "sqlite" else new_database


@pytest.fixture
def told(
    new_url: NewUrl, key_encryption_key: str, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[int, int]]:
    """Of each server that a machine has made, how often it crashed, and how many tokens it made."""
    told: Told = []

    def new_world(_: Machine) -> World:
        return World(new_url(), key_encryption_key, monkeypatch)

    monkeypatch.setattr(Machine, "new_world", new_world, raising=False)
    monkeypatch.setattr(Machine, "report", lambda _, *numbers: told.append(numbers), raising=False)
    return told


def test_F_PR_02_A_TE_05_the_server_does_what_the_model_does(
    backend: str, told: Told, long: Callable[[int, int], int], seed: int
) -> None:
    """Clients, secrets, codes, refresh tokens, revocation, rotation, crashes, restarts, time."""
    examples = long(6, 300) if backend == "sqlite" else long(5, 40)
    steps = long(40, 60)
    settings = hypothesis.settings(
        max_examples=examples,
        stateful_step_count=steps,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(hypothesis.seed(seed)(Machine), settings=settings)
    crashes, tokens = (sum(numbers) for numbers in zip(*told, strict=True))
    print(f"seed {seed}: {len(told)} runs of {steps} steps, {crashes} crashes, {tokens} tokens")
    assert crashes
    assert tokens >= 2 * examples
