"""Keys rotate under load, over three processes, and nobody's verification fails."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet

from apogee_idp.crypto.signing import generate_private_key
from tests.conftest import NewStoreUrl
from tests.process import environment, free_port, serving
from tests.waiting import until

from .conftest import PATIENCE, servers
from .test_processes import BOUND, Env, command

LIFETIME = 6
"""Seconds; a day ahead is four seconds here, and so on."""

ACTIVE, RETIRED = 5, 2 * LIFETIME
STILL_PUBLISHED = 1 + math.ceil(RETIRED / ACTIVE)
"""Keys that have signed: the one that does, and those whose tokens may live."""


@pytest.fixture
async def env(new_store_url: NewStoreUrl, key_encryption_key: str) -> Env:
    return environment(
        APOGEE_ISSUER="https://idp.example",
        APOGEE_STORE=await new_store_url(),
        APOGEE_KEY_ENCRYPTION_KEY=key_encryption_key,
        APOGEE_HANDLER_TIMEOUT=PATIENCE,
        APOGEE_ACCESS_TOKEN_LIFETIME=str(LIFETIME),
        APOGEE_KEY_ACTIVE_SECONDS=str(ACTIVE),
        APOGEE_KEY_AHEAD_SECONDS="4",
        APOGEE_KEY_RETIRED_SECONDS=str(RETIRED),
        APOGEE_CACHE_SECONDS="300",
    )


@pytest.fixture
def ports(env: Env, tmp_path: Path) -> Iterator[list[int]]:
    """Three servers on one store."""
    with servers(3, env, tmp_path) as ports:
        yield ports


class Verifiers:
    """Three habits: a cache that asks again for an unknown kid, one that doesn't, and asking us."""

    def __init__(self, http: aiohttp.ClientSession, ports: list[int], secret: str) -> None:
        self._http = http
        self._ports = ports
        self._secret = secret
        self._clients = [
            jwt.PyJWKClient(f"http://127.0.0.1:{port}/.well-known/jwks", lifespan=2)
            for port in ports
        ]
        self._fixed: KeySet | None = None
        self._fixed_until = 0.0
        self.kids: set[str] = set()
        self.count = 0

    async def verify(self, token: str) -> None:
        """Raises whatever a verifier raises."""
        self.count += 1
        client = self._clients[self.count % 3]
        key = await asyncio.to_thread(client.get_signing_key_from_jwt, token)
        jwt.decode(token, key, ["RS256"], options={"verify_aud": False})
        keys = await self._fixed_keys()
        joserfc_jwt.decode(token, keys, algorithms=["RS256"])
        assert await self._is_active(token)
        self.kids.add(str(jwt.get_unverified_header(token)["kid"]))

    async def verify_until_expiry(self, token: str) -> bool:
        """The same of a token that may expire meanwhile; whether it was in time."""
        try:
            await self.verify(token)
        except Exception:
            if seconds_left(token) > 0:
                raise
            return False
        return True

    async def _fixed_keys(self) -> KeySet:
        """Read again after a while, and never because of a token."""
        if self._fixed is None or time.monotonic() > self._fixed_until:
            self._fixed_until = time.monotonic() + 2
            url = f"http://127.0.0.1:{self._ports[self.count % 3]}/.well-known/jwks"
            async with self._http.get(url) as answer:
                assert answer.headers["Cache-Control"] == "public, max-age=2"
                self._fixed = KeySet.import_key_set(await answer.json())
        return self._fixed

    async def _is_active(self, token: str) -> bool:
        port = self._ports[(self.count + 1) % 3]
        form = {"token": token, "client_id": "billing", "client_secret": self._secret}
        async with self._http.post(f"http://127.0.0.1:{port}/connect/introspect", data=form) as got:
            return bool((await got.json())["active"])


async def issue(http: aiohttp.ClientSession, port: int, secret: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": "billing", "client_secret": secret}
    async with http.post(f"http://127.0.0.1:{port}/connect/token", data=form) as answer:
        return str((await answer.json())["access_token"])


def seconds_left(token: str) -> float:
    """Until it expires."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return float(claims["exp"]) - time.time()


async def make_client(env: Env, cwd: Path) -> str:
    create = ("clients", "create", "billing", "--skip-token-encryption", "--json")
    allowed = ("--allow", "introspection", "--allow", "revocation")
    return str((await command(env, cwd, *create, *allowed))["client_secret"])


async def test_F_KEY_01_F_KEY_02_no_verification_ever_fails(
    env: Env,
    ports: list[int],
    tmp_path: Path,
    http: aiohttp.ClientSession,
    long: Callable[[int, int], int],
) -> None:
    """Whatever the habits of the verifiers, when a token is new and when it is about to expire."""
    secret = await make_client(env, tmp_path)
    verifiers = Verifiers(http, ports, secret)
    rotations, pause = long(4, 100), long(100, 0) / 1000
    aging: deque[str] = deque()
    late = 0
    async with asyncio.timeout(rotations * 12):
        while len(verifiers.kids) <= rotations:
            for port in ports:
                token = await issue(http, port, secret)
                await verifiers.verify(token)
                aging.append(token)
            while aging and seconds_left(aging[0]) < LIFETIME / 4:
                late += await verifiers.verify_until_expiry(aging.popleft())
            await asyncio.sleep(pause)
    assert late > rotations
    assert verifiers.count > rotations * 30
    async with http.get(f"http://127.0.0.1:{ports[0]}/.well-known/jwks") as answer:
        published = {key["kid"] for key in (await answer.json())["keys"]}
    assert len(published & verifiers.kids) <= STILL_PUBLISHED
    assert len(published) <= 2 * (STILL_PUBLISHED + 1)


class Fleet:
    """Three servers whose keys stay as they are, and a client of theirs."""

    def __init__(
        self, env: Env, cwd: Path, ports: list[int], http: aiohttp.ClientSession, secret: str
    ) -> None:
        self.env, self.cwd, self.ports = env, cwd, ports
        self._http, self._secret = http, secret

    async def issue(self, number: int = 0) -> str:
        return await issue(self._http, self.ports[number], self._secret)

    async def active(self, token: str) -> list[bool]:
        """What each process says of it."""
        return [(await self._present(p, "introspect", token))["active"] for p in self.ports]

    async def nowhere(self, token: str) -> bool:
        return await self.active(token) == [False] * 3

    async def revoke(self, token: str) -> None:
        await self._present(self.ports[1], "revoke", token)

    async def _present(self, port: int, endpoint: str, token: str) -> Any:
        form = {"token": token, "client_id": "billing", "client_secret": self._secret}
        url = f"http://127.0.0.1:{port}/connect/{endpoint}"
        async with self._http.post(url, data=form) as answer:
            assert answer.status == 200
            return await answer.json() if endpoint == "introspect" else None


@dataclass(frozen=True)
class Lasting:
    """The processes of a fleet, and what its clients know."""

    env: Env
    home: Path
    ports: list[int]
    secret: str


@pytest.fixture(scope="module")
def lasting(lasting_env: Env, home: Path) -> Iterator[Lasting]:
    with servers(3, lasting_env, home) as ports:
        secret = asyncio.run(make_client(lasting_env, home))
        yield Lasting(lasting_env, home, ports, secret)


@pytest.fixture
def fleet(lasting: Lasting, http: aiohttp.ClientSession) -> Fleet:
    return Fleet(lasting.env, lasting.home, lasting.ports, http, lasting.secret)


async def test_R_RV_06_a_revocation_holds_for_every_process_at_once(fleet: Fleet) -> None:
    """Asked of one, obeyed by all, in the same moment."""
    token, other = await fleet.issue(), await fleet.issue()
    assert await fleet.active(token) == [True] * 3
    await fleet.revoke(token)
    assert await fleet.nowhere(token)
    assert await fleet.active(other) == [True] * 3


async def test_the_tokens_of_a_client_end_everywhere(fleet: Fleet) -> None:
    """Within two seconds, by the command line; and new ones are good."""
    token = await fleet.issue()
    await command(fleet.env, fleet.cwd, "clients", "revoke-tokens", "billing")
    await until(lambda: fleet.nowhere(token), BOUND)

    async def is_issued_anew() -> bool:
        return await fleet.active(await fleet.issue()) == [True] * 3

    await until(is_issued_anew, BOUND)


async def test_F_KEY_05_a_lost_key_ends_everywhere(
    fleet: Fleet, http: aiohttp.ClientSession
) -> None:
    """Within two seconds: its tokens, its place in the JWK Set; another one signs."""
    token = await fleet.issue(2)
    kid: Any = jwt.get_unverified_header(token)["kid"]
    await command(fleet.env, fleet.cwd, "keys", "revoke", kid)
    await until(lambda: fleet.nowhere(token), BOUND)
    for port in fleet.ports:
        async with http.get(f"http://127.0.0.1:{port}/.well-known/jwks") as answer:
            assert kid not in {key["kid"] for key in (await answer.json())["keys"]}
    assert await fleet.active(await fleet.issue()) == [True] * 3


async def test_a_mounted_key_is_followed(
    fleet: Fleet, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """A file that one process sees is published by all of them; nobody restarts."""
    port, directory = free_port(), tmp_path
    (directory / "first.jwk").write_text(generate_private_key("ES256").export())
    mounted = {"APOGEE_PORT": str(port), "APOGEE_KEY_FILES": str(directory)}
    with serving(env=fleet.env | mounted, cwd=fleet.cwd) as server:
        await asyncio.to_thread(server.wait_for, "serving")
        second = generate_private_key("ES256")
        (directory / "second.jwk").write_text(second.export())

        async def is_published() -> bool:
            found = []
            for anywhere in (port, *fleet.ports):
                url = f"http://127.0.0.1:{anywhere}/.well-known/jwks"
                async with http.get(url) as answer:
                    found.append({key["kid"] for key in (await answer.json())["keys"]})
            return all(second.thumbprint() in kids for kids in found)

        await until(is_published, 10)
