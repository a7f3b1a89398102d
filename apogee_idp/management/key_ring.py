"""The ring of keys as those who change it know it: each change is recorded."""

from __future__ import annotations

from dataclasses import replace

from ..commands import Command
from ..errors import AlreadyExists, Conflict
from ..key_model import KeyRingRecord
from ..requests import Actor
from ..stores.base import Store
from ..stores.repositories import KEY_RING_KEY, add_key_ring, load_key_ring, replace_key_ring
from .changes import Changes, Trail
from .facts import key_ring_facts

_COLLECTION = "keys"


class AuditedKeyRing:
    """The key ring in ``store``, changed by ``actor``.

    A change that comes too late is mostly seen before it is recorded: of many processes that rotate
    at once, one leaves an entry.
    """

    def __init__(self, store: Store, changes: Changes, actor: Actor) -> None:
        self._store = store
        self._trail = Trail(changes, actor, "key_ring", lambda _: KEY_RING_KEY, key_ring_facts)

    async def load(self) -> KeyRingRecord | None:
        """The ring as it is now, or None if none was ever made."""
        return await load_key_ring(self._store)

    async def add(self, command: type[Command[KeyRingRecord]], ring: KeyRingRecord) -> None:
        """Makes ``ring`` the key ring; raises AlreadyExists if there is one."""
        if await self.load() is not None:
            raise AlreadyExists(_COLLECTION)
        async with self._trail.recording(command, before=None, after=ring) as change_id:
            await add_key_ring(self._store, replace(ring, change_id=change_id))

    async def replace(
        self, command: type[Command[KeyRingRecord]], before: KeyRingRecord, after: KeyRingRecord
    ) -> None:
        """Compare-and-set; raises Conflict unless ``before`` still is the key ring."""
        current = await self.load()
        if current is None or current.version != before.version:
            raise Conflict(_COLLECTION)
        async with self._trail.recording(command, before=before, after=after) as change_id:
            await replace_key_ring(
                self._store, replace(after, change_id=change_id, version=before.version)
            )
