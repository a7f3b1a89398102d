"""Administrators of a real server, on every store."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from apogee_idp.model import MANAGEMENT_SCOPES
from tests.idp import Answer, Idp

API = "/api/v1"


class Admin:
    """A client with a token for the management API."""

    def __init__(self, idp: Idp, token: str) -> None:
        self.idp = idp
        self.token = token

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """A request below the API; ``If_Match`` is the header If-Match."""
        sent = {"Authorization": f"Bearer {self.token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        options: dict[str, Any] = {}
        if body is not None:
            options["data"] = body if isinstance(body, bytes) else json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        return await self.idp.send(method, API + path, headers=sent, **options)


NewAdmin = Callable[..., Awaitable[Admin]]


async def new_admin(idp: Idp, *scopes: str, client_id: str = "", **command: Any) -> Admin:
    """By default with ``idp:admin``."""
    granted = scopes or ("idp:admin",)
    client_id = client_id or "-".join(s.removeprefix("idp:") for s in granted) + "-admin"
    secret = await idp.add_client(
        client_id, scopes=tuple(MANAGEMENT_SCOPES), default_scopes=granted, **command
    )
    return Admin(idp, (await idp.grant(client_id, secret)).token)


@pytest.fixture
async def admin(idp: Idp) -> Admin:
    return await new_admin(idp)
