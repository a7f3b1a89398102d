"""Every command leaves exactly one entry, without secrets; without it, nothing changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jwcrypto import jwk

from apogee_idp.errors import CommandRefused, StoreUnavailable
from apogee_idp.management.client_secrets import SecretCommands
from apogee_idp.management.clients import ClientCommands
from apogee_idp.management.keys import KeyCommands
from apogee_idp.management.resources import ResourceCommands
from apogee_idp.management.scopes import ScopeCommands
from apogee_idp.management.users import UserCommands
from apogee_idp.model import Resource, Scope
from apogee_idp.stores.base import Collection, Store
from apogee_idp.stores.repositories import (
    clients_in,
    load_key_ring,
    resources_in,
    scopes_in,
    users_in,
)
from tests.acting import TESTER, acting, entries_in
from tests.canary import OPERATORS_SECRET, findings_in
from tests.clock import Clock
from tests.keys import DAY, key_keeper

from .all_commands import ALL, GUARD, Commands, changes_of, commands_on, contents


async def changed(store: Store, kind: str, key: str) -> Any:
    """The entity, if there is one."""
    if kind == "key_ring":
        return await load_key_ring(store)
    repository: Any = {
        "client": clients_in,
        "scope": scopes_in,
        "resource": resources_in,
        "user": users_in,
    }[kind]
    return await repository(store).get(key)


@pytest.mark.parametrize("action", ALL)
async def test_a_command_leaves_one_entry_and_its_id(
    commands: Commands, store: Store, clock: Clock, action: str
) -> None:
    """Whatever number of documents it touches; what it leaves behind names the entry."""
    kind, key, run = ALL[action]
    known = {entry.id for entry in await entries_in(store)}
    await run(commands)
    (entry,) = [entry for entry in await entries_in(store) if entry.id not in known]
    assert (entry.action, entry.kind, entry.key) == (action, kind, key)
    assert (entry.actor, entry.request_id, entry.at) == (TESTER.subject, "test", clock.now)
    assert entry.outcome == "done"
    assert (entry.before is None) == (action == f"add_{kind}")
    assert (entry.after is None) == action.startswith("delete_")
    assert entry.before != entry.after
    entity = await changed(store, kind, key)
    assert (None if entity is None else entity.change_id) == (
        None if action.startswith("delete_") else entry.id
    )


def test_every_command_is_in_that_table() -> None:
    """Whoever adds one adds it there."""
    no_commands = {"all", "check_privilege", "get", "list", "page", "scopes_of", "statuses"}
    by_other_names = {
        "configure": "update_client",
        "set_enabled": "disable_client",
        "report_leaked": "end_leaked_secret",
        "store_signed_in": "update_user",
    }
    found = {
        by_other_names.get(name, name)
        for kind in (
            ScopeCommands,
            ResourceCommands,
            ClientCommands,
            SecretCommands,
            KeyCommands,
            UserCommands,
        )
        for name in vars(kind)
        if not name.startswith("_") and name not in no_commands
    }
    covered = {action.split("_")[0] for action in ALL} | set(ALL)
    assert found <= covered | {"end_leaked_secret"}


class Refusing:
    """A collection that nothing can be inserted into."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)

    async def insert(self, *_: object, **__: object) -> str:
        raise StoreUnavailable("gone")


@pytest.mark.parametrize("action", ALL)
@pytest.mark.usefixtures("commands")
async def test_without_an_entry_nothing_changes(store: Store, clock: Clock, action: str) -> None:
    """The command fails, and no document has another version."""
    before = await contents(store)
    refused = commands_on(store, clock, changes_of(store, clock, Refusing(store.audit)))  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailable):
        await ALL[action][2](refused)
    assert await contents(store) == before


async def test_A_SEC_01_no_entry_has_a_secret(
    commands: Commands, store: Store, clock: Clock
) -> None:
    """Nor a hash, nor a private key: those of an imported client's JWK Set included."""
    private = jwk.JWK.generate(kty="EC", crv="P-256").export(as_dict=True)
    await store.applications.insert(
        "imported",
        {
            "client_secret": "AQAAAAEAACcQ-planted",
            "json_web_key_set": {"keys": [private, {"kty": "oct", "k": OPERATORS_SECRET}]},
        },
    )
    secret = await commands.secrets.rotate("billing", 0)
    await commands.clients.delete("imported")
    await commands.keys.rotate("RS256", GUARD)
    ring = await load_key_ring(store)
    billing = await clients_in(store).get("billing")
    assert ring is not None
    assert billing is not None
    written = json.dumps([dict(item.document) for item in (await store.audit.list()).items])
    assert private["x"] in written  # the public half
    assert findings_in(written) == []
    sealed = [key.sealed for key in ring.keys]
    hashes = [stored.hash for stored in billing.secrets]
    for hidden in (private["d"], OPERATORS_SECRET, secret.value, *sealed, *hashes):
        assert hidden not in written


async def test_the_end_of_a_leaked_secret_is_recorded(
    commands: Commands, store: Store, clock: Clock
) -> None:
    """Whoever reported it, and however often."""
    secret = await commands.secrets.add("billing")
    assert await commands.secrets.report_leaked(secret.value)
    clock.now += 60
    assert not await commands.secrets.report_leaked(secret.value)
    ended = [e for e in await entries_in(store) if e.action == "end_leaked_secret"]
    assert [(e.key, e.outcome) for e in ended] == [("billing", "done")]


async def test_a_command_that_comes_second_is_recorded_as_refused(
    commands: Commands, store: Store, clock: Clock
) -> None:
    """It got past the checks, but the name was taken in the meantime."""
    with pytest.raises(CommandRefused):
        await commands.scopes.add(Scope("read"))
    refused = [e for e in await entries_in(store) if e.outcome == "refused"]
    assert [(e.action, e.key) for e in refused] == [("add_scope", "read")]


async def test_a_scope_that_vanishes_leaves_no_false_refusal(
    commands: Commands, store: Store, clock: Clock
) -> None:
    """The resource is registered by then: the entry is settled by looking at it."""
    real = commands.resources._resources

    class Vanishing:
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        async def add(self, resource: Resource) -> Resource:
            added = await real.add(resource)
            await scopes_in(store).delete("write")
            return added

    commands.resources._resources = Vanishing()  # type: ignore[assignment]
    with pytest.raises(CommandRefused, match="write was deleted meanwhile"):
        await commands.resources.add(Resource("https://new.example"), ("read", "write"))
    pending = [e.key for e in await entries_in(store) if e.outcome == "pending"]
    assert pending == ["https://new.example"]
    clock.now += 60
    await acting(store, now=clock)["changes"].audit.settle(store)
    assert {e.outcome for e in await entries_in(store)} == {"done"}


async def test_F_KEY_03_a_rotation_by_itself_leaves_one_entry(store: Store, clock: Clock) -> None:
    """Of the server, for each set that was made or removed; ticks without either leave none."""
    keeper = key_keeper(store, GUARD, now=clock)
    await keeper.load()
    others = [key_keeper(store, GUARD, now=clock) for _ in range(2)]
    for other in others:
        await other.load()
    for days in (0, 89, 89, 93, 93):
        clock.now += (days * DAY) - (clock.now - 1_800_000_000)
        for each in (keeper, *others):
            await each.load()
            await each.maintain()
    found = await entries_in(store)
    assert {(e.actor, e.action, e.outcome) for e in found} == {
        ("apogee-idp", "maintain_keys", "done")
    }
    sizes = [(len((e.before or {"keys": ()})["keys"]), len((e.after or {})["keys"])) for e in found]
    assert sizes[-1][0] == 0
    assert all(before != after for before, after in sizes)
    ring = await load_key_ring(store)
    assert ring is not None
    assert ring.change_id == found[0].id
    assert len(found) == 3
