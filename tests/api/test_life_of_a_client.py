"""A client from its creation to its end, by the API alone, while it gets tokens all the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from apogee_idp.app import now
from tests.conftest import NewStoreUrl, StartIdp
from tests.idp import Idp
from tests.waiting import until

from .conftest import Admin, new_admin

HOUR = 3600
CLIENT = "/clients/billing"


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def load(servers: Sequence[Idp], secret: Callable[[], str]) -> AsyncIterator[list[int]]:
    """Token requests at each server, one behind the other; yields the statuses so far."""
    statuses: list[int] = []
    is_over = False

    async def ask(server: Idp) -> None:
        while not is_over:
            statuses.append((await server.grant("billing", secret(), scope="ping")).status)

    asking = [asyncio.create_task(ask(server)) for server in servers for _ in range(2)]
    try:
        yield statuses
    finally:
        is_over = True
        await asyncio.gather(*asking)


async def more(statuses: list[int], number: int = 20) -> None:
    """Until so many more requests were answered."""
    goal = len(statuses) + number

    async def are_there() -> bool:
        return len(statuses) >= goal

    await until(are_there, 30)


async def taken(servers: Sequence[Idp], secret: str) -> None:
    """Until every server takes the secret, which may be two seconds."""

    async def is_taken() -> bool:
        return {(await server.grant("billing", secret)).status for server in servers} == {200}

    await until(is_taken, 10)


async def version_of(admin: Admin) -> str:
    return (await admin.call("GET", CLIENT)).headers["ETag"]


async def secrets_of(admin: Admin) -> dict[str, bool]:
    """Each secret's id, and whether it is safe to retire."""
    listed = (await admin.call("GET", f"{CLIENT}/secrets")).json["items"]
    return {secret["id"]: secret["is_safe_to_retire"] for secret in listed}


async def rotated(servers: Sequence[Idp], admin: Admin) -> str:
    """The new secret of two, once every server takes it."""
    made = await admin.call("POST", f"{CLIENT}/secrets/rotate", {"overlap_seconds": 24 * HOUR})
    assert made.status == 201
    secret = str(made.json["client_secret"])
    await taken(servers, secret)
    return secret


async def rename(admin: Admin) -> None:
    changed = {"client_id": "billing", "display_name": "Billing", "scopes": ["ping"]}
    answer = await admin.call("PUT", CLIENT, changed, If_Match=await version_of(admin))
    assert answer.status == 200


async def test_the_life_of_a_client(start_idp: StartIdp, new_store_url: NewStoreUrl) -> None:
    """Two servers on one store, two requests at a time at each: not one of them fails."""
    clock = [now()]
    url = await new_store_url()
    servers = [await start_idp(store=url, clock=lambda: clock[0]) for _ in range(2)]
    admin = await new_admin(servers[0])
    made = await admin.call("POST", "/clients", {"client_id": "billing", "scopes": ["ping"]})
    secret: str = made.json["client_secret"]
    (first,) = await secrets_of(admin)
    async with load(servers, lambda: secret) as statuses:
        await more(statuses)
        secret = await rotated(servers, admin)
        await more(statuses)
        for server in servers:
            await server.installation.management.usage.flush()
        assert (await secrets_of(admin))[first] is False
        assert (await admin.call("DELETE", f"{CLIENT}/secrets/{first}")).status == 409
        clock[0] += 2 * HOUR
        admin = await new_admin(servers[0], client_id="next-shift")
        await more(statuses)
        assert (await secrets_of(admin))[first] is True
        assert (await admin.call("DELETE", f"{CLIENT}/secrets/{first}")).status == 204
        await more(statuses)
        await rename(admin)
        await more(statuses)
    assert set(statuses) == {200}
    await ended(servers[0], admin, secret)


async def ended(told: Idp, admin: Admin, secret: str) -> None:
    """Disabled, enabled, deleted: each is obeyed at once by the server that was told."""
    assert (await admin.call("POST", f"{CLIENT}/disable")).status == 200
    assert (await told.grant("billing", secret)).error == "invalid_client"
    assert (await admin.call("POST", f"{CLIENT}/enable")).status == 200
    assert (await told.grant("billing", secret)).status == 200
    gone = await admin.call("DELETE", CLIENT, If_Match=await version_of(admin))
    assert gone.status == 204
    assert (await told.grant("billing", secret)).error == "invalid_client"
    assert (await admin.call("GET", CLIENT)).status == 404
