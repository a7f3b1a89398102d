"""Every command leaves exactly one entry, without secrets; without it, nothing changes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from jwcrypto import jwk

from apogee_idp.errors import CommandRefused, StoreUnavailable
from apogee_idp.management.audit import Audit, AuditEntry
from apogee_idp.management.client_secrets import SecretCommands
from apogee_idp.management.clients import ClientCommands
from apogee_idp.management.keys import KeyCommands
from apogee_idp.management.registrations import ClientRegistration
from apogee_idp.management.resources import ResourceCommands
from apogee_idp.management.scopes import ScopeCommands
from apogee_idp.model import Resource, Scope
from apogee_idp.secret_usage import SecretUsage
from apogee_idp.stores.base import Collection, Store
from apogee_idp.stores.repositories import (
    clients_in,
    load_key_ring,
    resources_in,
    scopes_in,
)
from tests.acting import TESTER, acting
from tests.canary import OPERATORS_SECRET, findings_in
from tests.keys import ALGORITHMS, DAY, PERIODS, fresh_key_encryption_key, key_keeper

from .conftest import Clock

BILLING = "https://billing.example"
GUARD = fresh_key_encryption_key()
CHANGED = ("applications", "scopes", "resources", "keys")


@dataclass(frozen=True)
class Commands:
    """All commands on one store, by one tester."""

    scopes: ScopeCommands
    resources: ResourceCommands
    clients: ClientCommands
    secrets: SecretCommands
    keys: KeyCommands


def commands_on(store: Store, clock: Clock, trail: Collection | None = None) -> Commands:
    """``trail`` is where the entries go; the store's own by default."""
    who = acting(store, now=clock)
    if trail is not None:
        who["audit"] = Audit(trail, now=clock, new_id=lambda: "x")
    return Commands(
        ScopeCommands(store, **who),
        ResourceCommands(store, **who),
        ClientCommands(store, now=clock, **who),
        SecretCommands(store, SecretUsage(store.secrets, now=clock), now=clock, **who),
        KeyCommands(store, algorithms=ALGORITHMS, periods=PERIODS, now=clock, **who),
    )


@pytest.fixture
async def commands(store: Store, clock: Clock) -> Commands:
    """On a store with something of each kind, two scopes behind one resource."""
    made = commands_on(store, clock)
    await key_keeper(store, GUARD, now=clock).load()
    for name in ("read", "write"):
        await made.scopes.add(Scope(name))
    await made.resources.add(Resource(BILLING), ("read", "write"))
    await made.clients.add(ClientRegistration("billing"), secret=OPERATORS_SECRET)
    clock.now += 1
    return made


async def update_scope(commands: Commands) -> None:
    scope = await commands.scopes.get("read")
    await commands.scopes.update(replace(scope, display_name="Reading"))


async def update_resource(commands: Commands) -> None:
    resource = await commands.resources.get(BILLING)
    await commands.resources.update(replace(resource, access_token_lifetime=60))


async def revoke_key(commands: Commands) -> None:
    (key,) = [key.record for key in await commands.keys.all() if key.record.algorithm == "RS256"]
    await commands.keys.revoke(key.kid, GUARD)


async def retire_secret(commands: Commands) -> None:
    (status,) = await commands.secrets.list("billing")
    await commands.secrets.retire("billing", status.secret.id, force=True)


Run = Callable[[Commands], Awaitable[object]]
ALL: dict[str, tuple[str, str, Run]] = {
    "add_scope": ("scope", "new", lambda c: c.scopes.add(Scope("new"))),
    "update_scope": ("scope", "read", update_scope),
    "delete_scope": ("scope", "read", lambda c: c.scopes.delete("read")),
    "add_resource": (
        "resource",
        "https://new.example",
        lambda c: c.resources.add(Resource("https://new.example"), ("read", "write")),
    ),
    "update_resource": ("resource", BILLING, update_resource),
    "delete_resource": (
        "resource",
        BILLING,
        lambda c: c.resources.delete(BILLING, from_scopes=True),
    ),
    "add_client": ("client", "new", lambda c: c.clients.add(ClientRegistration("new"))),
    "update_client": (
        "client",
        "billing",
        lambda c: c.clients.update(ClientRegistration("billing", roles=("reader",))),
    ),
    "disable_client": (
        "client",
        "billing",
        lambda c: c.clients.set_enabled("billing", enabled=False),
    ),
    "add_secret": ("client", "billing", lambda c: c.secrets.add("billing")),
    "retire_secret": ("client", "billing", retire_secret),
    "delete_client": ("client", "billing", lambda c: c.clients.delete("billing")),
    "rotate_secret": ("client", "billing", lambda c: c.secrets.rotate("billing", 0)),
    "revoke_tokens": ("client", "billing", lambda c: c.clients.revoke_tokens("billing")),
    "rotate_key": ("key_ring", "current", lambda c: c.keys.rotate("RS256", GUARD)),
    "revoke_key": ("key_ring", "current", revoke_key),
    "rewrap_keys": (
        "key_ring",
        "current",
        lambda c: c.keys.rewrap([fresh_key_encryption_key(), GUARD]),
    ),
}
"""By action: the kind and key that it changes, and the command."""


async def entries(store: Store, clock: Clock) -> tuple[AuditEntry, ...]:
    return (await acting(store, now=clock)["audit"].page()).items


async def changed(store: Store, kind: str, key: str) -> Any:
    """The entity, if there is one."""
    if kind == "key_ring":
        return await load_key_ring(store)
    repository: Any = {"client": clients_in, "scope": scopes_in, "resource": resources_in}[kind]
    return await repository(store).get(key)


async def contents(store: Store) -> dict[str, Any]:
    """Every document that commands change, with its version."""
    return {name: (await getattr(store, name).list()).items for name in CHANGED}


@pytest.mark.parametrize("action", ALL)
async def test_a_command_leaves_one_entry_and_its_id(
    commands: Commands, store: Store, clock: Clock, action: str
) -> None:
    """Whatever number of documents it touches; what it leaves behind names the entry."""
    kind, key, run = ALL[action]
    known = {entry.id for entry in await entries(store, clock)}
    await run(commands)
    (entry,) = [entry for entry in await entries(store, clock) if entry.id not in known]
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
    reads = {"all", "get", "list", "page", "scopes_of", "check", "check_configured"}
    by_other_names = {
        "configure": "update_client",
        "set_enabled": "disable_client",
        "report_leaked": "end_leaked_secret",
    }
    found = {
        by_other_names.get(name, name)
        for kind in (
            ScopeCommands,
            ResourceCommands,
            ClientCommands,
            SecretCommands,
            KeyCommands,
        )
        for name in vars(kind)
        if not name.startswith("_") and name not in reads
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
    refused = commands_on(store, clock, Refusing(store.audit))  # type: ignore[arg-type]
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
    ended = [e for e in await entries(store, clock) if e.action == "end_leaked_secret"]
    assert [(e.key, e.outcome) for e in ended] == [("billing", "done")]


async def test_a_command_that_comes_second_is_recorded_as_refused(
    commands: Commands, store: Store, clock: Clock
) -> None:
    """It got past the checks, but the name was taken in the meantime."""
    with pytest.raises(CommandRefused):
        await commands.scopes.add(Scope("read"))
    refused = [e for e in await entries(store, clock) if e.outcome == "refused"]
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
    pending = [e.key for e in await entries(store, clock) if e.outcome == "pending"]
    assert pending == ["https://new.example"]
    clock.now += 60
    await acting(store, now=clock)["audit"].settle(store)
    assert {e.outcome for e in await entries(store, clock)} == {"done"}


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
    found = await entries(store, clock)
    assert {(e.actor, e.action, e.outcome) for e in found} == {("apogee-idp", "rotate_key", "done")}
    sizes = [(len((e.before or {"keys": ()})["keys"]), len((e.after or {})["keys"])) for e in found]
    assert sizes[-1][0] == 0
    assert all(before != after for before, after in sizes)
    ring = await load_key_ring(store)
    assert ring is not None
    assert ring.change_id == found[0].id
    assert len(found) == 3
