"""A server process with two clients, as third-party software meets it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.process import Server, environment, free_port, run

AUDIENCE = "https://billing.example"


@dataclass(frozen=True)
class Deployment:
    issuer: str
    secrets: dict[str, str]
    store: Path
    key_encryption_key: str

    @property
    def token_endpoint(self) -> str:
        return f"{self.issuer}/connect/token"


@pytest.fixture(scope="session")
def deployment(
    tmp_path_factory: pytest.TempPathFactory, prepared_database: Path, key_encryption_key: str
) -> Iterator[Deployment]:
    home = tmp_path_factory.mktemp("deployment")
    store = home / "apogee.db"
    shutil.copy(prepared_database, store)
    issuer = f"http://127.0.0.1:{(port := free_port())}"
    env = environment(
        APOGEE_ISSUER=issuer,
        APOGEE_PORT=str(port),
        APOGEE_STORE=f"sqlite:///{store}",
        APOGEE_KEY_ENCRYPTION_KEY=key_encryption_key,
        APOGEE_LOG_LEVEL="debug",
    )
    options = {"plain": ["--skip-token-encryption"], "sealed": []}
    options["elliptic"] = ["--skip-token-encryption", "--signing-alg", "ES256"]
    secrets = {}
    for client_id, extra in options.items():
        made = run(
            *("clients", "create", client_id, "--scope", "invoices.read", "--scope", "ping"),
            *("--json", *extra),
            env=env,
            cwd=home,
        )
        secrets[client_id] = json.loads(made.stdout)["client_secret"]
    server = Server(env=env, cwd=home)
    server.wait_for("serving")
    yield Deployment(issuer, secrets, store, key_encryption_key)
    assert server.stop() == 0
