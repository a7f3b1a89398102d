"""``clients preview``, without a server."""

from __future__ import annotations

import asyncio
import json

import pytest

from apogee_idp.app import now, opened_store
from apogee_idp.crypto.sealing import KeyEncryptionKey
from apogee_idp.settings import Settings
from tests.keys import key_keeper

from .conftest import Cli


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def make_keys(url: str, key_encryption_key: str) -> None:
    """As the first start of a server does."""

    async def make() -> None:
        async with opened_store(Settings(store=url)) as store:
            guard = KeyEncryptionKey.parse(key_encryption_key)
            await key_keeper(store, guard, now=now).load()

    asyncio.run(make())


def test_a_preview_at_the_shell(cli: Cli, empty_store_url: str, key_encryption_key: str) -> None:
    """The same facts as over the API; an exit code for scripts."""
    cli("clients", "create", "new", "--default-audience", "urn:api", "--preset", "vault")
    early = cli("clients", "preview", "new")
    assert (early.returncode, "there are no keys yet" in early.stderr) == (1, True)
    make_keys(empty_store_url, key_encryption_key)
    told = json.loads(cli("clients", "preview", "new", "--json").stdout)
    assert told["token"]["claims"]["aud"] == "urn:api"
    assert told["token"]["layers"][0]["header"]["typ"] == "JWT"
    assert {v["preset"]: v["holds"] for v in told["verdicts"]}["vault"] is True
    shown = cli("clients", "preview", "new")
    assert shown.returncode == 0
    assert "claim aud" in shown.stdout
    assert "\n9000   generate_token " in shown.stdout
    refused = cli("clients", "preview", "new", "--scope", "nothing", "--resource", "urn:api")
    assert (refused.returncode, "invalid_scope" in refused.stdout) == (1, True)
    unknown = cli("clients", "preview", "nobody")
    assert (unknown.returncode, "there is no client nobody" in unknown.stderr) == (1, True)
