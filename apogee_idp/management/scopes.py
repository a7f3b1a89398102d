"""Commands on scopes."""

from __future__ import annotations

from dataclasses import replace

from ..errors import AlreadyExists, CommandRefused
from ..model import STANDARD_SCOPES, Scope, is_resource, is_scope_name
from ..stores.base import Store
from ..stores.repositories import scopes_in
from .actor import Actor
from .audit import Audit, Trail
from .facts import scope_facts


class ScopeCommands:
    """Raises CommandRefused for what breaks a rule, and whatever the store raises.

    What ``actor`` changes is recorded.
    """

    def __init__(self, store: Store, *, audit: Audit, actor: Actor) -> None:
        self._scopes = scopes_in(store)
        self._trail = Trail(audit, actor, "scope", lambda scope: scope.name, scope_facts)

    async def add(self, scope: Scope) -> Scope:
        """Stores a scope; its resources must be absolute URIs without a fragment (RFC 8707 §2)."""
        if scope.name in STANDARD_SCOPES:
            raise CommandRefused(f"{scope.name} is a standard scope and needs no entry")
        if not is_scope_name(scope.name):
            raise CommandRefused(
                "a scope's name is printable ASCII without space, quote, backslash"
            )
        for resource in scope.resources:
            if not is_resource(resource):
                raise CommandRefused("a resource is an absolute URI without a fragment")
        try:
            async with self._trail.recording("add_scope", before=None, after=scope) as change_id:
                return await self._scopes.add(replace(scope, change_id=change_id))
        except AlreadyExists:
            raise CommandRefused(f"a scope {scope.name} exists already") from None

    async def all(self) -> list[Scope]:
        """Every scope, by name."""
        return [scope async for scope in self._scopes.all()]

    async def delete(self, name: str) -> None:
        """Ends the scope: whoever asks for it from now on gets ``invalid_scope``."""
        scope = await self._scopes.get(name)
        if scope is None:
            raise CommandRefused(f"there is no scope {name}")
        async with self._trail.recording("delete_scope", before=scope, after=None):
            if not await self._scopes.delete(name):
                raise CommandRefused(f"the scope {name} was deleted meanwhile")
