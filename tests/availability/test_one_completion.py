"""Pushed authorization requests over several processes: each leads to one code."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp

from apogee_idp.app import new_id, now, opened_store
from apogee_idp.consents import Consents
from apogee_idp.requests import UserAuthentication
from apogee_idp.sessions import SessionLimits, Sessions
from apogee_idp.settings import Settings
from apogee_idp.stores.base import Store
from apogee_idp.stores.repositories import clients_in, users_in
from tests.conftest import NewStoreUrl
from tests.process import environment, run

from .conftest import PATIENCE, servers

CALLBACK = "https://app.example/cb"
REQUEST = {
    "client_id": "app",
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": "openid",
    "code_challenge": base64.urlsafe_b64encode(b"c" * 32).decode().rstrip("="),
    "code_challenge_method": "S256",
}
AT_ONCE = 32


@dataclass
class Scene:
    """Three processes on one store, and a browser in which everything has been agreed to."""

    ports: list[int]
    cookie: str
    http: aiohttp.ClientSession

    def url(self, number: int, path: str) -> str:
        return f"http://127.0.0.1:{self.ports[number % len(self.ports)]}/connect/{path}"

    async def push(self, number: int) -> str:
        async with self.http.post(self.url(number, "par"), data=REQUEST) as answer:
            assert answer.status == 201
            return str((await answer.json())["request_uri"])

    async def visit(self, number: int, request_uri: str) -> str:
        """``code``, or the error that the client or the person is told."""
        async with self.http.get(
            self.url(number, "authorize"),
            params={"client_id": "app", "request_uri": request_uri},
            headers={"Cookie": f"__Host-apogee_session={self.cookie}"},
            allow_redirects=False,
        ) as answer:
            if answer.status != 303:
                return f"page {answer.status}"
            told = parse_qs(urlsplit(answer.headers["Location"]).query)
            return "code" if "code" in told else told["error"][0]


async def signed_in(store: Store, subject: str) -> str:
    """The value of a cookie, of somebody who has allowed the app what it asks for."""
    users, app = users_in(store), await clients_in(store).get("app")
    user = await users.get(subject)
    assert user is not None
    assert app is not None
    await Consents(store.consents, now=now).remember(subject, app, ["openid"])
    sessions = Sessions(
        store.sessions, users.get, SessionLimits(3600, 3600), now=now, new_id=new_id, ended=print
    )
    value, _ = await sessions.begin(UserAuthentication(user, now(), now()))
    return value


async def test_R_PA_01_one_code_of_many_visits_at_once(
    new_store_url: NewStoreUrl,
    key_encryption_key: str,
    tmp_path: Path,
    http: aiohttp.ClientSession,
    long: Callable[[int, int], int],
) -> None:
    """20 requests, each visited by 32 at once in three processes."""
    env = environment(
        APOGEE_ISSUER="https://idp.example",
        APOGEE_STORE=await new_store_url(),
        APOGEE_KEY_ENCRYPTION_KEY=key_encryption_key,
        APOGEE_HANDLER_TIMEOUT=PATIENCE,
    )
    client = ("clients", "create", "app", "--public", "--redirect-uri", CALLBACK, "--require-par")
    assert run(*client, env=env, cwd=tmp_path).returncode == 0
    user = ("users", "create", "ann@example.com", "--without-password", "--json")
    subject = str(json.loads(run(*user, env=env, cwd=tmp_path).stdout)["subject"])
    async with opened_store(Settings(store=env["APOGEE_STORE"])) as store:
        cookie = await signed_in(store, subject)
    with servers(3, env, tmp_path) as ports:
        scene = Scene(ports, cookie, http)
        for _ in range(long(20, 200)):
            uri = await scene.push(0)
            told = await asyncio.gather(*(scene.visit(number, uri) for number in range(AT_ONCE)))
            assert told.count("code") == 1, told
            assert {*told} <= {"code", "invalid_request_uri", "page 400"}
