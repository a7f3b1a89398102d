"""Commands on resources: the APIs that tokens are for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..commands import AddResource, DeleteResource, UpdateResource
from ..crypto.public_keys import UnusableKey, check_recipient_jwks
from ..errors import AlreadyExists, ChangedMeanwhile, CommandRefused, Conflict, Duplicate, NotFound
from ..model import MAXIMUM_TOKEN_LIFETIME, Resource, Scope, is_resource
from ..requests import Actor
from ..stores.base import Store
from ..stores.repositories import Listing, clients_in, resources_in, scopes_in
from .changes import Changes, Trail
from .facts import resource_facts

_ATTEMPTS = 5


class _Contended(Exception):
    """A scope can't be changed, after other documents may have been: no plain refusal."""


class ResourceCommands:
    """Raises CommandRefused for what breaks a rule, and whatever the store raises.

    Which scopes belong to a resource is said by the scopes alone, as in OpenIddict; so what
    changes that changes them, one after the other, each by compare-and-set.
    What ``actor`` changes is recorded, by one entry for a command with all its scopes.
    ``management_audience`` can't be registered.
    """

    def __init__(
        self,
        store: Store,
        *,
        changes: Changes,
        actor: Actor,
        management_audience: str | None = None,
    ) -> None:
        self._management_audience = management_audience
        self._resources = resources_in(store)
        self._scopes = scopes_in(store)
        self._clients = clients_in(store)
        self._changes = changes
        self._actor = actor

    async def add(self, resource: Resource, scopes: tuple[str, ...] = ()) -> Resource:
        """Registers a resource and adds it to these scopes, which must exist.

        The resource comes first, so that no token for it is without its limits. Whoever is
        interrupted between the two finds it with fewer scopes: delete it and begin anew.
        """
        if not is_resource(resource.identifier):
            raise CommandRefused("a resource is an absolute URI without a fragment")
        if resource.identifier == self._management_audience:
            raise CommandRefused(f"{resource.identifier} is the management API of this server")
        await self._check(resource)
        for name in scopes:
            await self._scope(name)
        recording = self._trail(scopes).recording(AddResource, before=None, after=resource)
        try:
            async with recording as change_id:
                added = await self._resources.add(replace(resource, change_id=change_id))
                for name in scopes:
                    await self._link(name, resource.identifier, change_id)
        except AlreadyExists:
            raise Duplicate(f"a resource {resource.identifier} exists already") from None
        except _Contended as error:
            raise CommandRefused(str(error)) from None
        return added

    async def get(self, identifier: str) -> Resource:
        """The resource of this URI."""
        resource = await self._resources.get(identifier)
        if resource is None:
            raise NotFound(f"there is no resource {identifier}")
        return resource

    async def all(self) -> Listing[Resource]:
        """Every resource, by URI."""
        return await self._resources.all()

    async def page(self, *, after: str | None, limit: int) -> Listing[Resource]:
        """Up to ``limit`` resources whose URIs come behind ``after``."""
        return await self._resources.page(after=after, limit=limit)

    async def scopes_of(self, identifier: str) -> list[str]:
        """The names of the scopes that the resource stands behind."""
        return [s.name for s in (await self._scopes.all()).items if identifier in s.resources]

    async def update(self, resource: Resource) -> Resource:
        """Stores a changed resource, as it was got from here, by its ``concurrency_token``."""
        await self._check(resource)
        before = await self.get(resource.identifier)
        try:
            async with self._trail().recording(
                UpdateResource, before=before, after=resource
            ) as change_id:
                return await self._resources.update(replace(resource, change_id=change_id))
        except Conflict:
            raise ChangedMeanwhile(
                f"{resource.identifier} was changed or deleted meanwhile: try again"
            ) from None

    async def delete(
        self, identifier: str, *, from_scopes: bool = False, version: str | None = None
    ) -> None:
        """Ends a registration: lifetime and keys of the resource are forgotten.

        While scopes point to it, tokens for it would go on being issued, now without its limits;
        so that is refused, unless it is to be taken out ``from_scopes`` first. With a
        ``version``, the resource must still be that one.
        """
        resource = await self.get(identifier)
        if version not in (None, resource.concurrency_token):
            raise ChangedMeanwhile(f"{identifier} was changed meanwhile: try again")
        scopes = await self.scopes_of(identifier)
        if scopes and not from_scopes:
            raise CommandRefused(
                f"{identifier} stands behind {', '.join(scopes)}: delete those scopes first, or"
                " take it out of them with --from-scopes"
            )
        recording = self._trail(scopes).recording(DeleteResource, before=resource, after=None)
        try:
            async with recording as change_id:
                for name in scopes:
                    await self._unlink(name, identifier, change_id)
                await self._resources.delete(identifier, version=version)
        except Conflict:
            raise ChangedMeanwhile(f"{identifier} was changed meanwhile: try again") from None
        except _Contended as error:
            raise CommandRefused(str(error)) from None

    def _trail(self, scopes: Iterable[str] | None = None) -> Trail[Resource]:
        return Trail(
            self._changes,
            self._actor,
            "resource",
            lambda resource: resource.identifier,
            lambda resource: resource_facts(resource, scopes),
        )

    async def _check(self, resource: Resource) -> None:
        if not resource.display_name.isprintable():
            raise CommandRefused("the name needs printable characters")
        lifetime = resource.access_token_lifetime
        if lifetime is not None and not 0 < lifetime <= MAXIMUM_TOKEN_LIFETIME:
            raise CommandRefused(f"a lifetime is 1 to {MAXIMUM_TOKEN_LIFETIME} seconds")
        if resource.jwks is not None:
            try:
                check_recipient_jwks(resource.jwks)
            except UnusableKey as error:
                raise CommandRefused(str(error)) from None
        for client_id in resource.introspection_clients:
            if await self._clients.get(client_id) is None:
                raise CommandRefused(f"there is no client {client_id}: create it first")

    async def _scope(self, name: str) -> Scope:
        scope = await self._scopes.get(name)
        if scope is None:
            raise CommandRefused(f"there is no scope {name}: create it first")
        return scope

    async def _link(self, name: str, identifier: str, change_id: str) -> None:
        for _ in range(_ATTEMPTS):
            scope = await self._scopes.get(name)
            if scope is None:
                raise _Contended(f"the scope {name} was deleted meanwhile")
            linked = (*scope.resources, identifier)
            if identifier in scope.resources or await self._stored(
                replace(scope, resources=linked, change_id=change_id)
            ):
                return
        raise _Contended(f"the scope {name} is being changed by others: try again")

    async def _unlink(self, name: str, identifier: str, change_id: str) -> None:
        for _ in range(_ATTEMPTS):
            scope = await self._scopes.get(name)
            others = tuple(r for r in scope.resources if r != identifier) if scope else ()
            if scope is None or await self._stored(
                replace(scope, resources=others, change_id=change_id)
            ):
                return
        raise _Contended(f"the scope {name} is being changed by others: try again")

    async def _stored(self, scope: Scope) -> bool:
        try:
            await self._scopes.update(scope)
        except Conflict:
            return False
        return True
