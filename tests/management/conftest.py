"""Empty stores of both kinds, for what is done without a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from apogee_idp.app import changes_in, opened_store
from apogee_idp.commands import MaintainKeys
from apogee_idp.key_model import KeyRingRecord
from apogee_idp.management.actor import SERVER_ACTOR
from apogee_idp.management.key_ring import AuditedKeyRing
from apogee_idp.management.registrations import ClientRegistration
from apogee_idp.management.users import NewUser, UserCommands
from apogee_idp.model import Resource, Scope
from apogee_idp.settings import Settings
from apogee_idp.stores.base import Store
from tests.acting import acting
from tests.canary import OPERATORS_SECRET
from tests.clock import NOW, Clock
from tests.keys import new_ring

from .all_commands import ANN, BILLING, EVE, FACTOR, GOOGLE, GUARD, PASSWORDS, Commands, commands_on


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if backend == "mongodb":
        return str(request.getfixturevalue("databases").new())
    return f"sqlite:///{tmp_path / 'apogee.db'}"


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    async with opened_store(Settings(store=store_url)) as store:
        yield store


@pytest.fixture(scope="session")
def key_ring() -> KeyRingRecord:
    """Made once: RSA keys take their time."""
    return new_ring(GUARD, now=NOW)


@pytest.fixture
async def commands(store: Store, clock: Clock, key_ring: KeyRingRecord) -> Commands:
    """On a store with something of each kind, two scopes behind one resource."""
    made = commands_on(store, clock)
    ring = AuditedKeyRing(store, changes_in(store, now=clock), SERVER_ACTOR)
    await ring.add(MaintainKeys, key_ring)
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
    clock.now += 1
    return made
