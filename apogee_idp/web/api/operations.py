"""What each route does: a command or a query, and then this process forgets what it knew."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from ...errors import ChangedMeanwhile, InvalidToken
from ...events import ValidateToken
from ...key_model import KeyRecord
from ...management.keys import KeyStatus
from ...management.tokens import TokenCommands
from ...model import (
    Resource,
    Scope,
    frozen,
    is_resource,
    is_scope_name,
    thawed,
)
from ...stores.repositories import Listing
from .calls import Call, Desk, Reply
from .listing import listed, named

_PUBLIC_KEY_FACTS = ("kid", "use", "algorithm", "created_at", "activates_at")


async def list_scopes(desk: Desk, call: Call) -> Reply:
    """A page of scopes, by name."""

    async def pages(after: str | None, limit: int) -> Listing[Scope]:
        return await desk.management.scopes(call.actor).page(after=after, limit=limit)

    return await listed(desk, call, "scopes", pages, lambda scope: scope)


async def create_scope(desk: Desk, call: Call) -> Reply:
    """The new scope."""
    fields = dict(call.body)
    scope = Scope(fields.pop("name"), **_with_tuples(fields, "resources"))
    added = await desk.management.scopes(call.actor).add(scope)
    desk.services.scopes.forget(added.name)
    location = f"/scopes/{quote(added.name, safe='')}"
    return Reply(added, version=added.concurrency_token, location=location)


async def get_scope(desk: Desk, call: Call) -> Reply:
    """One scope."""
    scope = await desk.management.scopes(call.actor).get(named(call, "scope", is_scope_name))
    return Reply(scope, version=scope.concurrency_token)


async def replace_scope(desk: Desk, call: Call) -> Reply:
    """The scope as it is now."""
    name = named(call, "scope", is_scope_name)
    changes = _with_tuples(call.body, "resources")
    changed = Scope(name, **changes, concurrency_token=call.version)
    scope = await desk.management.scopes(call.actor).update(changed)
    desk.services.scopes.forget(name)
    return Reply(scope, version=scope.concurrency_token)


async def delete_scope(desk: Desk, call: Call) -> Reply:
    """Nothing."""
    name = named(call, "scope", is_scope_name)
    await desk.management.scopes(call.actor).delete(name, version=call.version)
    desk.services.scopes.forget(name)
    return Reply()


async def list_resources(desk: Desk, call: Call) -> Reply:
    """A page of resources, by URI."""

    async def pages(after: str | None, limit: int) -> Listing[Resource]:
        return await desk.management.resources(call.actor).page(after=after, limit=limit)

    return await listed(desk, call, "resources", pages, _resource_facts)


async def create_resource(desk: Desk, call: Call) -> Reply:
    """The new resource."""
    fields = dict(call.body)
    identifier, scopes = fields.pop("identifier"), tuple(fields.pop("scopes"))
    added = await desk.management.resources(call.actor).add(_resource(identifier, fields), scopes)
    desk.services.resources.forget(identifier)
    for name in scopes:
        desk.services.scopes.forget(name)
    location = f"/resources/{quote(identifier, safe='')}"
    return Reply(_resource_facts(added), version=added.concurrency_token, location=location)


async def get_resource(desk: Desk, call: Call) -> Reply:
    """One resource."""
    resource = await desk.management.resources(call.actor).get(named(call, "resource", is_resource))
    return Reply(_resource_facts(resource), version=resource.concurrency_token)


async def replace_resource(desk: Desk, call: Call) -> Reply:
    """The resource as it is now; what the operator keeps in its properties is left alone."""
    identifier = named(call, "resource", is_resource)
    current = await desk.management.resources(call.actor).get(identifier)
    if current.concurrency_token != call.version:
        raise ChangedMeanwhile(f"{identifier} was changed or deleted meanwhile: try again")
    changed = replace(
        _resource(identifier, call.body),
        properties=current.properties,
        concurrency_token=call.version,
    )
    resource = await desk.management.resources(call.actor).update(changed)
    desk.services.resources.forget(identifier)
    return Reply(_resource_facts(resource), version=resource.concurrency_token)


async def delete_resource(desk: Desk, call: Call) -> Reply:
    """Nothing."""
    identifier = named(call, "resource", is_resource)
    resources = desk.management.resources(call.actor)
    scopes = await resources.scopes_of(identifier)
    await resources.delete(identifier, from_scopes=call.query["from_scopes"], version=call.version)
    desk.services.resources.forget(identifier)
    for name in scopes:
        desk.services.scopes.forget(name)
    return Reply()


async def list_keys(desk: Desk, call: Call) -> Reply:
    """All keys: there are few."""
    statuses = await desk.management.keys(call.actor).all()
    return Reply({"items": [key_status_facts(status) for status in statuses]})


async def rotate_key(desk: Desk, call: Call) -> Reply:
    """The key that was made."""
    commands = desk.management.keys(call.actor)
    made = await commands.rotate(call.body["algorithm"], desk.key_encryption_key)
    return Reply(_key_facts(made))


async def revoke_key(desk: Desk, call: Call) -> Reply:
    """The key that signs instead, if the ended one did."""
    kid = named(call, "key", str.isascii)
    commands = desk.management.keys(call.actor)
    successor = await commands.revoke(kid, desk.key_encryption_key)
    return Reply({"kid": kid, "successor": successor and _key_facts(successor)})


async def revoke_token(desk: Desk, call: Call) -> Reply:
    """Nothing: what is no valid token has ended already (RFC 7009 §2.2)."""
    token = call.body["token"]
    revocations, changes = desk.services.revocations, desk.management.changes
    commands = TokenCommands(revocations, changes=changes, actor=call.actor)
    event = ValidateToken(token, kinds=frozenset({"access_token", "refresh_token"}))
    with suppress(InvalidToken):
        await desk.registry.dispatch(event)
        validated = desk.services.reader.vouch(event.validated, token)
        await desk.management.privileges(call.actor).check_token(validated)
        await commands.revoke(validated)
    return Reply()


def _with_tuples(fields: Any, *names: str) -> dict[str, Any]:
    return dict(fields) | {name: tuple(fields[name]) for name in names}


def _resource(identifier: str, fields: Any) -> Resource:
    given = _with_tuples(fields, "introspection_clients")
    return Resource(identifier, **given | {"jwks": frozen(given["jwks"])})


def _resource_facts(resource: Resource) -> dict[str, Any]:
    facts = {name: getattr(resource, name) for name in Resource.__dataclass_fields__}
    return facts | {"jwks": thawed(resource.jwks)}


def key_status_facts(status: KeyStatus) -> dict[str, Any]:
    """A key for ``KeyAnswer``."""
    dates = ("state", "retires_at", "removed_at", "successor_due_at")
    facts = _key_facts(status.record) | {name: getattr(status, name) for name in dates}
    return facts | {"source": status.record.source}


def _key_facts(record: KeyRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _PUBLIC_KEY_FACTS}
