"""Empty stores of both kinds, for what is done without a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from apogee_idp.app import opened_store
from apogee_idp.management.registrations import ClientRegistration
from apogee_idp.management.users import NewUser, UserCommands
from apogee_idp.model import Resource, Scope
from apogee_idp.settings import Settings
from apogee_idp.stores.base import Store, Stored
from tests.acting import acting
from tests.canary import OPERATORS_SECRET
from tests.clock import Clock
from tests.keys import key_keeper

from .all_commands import ANN, BILLING, EVE, FACTOR, GOOGLE, GUARD, PASSWORDS, Commands, commands_on

FURNISHED = ("audit", "applications", "scopes", "resources", "keys", "users", "logins")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def store(empty_store_url: str) -> AsyncIterator[Store]:
    async with opened_store(Settings(store=empty_store_url)) as store:
        yield store


async def furnish(store: Store, clock: Clock) -> None:
    """Something of each kind, two scopes behind one resource."""
    made = commands_on(store, clock)
    await key_keeper(store, GUARD, now=clock).load()
    for name in ("read", "write"):
        await made.scopes.add(Scope(name))
    await made.resources.add(Resource(BILLING), ("read", "write"))
    await made.clients.add(ClientRegistration("billing"), secret=OPERATORS_SECRET)
    subjects = [ANN]
    people = UserCommands(
        store, PASSWORDS, now=clock, new_subject=subjects.pop, **acting(store, now=clock)
    )
    await people.add(NewUser("ann@example.com", roles=("reader",)))
    subjects.append(EVE)
    await people.add(NewUser("eve@example.com", "another long one", identity=GOOGLE))
    await people.add_second_factor(EVE, FACTOR)


@pytest.fixture(scope="session")
def furniture() -> dict[str, tuple[Stored, ...]]:
    """The documents of such a store, by collection; made once, as keys and hashes take time."""

    async def make() -> dict[str, tuple[Stored, ...]]:
        async with opened_store(Settings(store="sqlite:///:memory:")) as store:
            await furnish(store, Clock())
            return {name: (await getattr(store, name).list()).items for name in FURNISHED}

    return asyncio.run(make())


@pytest.fixture
async def commands(
    store: Store, clock: Clock, furniture: dict[str, tuple[Stored, ...]]
) -> Commands:
    """On a store with something of each kind, two scopes behind one resource."""
    for name, documents in furniture.items():
        for each in documents:
            await getattr(store, name).insert(each.key, each.document)
    clock.now += 1
    return commands_on(store, clock)
