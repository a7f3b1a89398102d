"""Typed access to the collections of any store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from ..errors import UnreadableDocument
from ..key_model import KeyRingRecord
from ..model import Client, Resource, Scope
from ..user_model import User
from .base import Collection, Store, Stored
from .documents import (
    read_client,
    read_resource,
    read_scope,
    write_client,
    write_resource,
    write_scope,
)
from .key_documents import read_key_ring, write_key_ring
from .user_documents import read_user, write_user
from .values import Document, difference

KEY_RING_KEY = "current"
"""The key of the one document of its kind."""

Entity = TypeVar("Entity", Client, Resource, Scope, User)


@dataclass(frozen=True, slots=True)
class Listing(Generic[Entity]):
    """Some entities in the order of their keys; ``after`` is where the next begin, if there are.

    ``unreadable`` are the keys of damaged documents among them.
    """

    items: tuple[Entity, ...]
    unreadable: tuple[str, ...] = ()
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Repository(Generic[Entity]):
    """Typed access to one collection.

    Every method raises what the collection raises, and UnreadableDocument for a document that
    isn't that of an ``Entity``.
    """

    _collection: Collection
    _key: Callable[[Entity], str]
    _write: Callable[[Entity, Document], Document]
    _read: Callable[[Stored], Entity]

    async def get(self, key: str) -> Entity | None:
        """The entity under this key, or None."""
        stored = await self._collection.get(key)
        return None if stored is None else self.entity(stored)

    async def add(self, entity: Entity) -> Entity:
        """Stores a new entity; raises AlreadyExists."""
        version = await self._collection.insert(self._key(entity), self._write(entity, {}))
        return replace(entity, concurrency_token=version)

    async def update(self, entity: Entity) -> Entity:
        """Stores a changed entity; raises Conflict if its ``concurrency_token`` is not current."""
        key = self._key(entity)
        stored = await self._collection.get(key)
        if stored is not None:
            self.entity(stored)  # what is damaged is not written to
        previous = stored.document if stored else {}
        changes = difference(previous, self._write(entity, previous))
        version = await self._collection.replace(key, changes, version=entity.concurrency_token)
        return replace(entity, concurrency_token=version)

    async def delete(self, key: str, *, version: str | None = None) -> bool:
        """Whether there was something to delete; raises Conflict if ``version`` is not it."""
        return await self._collection.delete(key, version=version)

    async def page(self, *, after: str | None, limit: int) -> Listing[Entity]:
        """Up to ``limit`` of them behind the key ``after``; a damaged document ends nothing."""
        page = await self._collection.list(after=after, limit=limit)
        return replace(self._listing(page.items), after=page.after)

    async def all(self) -> Listing[Entity]:
        """Everything, fetched page by page; a damaged document ends nothing."""
        return self._listing([stored async for stored in self.documents()])

    def documents(self) -> AsyncIterator[Stored]:
        """Every document in the order of its key, before anything is made of it."""
        return documents_in(self._collection)

    def _listing(self, documents: Iterable[Stored]) -> Listing[Entity]:
        items: list[Entity] = []
        unreadable: list[str] = []
        for stored in documents:
            try:
                items.append(self.entity(stored))
            except UnreadableDocument:
                unreadable.append(stored.key)
        return Listing(tuple(items), tuple(unreadable))

    def entity(self, stored: Stored) -> Entity:
        """What ``stored`` is the document of."""
        try:
            return self._read(stored)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnreadableDocument(
                f"the stored document {stored.key} can't be read: {type(error).__name__}"
            ) from error


def clients_in(store: Store) -> Repository[Client]:
    """The registered clients, by client_id."""
    return Repository(
        store.applications, lambda client: client.client_id, write_client, read_client
    )


def scopes_in(store: Store) -> Repository[Scope]:
    """The scopes, by name."""
    return Repository(store.scopes, lambda scope: scope.name, write_scope, read_scope)


def resources_in(store: Store) -> Repository[Resource]:
    """The registered resources, by identifier."""
    return Repository(
        store.resources, lambda resource: resource.identifier, write_resource, read_resource
    )


def users_in(store: Store) -> Repository[User]:
    """The users, by subject."""
    return Repository(store.users, lambda user: user.subject, write_user, read_user)


async def documents_in(collection: Collection) -> AsyncIterator[Stored]:
    """Every document in the order of its key, also what nobody here can read as an entity."""
    after: str | None = None
    while True:
        page = await collection.list(after=after)
        for stored in page.items:
            yield stored
        if page.after is None:
            return
        after = page.after


async def load_key_ring(store: Store) -> KeyRingRecord | None:
    """The key ring of the installation, or None if none was ever made."""
    stored = await store.keys.get(KEY_RING_KEY)
    if stored is None:
        return None
    try:
        return read_key_ring(stored)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableDocument("the stored key ring can't be read") from error


async def add_key_ring(store: Store, ring: KeyRingRecord) -> None:
    """Makes ``ring`` the key ring; raises AlreadyExists if there is one."""
    await store.keys.insert(KEY_RING_KEY, write_key_ring(ring))


async def replace_key_ring(store: Store, ring: KeyRingRecord) -> None:
    """Compare-and-set; raises Conflict unless ``ring.version`` stands."""
    await store.keys.replace(KEY_RING_KEY, write_key_ring(ring), version=ring.version)
