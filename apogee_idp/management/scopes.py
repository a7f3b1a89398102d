"""Commands on scopes."""

from __future__ import annotations

from ..errors import AlreadyExists, CommandRefused
from ..model import STANDARD_SCOPES, Scope, is_resource, is_scope_name
from ..stores.base import Store
from ..stores.repositories import scopes_in


class ScopeCommands:
    """Raises CommandRefused for what breaks a rule, and whatever the store raises."""

    def __init__(self, store: Store) -> None:
        self._scopes = scopes_in(store)

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
            return await self._scopes.add(scope)
        except AlreadyExists:
            raise CommandRefused(f"a scope {scope.name} exists already") from None

    async def all(self) -> list[Scope]:
        """Every scope, by name."""
        return [scope async for scope in self._scopes.all()]

    async def delete(self, name: str) -> None:
        """Ends the scope: whoever asks for it from now on gets ``invalid_scope``."""
        if not await self._scopes.delete(name):
            raise CommandRefused(f"there is no scope {name}")
