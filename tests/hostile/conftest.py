"""The server under attack, and who else uses it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .neighbour import Neighbour, neighbour
from .target import Target, attacked

SECONDS = 0.5
"""The request_timeout of the server under attack."""


CONNECTIONS = 1000
"""What it is told to have at most."""


@pytest.fixture(scope="session")
def running(
    prepared_database: Path, key_encryption_key: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """A server that has little patience."""
    database = tmp_path_factory.mktemp("target") / "apogee.db"
    shutil.copy(prepared_database, database)

    settings = {
        "APOGEE_REQUEST_TIMEOUT": str(SECONDS),
        "APOGEE_CONNECTIONS": str(CONNECTIONS),
        "APOGEE_ACCESS_TOKEN_LIFETIME": "86400",
    }
    with attacked(database, key_encryption_key, **settings) as running:
        yield running


@pytest.fixture(scope="session")
def beside(running: Target) -> Iterator[Neighbour]:
    """A healthy client."""
    with neighbour(running) as beside:
        yield beside


@pytest.fixture(scope="module")
def target(running: Target, beside: Neighbour) -> Iterator[Target]:
    """That server; whatever a file of tests does to it, each request of hers has success."""
    beside.report()
    yield running
    report = beside.report()
    assert report.failures == []
    assert report.seconds
