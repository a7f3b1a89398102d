"""Server processes on one store, as third-party software meets them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.conftest import lasting_store
from tests.process import environment, free_port, run, serving

AUDIENCE = "https://billing.example"


@dataclass(frozen=True)
class Deployment:
    """Two processes: tokens are asked of the one, and verified with what the other publishes."""

    issuer: str
    token_endpoint: str
    secrets: dict[str, str]
    store: str
    key_encryption_key: str


@pytest.fixture(scope="session", params=["sqlite", "mongodb"])
def store_url(request: pytest.FixtureRequest) -> Iterator[str]:
    with lasting_store(request) as url:
        yield url


@pytest.fixture(scope="session")
def deployment(
    tmp_path_factory: pytest.TempPathFactory, store_url: str, key_encryption_key: str
) -> Iterator[Deployment]:
    home = tmp_path_factory.mktemp("deployment")
    ports = [str(free_port()) for _ in range(2)]
    issuer = f"http://127.0.0.1:{ports[0]}"
    env = environment(
        APOGEE_ISSUER=issuer,
        APOGEE_STORE=store_url,
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
    with ExitStack() as stack:
        for port in ports:
            server = stack.enter_context(serving(env=env | {"APOGEE_PORT": port}, cwd=home))
            server.wait_for("serving")
        endpoint = f"http://127.0.0.1:{ports[1]}/connect/token"
        yield Deployment(issuer, endpoint, secrets, store_url, key_encryption_key)
