"""The part of the load that goes by the management API, with an entry in the trail for each."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

from tests.idp import Answer

from .writers import Round, Writer, accepted

FIRST, SECOND, ABSENT = "First", "Second", "absent"


class ApiWriter(Writer):
    """Has a token of an administrator, for one round."""

    def __init__(self, current: Round) -> None:
        super().__init__(current)
        self._token = ""

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """A request below the API; ``If_Match`` is the header If-Match."""
        if not self._token:
            self._token = (await self.scene.grant("boss")).token
        sent = {"Authorization": f"Bearer {self._token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            sent["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body)
        return await self.service.send(method, f"/api/v1{path}", headers=sent, data=data)

    async def change(self, method: str, path: str, body: Any = None) -> None:
        """On the version that stands."""
        tag = (await self.call("GET", path)).headers["ETag"]
        answer = await self.call(method, path, body, If_Match=tag)
        assert answer.status in (200, 204), answer.body

    async def name_of(self, path: str) -> str:
        """How the display name of what is there begins, or ABSENT."""
        answer = await self.call("GET", path)
        return ABSENT if answer.status == 404 else str(answer.json["display_name"].split()[0])


class Clients(ApiWriter):
    """Clients, their secrets, and the Idempotency-Keys that they are made with."""

    kinds = ("client", "secret", "request")

    async def write(self) -> None:
        client_id = next(self.names)
        secret = await self._create(client_id)
        if self.chance():
            await self._rename(client_id)
            secret = await self._rotate(client_id, secret)
        if self.chance():
            await self._delete(client_id, secret)

    async def look(self, kind: str, rest: str) -> str:
        if kind == "client":
            return await self.name_of(f"/clients/{rest}")
        if kind == "secret":
            client_id, _, secret = rest.partition(" ")
            return await self._state_of(client_id, secret)
        answer = await self._post(rest)
        if answer.status == 201:
            return "made" if "Idempotency-Replayed" in answer.headers else "not begun"
        return str(answer.json["type"].rpartition(":")[2])

    async def _create(self, client_id: str) -> str:
        self.oracle.begins(f"client {client_id}", ABSENT, FIRST)
        # Between them, the client is made or not, and nobody may say "made" who hasn't heard it.
        in_doubt = ("idempotency-key-in-use", "idempotency-outcome-unknown")
        self.oracle.begins(f"request {client_id}", "not begun", "made", *in_doubt)
        answer = await self._post(client_id)
        assert answer.status == 201, answer.body
        # A store that is lost before the reply is kept leaves the key in doubt, never free.
        self.oracle.holds(f"request {client_id}", "made", *in_doubt)
        self.oracle.holds(f"client {client_id}", FIRST)
        self.oracle.changed("add_client", client_id)
        secret = str(answer.json["client_secret"])
        self.oracle.holds(f"secret {client_id} {secret}", "works")
        return secret

    async def _post(self, client_id: str) -> Answer:
        body = {"client_id": client_id, "display_name": f"{FIRST} {client_id}"}
        return await self.call("POST", "/clients", body, Idempotency_Key=client_id)

    async def _rename(self, client_id: str) -> None:
        self.oracle.begins(f"client {client_id}", SECOND)
        name = f"{SECOND} {client_id}"
        await self.change("PATCH", f"/clients/{client_id}", {"display_name": name})
        self.oracle.holds(f"client {client_id}", SECOND)
        self.oracle.changed("update_client", client_id)

    async def _rotate(self, client_id: str, secret: str) -> str:
        self.oracle.begins(f"secret {client_id} {secret}", "ended")
        answer = await self.call("POST", f"/clients/{client_id}/secrets/rotate", {})
        assert answer.status == 201, answer.body
        self.oracle.holds(f"secret {client_id} {secret}", "ended")
        new = str(answer.json["client_secret"])
        self.oracle.holds(f"secret {client_id} {new}", "works")
        self.oracle.changed("rotate_secret", client_id)
        return new

    async def _delete(self, client_id: str, secret: str) -> None:
        self.oracle.begins(f"client {client_id}", ABSENT)
        self.oracle.begins(f"secret {client_id} {secret}", "ended")
        await self.change("DELETE", f"/clients/{client_id}")
        self.oracle.holds(f"client {client_id}", ABSENT)
        self.oracle.holds(f"secret {client_id} {secret}", "ended")
        self.oracle.changed("delete_client", client_id)

    async def _state_of(self, client_id: str, secret: str) -> str:
        form = {"client_id": client_id, "client_secret": secret}
        answer = await self.service.form("/connect/token", grant_type="client_credentials", **form)
        return "works" if accepted(answer, "invalid_client") else "ended"


class Entities(ApiWriter):
    """Scopes and resources."""

    kinds = ("scope", "resource")

    async def write(self) -> None:
        name = next(self.names)
        await self._live("scope", "name", name)
        await self._live("resource", "identifier", f"https://{name}.example")

    async def look(self, kind: str, rest: str) -> str:
        return await self.name_of(_path(kind, rest))

    async def _live(self, kind: str, member: str, name: str) -> None:
        thing, path = f"{kind} {name}", _path(kind, name)
        self.oracle.begins(thing, ABSENT, FIRST)
        answer = await self.call("POST", f"/{kind}s", {member: name, "display_name": FIRST})
        assert answer.status == 201, answer.body
        self.oracle.holds(thing, FIRST)
        self.oracle.changed(f"add_{kind}", name)
        if self.chance():
            self.oracle.begins(thing, SECOND)
            await self.change("PUT", path, {"display_name": SECOND})
            self.oracle.holds(thing, SECOND)
            self.oracle.changed(f"update_{kind}", name)
        if self.chance():
            self.oracle.begins(thing, ABSENT)
            await self.change("DELETE", path)
            self.oracle.holds(thing, ABSENT)
            self.oracle.changed(f"delete_{kind}", name)


class Keys(ApiWriter):
    """Keys rotate as often as one may: while one waits to take over, there is no other."""

    kinds = ("key",)

    async def write(self) -> None:
        answer = await self.call("POST", "/keys", {"algorithm": "ES256"})
        if answer.status == 422:
            await asyncio.sleep(0.2)
            return
        assert answer.status == 201, answer.body
        self.oracle.holds(f"key {answer.json['kid']}", "there")
        self.oracle.changed("rotate_key", "current")

    async def look(self, kind: str, rest: str) -> str:
        keys = (await self.call("GET", "/keys")).json["items"]
        return "there" if rest in {key["kid"] for key in keys} else ABSENT


def _path(kind: str, name: str) -> str:
    return f"/{kind}s/{quote(name, safe='')}"
