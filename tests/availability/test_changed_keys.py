"""A key set that another process changes is followed, if it can be opened."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from apogee_idp.crypto.sealing import KeyEncryptionKey
from apogee_idp.stores.key_documents import write_key_ring
from tests.conftest import StartIdp
from tests.idp import Idp
from tests.keys import new_ring
from tests.waiting import until

BOUND = 2.0


@pytest.fixture
async def idp(start_idp: StartIdp) -> Idp:
    return await start_idp()


async def published(idp: Idp) -> Any:
    return (await idp.send("GET", "/.well-known/jwks")).json


async def change_keys(idp: Idp, key_encryption_key: str) -> None:
    sealing = KeyEncryptionKey.parse(key_encryption_key)
    ring = await asyncio.to_thread(new_ring, sealing, now=0)
    stored = await idp.installation.store.keys.get("current")
    assert stored is not None
    changes = write_key_ring(ring)
    await idp.installation.store.keys.replace("current", changes, version=stored.version)


def told(idp: Idp, problem: str) -> Callable[[], Awaitable[bool]]:
    async def is_told() -> bool:
        return problem in (idp.installation.readiness.problem or "")

    return is_told


async def test_a_new_key_set_is_published_within_two_seconds(
    idp: Idp, key_encryption_key: str
) -> None:
    """And signs from then on."""
    old = await published(idp)
    await change_keys(idp, key_encryption_key)

    async def is_followed() -> bool:
        return bool(await published(idp) != old)

    await until(is_followed, BOUND)
    secret = await idp.add_client(skip_token_encryption=True)
    await idp.claims((await idp.grant("billing", secret)).token)


async def test_F_KEY_04_keys_that_can_not_be_opened_change_nothing(
    idp: Idp, key_encryption_key: str
) -> None:
    """The old ones go on, the problem is told, and a set that can be opened ends it."""
    old = await published(idp)
    await change_keys(idp, "A" * 43 + "=")
    await until(told(idp, "no key-encryption key opens"), BOUND)
    assert idp.installation.readiness.is_ready
    assert await published(idp) == old
    secret = await idp.add_client()
    assert (await idp.grant("billing", secret)).status == 200
    await change_keys(idp, key_encryption_key)

    async def is_well() -> bool:
        return idp.installation.readiness.problem is None

    await until(is_well, BOUND)


async def test_F_PR_07_a_damaged_key_set_changes_nothing(idp: Idp) -> None:
    """The old keys go on, and the problem is told."""
    old = await published(idp)
    stored = await idp.installation.store.keys.get("current")
    assert stored is not None
    damage = {"keys": [{"kid": 5}]}
    await idp.installation.store.keys.replace("current", damage, version=stored.version)
    await until(told(idp, "the stored key ring can't be read"), BOUND)
    assert await published(idp) == old


async def test_a_key_set_that_is_gone_is_not_made_anew(idp: Idp) -> None:
    """While anyone still serves the old one: that is for a backup to bring back."""
    old = await published(idp)
    await idp.installation.store.keys.delete("current")
    await until(told(idp, "the key ring is gone"), BOUND)
    assert await published(idp) == old
    assert await idp.installation.store.keys.get("current") is None
