"""What becomes of an OpenIddict database here: a report on it, and a copy of it elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..commands import Command, ImportClient, ImportScope
from ..crypto.public_keys import UnusableKey, check_verification_jwks
from ..crypto.secrets import can_be_verified
from ..errors import AlreadyExists, InvalidDocument, UnreadableDocument
from ..model import (
    CLIENT_CREDENTIALS,
    ENDPOINT_PERMISSIONS,
    GRANT_TYPE_PERMISSION,
    MANAGEMENT_SCOPES,
    ROLES_SCOPE,
    SCOPE_PERMISSION,
    STANDARD_SCOPES,
    USER_SCOPES,
    Client,
    Scope,
    is_client_id,
    is_resource,
    is_scope_name,
)
from ..requests import Actor
from ..stores import base
from ..stores.base import Store, Stored
from ..stores.repositories import Entity, Repository, clients_in, scopes_in
from ..stores.values import merged
from .changes import Changes, Trail
from .facts import client_facts, scope_facts

Verdict = Literal["served", "served with remarks", "not served", "can't be read"]
Copied = Literal["copied", "would be copied", "exists already", "not copied"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One application or scope: what becomes of it, why, and what a copy has made of it.

    ``copied`` is None where nothing was to be copied.
    """

    name: str
    verdict: Verdict
    remarks: tuple[str, ...] = ()
    copied: Copied | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All of an OpenIddict database; ``tokens`` and ``authorizations`` are counts by type.

    Types of tokens that version 7 spells as URNs have their old names.
    """

    applications: tuple[Entry, ...]
    scopes: tuple[Entry, ...]
    tokens: Mapping[str, int]
    authorizations: Mapping[str, int]

    @property
    def is_whole(self) -> bool:
        """Whether everything could be read."""
        return all(e.verdict != "can't be read" for e in (*self.applications, *self.scopes))


async def report_on(store: Store, grant_types: Collection[str]) -> Report:
    """What a server that offers ``grant_types`` makes of ``store``, to which nothing is written."""
    foreign = await store.foreign()
    applications = [stored async for stored in clients_in(store).documents()]
    scopes = [stored async for stored in scopes_in(store).documents()]
    known_scopes = {stored.key for stored in scopes}
    owners = Counter(stored.key for stored in applications)
    entries = []
    for stored in applications:
        if owners[stored.key] > 1:
            entries.append(Entry(stored.key, "not served", (_TWICE,)))
        elif not is_client_id(stored.key):
            entries.append(Entry(stored.key, "not served", (_NO_CLIENT_ID,)))
        else:
            try:
                client = clients_in(store).entity(stored)
            except UnreadableDocument:
                entries.append(Entry(stored.key, "can't be read", (_DAMAGED,)))
            else:
                entries.append(_judge_application(client, stored, known_scopes, grant_types))
    return Report(
        (*entries, *_nameless(foreign, "applications")),
        (*(_judge_scope(store, stored) for stored in scopes), *_nameless(foreign, "scopes")),
        _by_short_name(foreign.tokens),
        dict(foreign.authorizations),
    )


async def copied(
    source: Store, target: Store, report: Report, changes: Changes, by: Actor
) -> Report:
    """Copies what ``report`` tells of ``source`` to ``target``, and tells what became of each.

    Nothing that is there is overwritten. What can't be read, and what has a client_id that can be
    none of ours, is not copied. Each copy is one of ``changes``, which are those of ``target``.
    """
    clients: Trail[Client] = Trail(changes, by, "client", lambda c: c.client_id, client_facts)
    scopes: Trail[Scope] = Trail(changes, by, "scope", lambda scope: scope.name, scope_facts)

    async def client(entry: Entry) -> Entry:
        return await _copied(
            entry,
            clients_in(source),
            source.applications,
            target.applications,
            clients,
            ImportClient,
        )

    async def scope(entry: Entry) -> Entry:
        return await _copied(
            entry, scopes_in(source), source.scopes, target.scopes, scopes, ImportScope
        )

    return replace(
        report,
        applications=tuple([await client(entry) for entry in report.applications]),
        scopes=tuple([await scope(entry) for entry in report.scopes]),
    )


async def rehearsed(source: Store, target: Store | None, report: Report) -> Report:
    """What ``copied`` would tell; writes nothing, and does without a ``target`` that is to come."""
    applications, scopes = (None, None) if target is None else (target.applications, target.scopes)

    async def client(entry: Entry) -> Entry:
        return await _rehearsed(entry, source.applications, applications)

    async def scope(entry: Entry) -> Entry:
        return await _rehearsed(entry, source.scopes, scopes)

    return replace(
        report,
        applications=tuple([await client(entry) for entry in report.applications]),
        scopes=tuple([await scope(entry) for entry in report.scopes]),
    )


_DAMAGED = "its document is damaged: a member has a type that OpenIddict does not write"
_TWICE = "several documents have this client_id: delete all but one, or no server starts"
_NO_CLIENT_ID = "a client_id is 3 to 100 of A-Z a-z 0-9 . _ ~ -, and does not begin with usr_"
_WOULD_MANAGE = (
    "it would manage this server, by a permission scp:idp:... that meant nothing before: take that"
    " out there, and give it here to whom it is meant for"
)
_NOT_COPIED = (_DAMAGED, _TWICE, _NO_CLIENT_ID, _WOULD_MANAGE)


async def _rehearsed(
    entry: Entry, source: base.Collection, target: base.Collection | None
) -> Entry:
    if await _found(entry, source) is None:
        return replace(entry, copied="not copied")
    if target is not None and await target.get(entry.name) is not None:
        return replace(entry, copied="exists already")
    return replace(entry, copied="would be copied")


async def _copied(
    entry: Entry,
    entities: Repository[Entity],
    source: base.Collection,
    target: base.Collection,
    trail: Trail[Entity],
    command: type[Command[Entity]],
) -> Entry:
    rehearsed = await _rehearsed(entry, source, target)
    stored = await _found(entry, source)
    if stored is None or rehearsed.copied != "would be copied":
        return rehearsed
    after = entities.entity(stored)
    try:
        async with trail.recording(command, before=None, after=after) as change_id:
            marked = merged(stored.document, {"properties": {"apogee": {"change_id": change_id}}})
            await target.insert(stored.key, marked)
    except AlreadyExists:
        return replace(entry, copied="exists already")
    except InvalidDocument as error:
        refusal = f"can't be kept in this store: {error}"
        return replace(entry, remarks=(*entry.remarks, refusal), copied="not copied")
    return replace(entry, copied="copied")


async def _found(entry: Entry, source: base.Collection) -> Stored | None:
    is_unfit = not entry.name or not {*entry.remarks}.isdisjoint(_NOT_COPIED)
    return None if is_unfit else await source.get(entry.name)


def _judge_application(
    client: Client, stored: Stored, known_scopes: Collection[str], grant_types: Collection[str]
) -> Entry:
    obstacles = (*_obstacles(client, grant_types),)
    remarks = (
        *_grants_not_offered(client, grant_types),
        *_scopes_not_granted(client, known_scopes),
        *_members_not_obeyed(stored.document),
    )
    verdict: Verdict = "not served" if obstacles else "served with remarks" if remarks else "served"
    return Entry(client.client_id, verdict, (*obstacles, *remarks))


def _obstacles(client: Client, grant_types: Collection[str]) -> Iterator[str]:
    """Why no request of the client's is answered."""
    if not client.enabled:
        yield "it is disabled"
    offered = set(grant_types)
    if client.client_type == "public":
        offered -= {CLIENT_CREDENTIALS}
    elif (problem := _credential_problem(client)) is not None:
        yield problem
    granted = set(filter(client.permits_grant_type, offered))
    if granted and CLIENT_CREDENTIALS not in granted and not client.redirect_uris:
        yield "it has no redirect URI where people could come back to"
    if not granted and not any(map(client.permits_endpoint, ENDPOINT_PERMISSIONS.values())):
        names = " or ".join(GRANT_TYPE_PERMISSION + name for name in sorted(offered))
        kind = f"it is {client.client_type} and" if client.client_type == "public" else "it"
        yield f"{kind} lacks ept:token with {names}, and may not introspect or revoke either"


def _credential_problem(client: Client) -> str | None:
    """Why a client can't authenticate; None if it can in one way at least."""
    if client.jwks_uri is not None or any(can_be_verified(s.hash) for s in client.secrets):
        return None
    if client.jwks is not None:
        try:
            check_verification_jwks(client.jwks)
        except UnusableKey as error:
            return f"its keys can't be used: {error}"
        return None
    if client.secrets:
        return "its secret is stored in a form that can't be verified: rotate it"
    return "it has neither a secret nor a key"


def _grants_not_offered(client: Client, grant_types: Collection[str]) -> Iterator[str]:
    wanted = {
        permission.removeprefix(GRANT_TYPE_PERMISSION)
        for permission in client.permissions
        if permission.startswith(GRANT_TYPE_PERMISSION)
    }
    if missing := sorted(wanted.difference(grant_types)):
        yield f"not offered here: the grant {', '.join(missing)}"


def _scopes_not_granted(client: Client, known: Collection[str]) -> Iterator[str]:
    wanted = {
        permission.removeprefix(SCOPE_PERMISSION)
        for permission in client.permissions
        if permission.startswith(SCOPE_PERMISSION)
    }
    if wanted & MANAGEMENT_SCOPES:
        yield _WOULD_MANAGE
    known_to_all = {*USER_SCOPES, *MANAGEMENT_SCOPES, ROLES_SCOPE}
    if missing := sorted(wanted.difference(known, known_to_all)):
        yield f"no such scope is stored, so it is not granted: {', '.join(missing)}"


def _members_not_obeyed(document: Mapping[str, Any]) -> Iterator[str]:
    """What an operator may have meant by members that are read otherwise, or not at all."""
    skip = (document.get("properties") or {}).get("SkipTokenEncryption", False)
    if not isinstance(skip, bool):
        yield "SkipTokenEncryption is not the boolean true, so its tokens are encrypted"
    if not document.get("client_type"):
        yield "client_type is missing: it is inferred as OpenIddict does"
    settings = document.get("settings")
    if isinstance(settings, Mapping) and "tkn_lft:act" in settings:
        yield "its lifetime of access tokens (tkn_lft:act) is not used: the server's is"


def _judge_scope(store: Store, stored: Stored) -> Entry:
    try:
        scope = scopes_in(store).entity(stored)
    except UnreadableDocument:
        return Entry(stored.key, "can't be read", (_DAMAGED,))
    if not is_scope_name(scope.name):
        reason = "a scope's name is printable ASCII without space, quote, backslash"
        return Entry(scope.name, "not served", (reason,))
    remarks = (*_scope_remarks(scope),)
    return Entry(scope.name, "served with remarks" if remarks else "served", remarks)


def _scope_remarks(scope: Scope) -> Iterator[str]:
    if scope.name in STANDARD_SCOPES:
        yield "it is a standard scope, and needs no entry"
    if not scope.resources:
        yield "it has no resource: tokens with it alone are for the client's own id"
    if not all(map(is_resource, scope.resources)):
        yield "a resource of it is no absolute URI without a fragment"


def _nameless(foreign: base.Foreign, collection: str) -> Iterator[Entry]:
    """One for all of them: nothing tells them apart."""
    if count := foreign.nameless.get(collection, 0):
        reason = f"{count} without a name that is text"
        yield Entry("", "can't be read", (reason,))


def _by_short_name(counts: Mapping[str, int]) -> dict[str, int]:
    short: Counter[str] = Counter()
    for name, count in counts.items():
        short[name.rpartition(":")[2]] += count
    return dict(sorted(short.items()))
