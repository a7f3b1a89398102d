"""Codes and refresh tokens over several processes: each is good once, whoever is asked."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from apogee_idp.app import new_id, now, opened_store
from apogee_idp.crypto.handles import RefreshToken
from apogee_idp.grants import Grants
from apogee_idp.requests import Grant
from apogee_idp.settings import Settings
from apogee_idp.stores.base import Store
from apogee_idp.stores.repositories import users_in
from tests.process import run

from .conftest import servers

CALLBACK = "https://app.example/cb"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:43]
AT_ONCE = 32
Answer = tuple[int, dict[str, Any]]


@dataclass
class Scene:
    """Three processes on one store, a public client, and a person who has allowed it."""

    ports: list[int]
    store: Store
    subject: str
    http: aiohttp.ClientSession

    async def code(self) -> str:
        """As the authorization endpoint leaves it."""
        grants = Grants(self.store.authorizations, users_in(self.store).get, now=now, new_id=new_id)
        scopes = ("openid", "offline_access")
        grant = Grant("app", self.subject, scopes, now(), now(), CALLBACK, CHALLENGE)
        return await grants.authorize(grant, code_seconds=60, seconds=3600)

    async def ask(self, number: int, **form: str) -> Answer:
        """A request to one of the processes."""
        url = f"http://127.0.0.1:{self.ports[number % len(self.ports)]}/connect/token"
        async with self.http.post(url, data={"client_id": "app", **form}) as answer:
            return answer.status, await answer.json()

    async def redeem(self, code: str, number: int) -> Answer:
        whole = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return await self.ask(number, grant_type="authorization_code", **whole)

    async def refresh(self, token: str, number: int) -> Answer:
        return await self.ask(number, grant_type="refresh_token", refresh_token=token)


@pytest.fixture(scope="module")
def subject(lasting_env: dict[str, str], home: Path) -> str:
    """Made, as the client is, on the command line."""
    client = ("clients", "create", "app", "--public", "--redirect-uri", CALLBACK)
    assert run(*client, "--offline-access", env=lasting_env, cwd=home).returncode == 0
    user = ("users", "create", "ann@example.com", "--without-password", "--json")
    return str(json.loads(run(*user, env=lasting_env, cwd=home).stdout)["subject"])


@pytest.fixture(scope="module")
def ports(lasting_env: dict[str, str], home: Path, subject: str) -> Iterator[list[int]]:
    with servers(3, lasting_env, home) as ports:
        yield ports


@pytest.fixture
async def scene(
    lasting_env: dict[str, str], ports: list[int], subject: str, http: aiohttp.ClientSession
) -> AsyncIterator[Scene]:
    async with opened_store(Settings(store=lasting_env["APOGEE_STORE"])) as store:
        yield Scene(ports, store, subject, http)


def the_one(answers: list[Answer]) -> dict[str, Any]:
    """The tokens of the one that was answered so; the others heard the same."""
    (tokens,) = [body for status, body in answers if status == 200]
    refused = [(status, body["error"]) for status, body in answers if status != 200]
    assert refused == [(400, "invalid_grant")] * (AT_ONCE - 1)
    return tokens


@pytest.mark.parametrize("part", range(5))
async def test_A_TE_05_one_success_of_many_at_once(
    scene: Scene, long: Callable[[int, int], int], part: int
) -> None:
    """For a code and then for its refresh token; what the one got is good.

    In parts, as no single test may take ten minutes.
    """
    for _ in range(long(4, 1000)):
        code = await scene.code()
        tokens = the_one(await asyncio.gather(*(scene.redeem(code, n) for n in range(AT_ONCE))))
        token = tokens["refresh_token"]
        tokens = the_one(await asyncio.gather(*(scene.refresh(token, n) for n in range(AT_ONCE))))
        assert (await scene.refresh(tokens["refresh_token"], 1))[0] == 200


@pytest.mark.parametrize("spent_at", ["code_redeemed_at", "refreshed_at"])
async def test_A_TE_06_what_was_spent_long_ago_ends_the_family(
    scene: Scene, lasting_env: dict[str, str], home: Path, spent_at: str
) -> None:
    """In a process, too, that was started since."""
    code = await scene.code()
    _, tokens = await scene.redeem(code, 0)
    first = tokens["refresh_token"]
    _, tokens = await scene.refresh(first, 1)
    known = RefreshToken.parse(first)
    assert known is not None
    stored = await scene.store.authorizations.get(known.authorization_id)
    assert stored is not None
    await scene.store.authorizations.replace(
        stored.key, {spent_at: now() - 60}, version=stored.version
    )
    with servers(1, lasting_env, home) as ports:
        late = Scene(ports, scene.store, scene.subject, scene.http)
        spent = late.redeem(code, 0) if spent_at == "code_redeemed_at" else late.refresh(first, 0)
        assert (await spent)[0] == 400
    status, body = await scene.refresh(tokens["refresh_token"], 2)
    assert (status, body["error"]) == (400, "invalid_grant")
