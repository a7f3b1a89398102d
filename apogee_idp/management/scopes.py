"""Commands on scopes."""

from __future__ import annotations

from dataclasses import replace

from ..commands import AddScope, DeleteScope, UpdateScope
from ..errors import AlreadyExists, ChangedMeanwhile, CommandRefused, Conflict, Duplicate, NotFound
from ..model import (
    MANAGEMENT_SCOPE_PREFIX,
    STANDARD_SCOPES,
    Scope,
    is_resource,
    is_scope_name,
)
from ..requests import Actor
from ..stores.base import Store
from ..stores.repositories import Listing, scopes_in
from .changes import Changes, Trail
from .facts import scope_facts


class ScopeCommands:
    """Raises CommandRefused for what breaks a rule, and whatever the store raises.

    What ``actor`` changes is recorded. ``management_audience`` is the one resource that no stored
    scope can have.
    """

    def __init__(
        self,
        store: Store,
        *,
        changes: Changes,
        actor: Actor,
        management_audience: str | None = None,
    ) -> None:
        self._scopes = scopes_in(store)
        self._management_audience = management_audience
        self._trail = Trail(changes, actor, "scope", lambda scope: scope.name, scope_facts)

    async def add(self, scope: Scope) -> Scope:
        """Stores a scope; its resources must be absolute URIs without a fragment (RFC 8707 §2)."""
        if scope.name in STANDARD_SCOPES:
            raise CommandRefused(f"{scope.name} is a standard scope and needs no entry")
        if scope.name.startswith(MANAGEMENT_SCOPE_PREFIX):
            raise CommandRefused(
                f"names that begin with {MANAGEMENT_SCOPE_PREFIX} are those of the management API"
            )
        if not is_scope_name(scope.name):
            raise CommandRefused(
                "a scope's name is printable ASCII without space, quote, backslash"
            )
        self._check(scope)
        try:
            async with self._trail.recording(AddScope, before=None, after=scope) as change_id:
                return await self._scopes.add(replace(scope, change_id=change_id))
        except AlreadyExists:
            raise Duplicate(f"a scope {scope.name} exists already") from None

    async def get(self, name: str) -> Scope:
        """The scope of this name."""
        scope = await self._scopes.get(name)
        if scope is None:
            raise NotFound(f"there is no scope {name}")
        return scope

    async def all(self) -> Listing[Scope]:
        """Every scope, by name."""
        return await self._scopes.all()

    async def page(self, *, after: str | None, limit: int) -> Listing[Scope]:
        """Up to ``limit`` scopes whose names come behind ``after``."""
        return await self._scopes.page(after=after, limit=limit)

    async def update(self, scope: Scope) -> Scope:
        """Stores a changed scope by its ``concurrency_token``; properties are kept."""
        self._check(scope)
        current = await self.get(scope.name)
        changed = replace(scope, properties=current.properties)
        try:
            async with self._trail.recording(
                UpdateScope, before=current, after=changed
            ) as change_id:
                return await self._scopes.update(replace(changed, change_id=change_id))
        except Conflict:
            raise ChangedMeanwhile(
                f"{scope.name} was changed or deleted meanwhile: try again"
            ) from None

    async def delete(self, name: str, *, version: str | None = None) -> None:
        """Ends the scope: whoever asks for it from now on gets ``invalid_scope``.

        With a ``version``, only if the scope is still that one.
        """
        scope = await self.get(name)
        try:
            async with self._trail.recording(DeleteScope, before=scope, after=None):
                if not await self._scopes.delete(name, version=version):
                    raise NotFound(f"the scope {name} was deleted meanwhile")
        except Conflict:
            raise ChangedMeanwhile(f"{name} was changed meanwhile: try again") from None

    def _check(self, scope: Scope) -> None:
        for resource in scope.resources:
            if not is_resource(resource):
                raise CommandRefused("a resource is an absolute URI without a fragment")
            if resource == self._management_audience:
                raise CommandRefused(f"{resource} is the management API: it has scopes of its own")
