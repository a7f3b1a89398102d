"""A running server, seen from outside, and the means to put clients into its store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any, Self

import aiohttp
import jwt
from multidict import CIMultiDict

from apogee_idp.app import Installation
from apogee_idp.crypto.sealing import KeyEncryptionKey, unseal
from apogee_idp.management.client_rules import ClientRules
from apogee_idp.management.client_secrets import SecretCommands
from apogee_idp.management.clients import ClientCommands
from apogee_idp.management.registrations import ClientRegistration
from apogee_idp.model import Client
from apogee_idp.stores.repositories import clients_in, load_key_ring

from .acting import acting
from .overhearing import overhear

ISSUER = "https://idp.example"
TOKEN_PATH = "/connect/token"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    """A response, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        return str(self.json["error"])

    @property
    def token(self) -> str:
        assert self.status == 200, self.body
        return str(self.json["access_token"])


class Idp:
    """One server under test."""

    def __init__(self, installation: Installation, port: int, clock: Callable[[], int]) -> None:
        self.installation = installation
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.secrets: dict[str, str] = {}
        self._clock = clock
        self._stack = AsyncExitStack()
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = await self._stack.enter_async_context(aiohttp.ClientSession())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def add_client(
        self, client_id: str = "billing", *, secret: str | None = None, **registration: Any
    ) -> str:
        """A new client's secret; "" of one that has none."""
        store, clock = self.installation.store, self._clock
        rules = ClientRules(private_hosts=self.installation.settings.private_hosts)
        commands = ClientCommands(store, now=clock, rules=rules, **acting(store, now=clock))
        wanted = ClientRegistration(client_id, **registration)
        made = (await commands.add(wanted, secret=secret)).secret
        if made is None:
            return ""
        self.secrets[client_id] = made.value
        return made.value

    def secret_commands(self) -> SecretCommands:
        """The commands on its clients' secrets, with its clock and its own counters."""
        store, usage = self.installation.store, self.installation.management.usage
        return SecretCommands(store, usage, now=self._clock, **acting(store, now=self._clock))

    async def change_client(self, client_id: str, **changes: Any) -> Client:
        """Rewrites parts of a stored client."""
        repository = clients_in(self.installation.store)
        client = await repository.get(client_id)
        assert client is not None
        return await repository.update(replace(client, **changes))

    async def ask(
        self, parameters: Mapping[str, str] | str, *, basic: tuple[str, str] | None = None
    ) -> Answer:
        """POSTs a form to the token endpoint."""
        headers = {"Content-Type": FORM}
        if basic is not None:
            headers["Authorization"] = aiohttp.encode_basic_auth(*basic)
        body = parameters if isinstance(parameters, str) else _form(parameters)
        return await self.send("POST", TOKEN_PATH, headers=headers, data=body)

    async def grant(self, client_id: str, secret: str, **parameters: str) -> Answer:
        """A client credentials request with client_secret_post."""
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
        }
        return await self.ask(form | parameters)

    async def present(
        self, endpoint: str, token: str, client_id: str, secret: str, **parameters: str
    ) -> Answer:
        """POSTs a token to ``introspect`` or ``revoke``, with client_secret_post."""
        form = {"token": token, "client_id": client_id, "client_secret": secret} | parameters
        headers = {"Content-Type": FORM}
        return await self.send("POST", f"/connect/{endpoint}", headers=headers, data=_form(form))

    async def allow(self, client_id: str, *endpoints: str) -> None:
        """Permits a client to use ``introspection`` or ``revocation``."""
        client = await clients_in(self.installation.store).get(client_id)
        assert client is not None
        permissions = client.permissions | {f"ept:{endpoint}" for endpoint in endpoints}
        await self.change_client(client_id, permissions=permissions)

    async def send(self, method: str, path: str, **options: Any) -> Answer:
        """Any request."""
        async with self._session.request(method, self.url + path, **options) as response:
            answer = Answer(response.status, response.headers, await response.read())
        overhear(method, path, options, answer.body, answer.status)
        return answer

    async def send_raw(self, request: bytes) -> Answer:
        """Bytes as they are, on a connection of their own; the connection closes behind them."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            await writer.drain()
            status_line = await asyncio.wait_for(reader.readline(), 15)
            status = int(status_line.split()[1])
            headers: CIMultiDict[str] = CIMultiDict()
            while (line := await reader.readline()).strip():
                name, _, value = line.decode("latin-1").partition(":")
                headers[name] = value.strip()
            body = await reader.readexactly(int(headers.get("Content-Length", 0)))
            return Answer(status, headers, body)
        finally:
            writer.close()

    async def claims(self, token: str, **expected: Any) -> dict[str, Any]:
        """The claims of a JWS, verified by PyJWT against the published keys."""
        keys = (await self.send("GET", "/.well-known/jwks")).json["keys"]
        header = jwt.get_unverified_header(token)
        (key,) = [jwt.PyJWK(key) for key in keys if key["kid"] == header["kid"]]
        options = {"verify_aud": False, "verify_exp": False, "verify_iat": False}
        return jwt.decode(token, key, algorithms=[header["alg"]], options=options, **expected)

    async def decrypted(self, token: str) -> dict[str, Any]:
        """The claims of the JWS inside a JWE."""
        return await self.claims(await self.decrypt(token))

    async def decrypt(self, token: str) -> str:
        """The JWS inside a JWE, opened with the server's own key."""
        from joserfc import jwe
        from joserfc.jwk import RSAKey

        ring = await load_key_ring(self.installation.store)
        assert ring is not None
        (text,) = self.installation.settings.key_encryption_key
        (record,) = [record for record in ring.keys if record.use == "enc"]
        private = unseal(record, [KeyEncryptionKey.parse(text)]).export_private(as_dict=True)
        algorithms = ["RSA-OAEP", "A256CBC-HS512"]
        opened = jwe.decrypt_compact(token, RSAKey.import_key(private), algorithms=algorithms)
        assert opened.plaintext is not None
        return opened.plaintext.decode()


def is_jwe(token: str) -> bool:
    return token.count(".") == 4


def _form(parameters: Mapping[str, str]) -> str:
    from urllib.parse import urlencode

    return urlencode(parameters)
