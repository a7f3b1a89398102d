"""Every command that changes something, to be given on a store with something of each kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from apogee_idp.crypto.passwords import PasswordHashes
from apogee_idp.crypto.sealing import seal_text
from apogee_idp.errors import HandlerFault
from apogee_idp.logs import log_command_fault
from apogee_idp.management.audit import Audit
from apogee_idp.management.changes import Changes
from apogee_idp.management.client_secrets import SecretCommands
from apogee_idp.management.clients import ClientCommands
from apogee_idp.management.keys import KeyCommands
from apogee_idp.management.registrations import ClientRegistration
from apogee_idp.management.resources import ResourceCommands
from apogee_idp.management.scopes import ScopeCommands
from apogee_idp.management.users import NewUser, UserCommands
from apogee_idp.model import Resource, Scope
from apogee_idp.secret_usage import SecretUsage
from apogee_idp.stores.base import Collection, Store
from apogee_idp.user_model import Identity, SecondFactor
from tests.acting import acting
from tests.clock import Clock
from tests.keys import ALGORITHMS, PERIODS, fresh_key_encryption_key

BILLING = "https://billing.example"
GUARD = fresh_key_encryption_key()
ANN, BOB, EVE = (f"usr_{letter * 22}" for letter in "ABE")
CHANGED = ("applications", "scopes", "resources", "keys", "users")
PASSWORDS = PasswordHashes()
GOOGLE = Identity("google", "e")
FACTOR = SecondFactor(seal_text("A" * 32, f"totp {EVE}", GUARD), ("hash",), enrolled_at=1)


@dataclass(frozen=True)
class Commands:
    """All commands on one store, by one tester."""

    scopes: ScopeCommands
    resources: ResourceCommands
    clients: ClientCommands
    secrets: SecretCommands
    keys: KeyCommands
    users: UserCommands


def changes_of(
    store: Store,
    clock: Clock,
    trail: Collection | None = None,
    report: Callable[[HandlerFault], None] = log_command_fault,
) -> Changes:
    """``trail`` is where the entries go; the store's own by default."""
    ids = count()
    audit = Audit(trail or store.audit, now=clock, new_id=lambda: f"{next(ids):032}")
    return Changes(audit, report)


def commands_on(store: Store, clock: Clock, changes: Changes | None = None) -> Commands:
    who = acting(store, now=clock)
    if changes is not None:
        who["changes"] = changes
    return Commands(
        ScopeCommands(store, **who),
        ResourceCommands(store, **who),
        ClientCommands(store, now=clock, **who),
        SecretCommands(store, SecretUsage(store.secrets, now=clock), now=clock, **who),
        KeyCommands(store, algorithms=ALGORITHMS, periods=PERIODS, now=clock, **who),
        UserCommands(store, PASSWORDS, now=clock, new_subject=lambda: BOB, **who),
    )


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


async def update_user(commands: Commands) -> None:
    user = await commands.users.get(ANN)
    await commands.users.update(replace(user, profile={"name": "Ann Example"}))


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
    "add_user": ("user", BOB, lambda c: c.users.add(NewUser("bob@example.com"))),
    "update_user": ("user", ANN, update_user),
    "set_password": ("user", ANN, lambda c: c.users.set_password(ANN, "another long one")),
    "add_second_factor": ("user", ANN, lambda c: c.users.add_second_factor(ANN, FACTOR)),
    "remove_second_factor": ("user", EVE, lambda c: c.users.remove_second_factor(EVE)),
    "link_identity": ("user", ANN, lambda c: c.users.link(ANN, Identity("github", "1"))),
    "unlink_identity": ("user", EVE, lambda c: c.users.unlink(EVE, "google", "e")),
    "disable_user": ("user", ANN, lambda c: c.users.set_enabled(ANN, enabled=False)),
    "grant_role": ("user", ANN, lambda c: c.users.grant_role(ANN, "idp-admin")),
    "revoke_role": ("user", ANN, lambda c: c.users.revoke_role(ANN, "reader")),
    "end_sessions": ("user", ANN, lambda c: c.users.end_sessions(ANN)),
    "delete_user": ("user", ANN, lambda c: c.users.delete(ANN)),
    "rotate_key": ("key_ring", "current", lambda c: c.keys.rotate("RS256", GUARD)),
    "revoke_key": ("key_ring", "current", revoke_key),
    "rewrap_keys": (
        "key_ring",
        "current",
        lambda c: c.keys.rewrap([fresh_key_encryption_key(), GUARD]),
    ),
}
"""By action: the kind and key that it changes, and the command."""


async def contents(store: Store) -> dict[str, Any]:
    """Every document that commands change, with its version."""
    return {name: (await getattr(store, name).list()).items for name in CHANGED}
