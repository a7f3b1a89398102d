"""Keeps the ring of keys filled, followed by every process and rotated by one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from .commands import Command, MaintainKeys
from .crypto.keys import (
    ENCRYPTION_ALGORITHM,
    OpenedKey,
    check_provided,
    generate_record,
    open_record,
    record_of,
)
from .crypto.sealing import KeyEncryptionKey
from .errors import AlreadyExists, Conflict, KeyringError
from .key_model import KeyRecord, KeyRingRecord, ProvidedKey
from .key_rotation import (
    KeyPeriods,
    algorithms_due,
    next_activation,
    state_of,
    without_removed,
)
from .keyring import KeyRing, OpenedKeys

KeySource = Callable[[], Awaitable[Sequence[ProvidedKey]]]
"""Where keys come from besides the store: files, or plugins."""
KeyRecords = tuple[KeyRecord, ...]


class StoredKeyRing(Protocol):
    """Where the ring is kept, and its changes are recorded; all raise StoreUnavailable, too."""

    async def load(self) -> KeyRingRecord | None:
        """The ring as it is now, or None if none was ever made."""
        ...

    async def add(self, command: type[Command[KeyRingRecord]], ring: KeyRingRecord) -> None:
        """Makes ``ring`` the key ring; raises AlreadyExists if there is one."""
        ...

    async def replace(
        self, command: type[Command[KeyRingRecord]], before: KeyRingRecord, after: KeyRingRecord
    ) -> None:
        """Compare-and-set; raises Conflict unless ``before`` still is the key ring."""
        ...


class KeyKeeper:
    """Keeps ``ring`` in step with the ``stored`` one, and that with the clock.

    The first key-encryption key seals, all of them open. ``algorithms`` are those that the store
    always has a key for; ``sources`` have further keys, by the name of the source.
    """

    def __init__(
        self,
        stored: StoredKeyRing,
        key_encryption_keys: Sequence[KeyEncryptionKey],
        *,
        algorithms: Sequence[str],
        periods: KeyPeriods,
        now: Callable[[], int],
        sources: Mapping[str, KeySource],
    ) -> None:
        self._stored = stored
        self._key_encryption_keys = key_encryption_keys
        self._algorithms = (*algorithms, ENCRYPTION_ALGORITHM)
        self._periods = periods
        self._now = now
        self._sources = sources
        self._provided: dict[str, tuple[str, ProvidedKey]] | None = None
        self._record = KeyRingRecord(())
        self._sources_problem: str | None = None
        self._lock = asyncio.Lock()
        self._opened: OpenedKeys | None = None
        self.ring = KeyRing(lambda: self._opened, now=now)

    @property
    def has_loaded(self) -> bool:
        """Whether the ring has keys."""
        return self._opened is not None

    @property
    def records(self) -> KeyRecords:
        """The keys of the ring, as they rest in the store."""
        return self._record.keys

    @property
    def problem(self) -> str | None:
        """What keeps the ring from signing as it should, for whoever looks after it."""
        if self._sources_problem is not None:
            return self._sources_problem
        for key in self._opened.keys if self._opened else ():
            record = key.record
            if key.verification is None or key.signing is not None:
                continue
            if state_of(record, self._record.keys, self._periods, self._now()) == "active":
                return (
                    f"the key {record.kid}, which should sign {record.algorithm}, is not provided"
                    f" by {record.source}: bring it back, or revoke it"
                )
        return None

    async def load(self) -> None:
        """Loads the ring anew, and makes it where there is none.

        Of several processes that find an empty store, the first insert wins and all use its keys.
        Raises KeyringError, and leaves the ring as it was, rather than ever replacing keys that
        are gone or can't be opened.
        """
        async with self._lock:
            await self._load()

    async def maintain(self) -> None:
        """Makes the keys that are due, and takes up those that the sources provide.

        One process does it, and the others follow. If a source fails or has an unusable key, its
        keys of before stay, and that is the ``problem``. Nothing happens before ``load``.
        """
        async with self._lock:
            if self._opened is not None:
                await self._maintain()

    async def _load(self) -> None:
        if self._provided is None:
            await self._ask_sources()
        record = await self._stored.load()
        if record is None and self._opened is None:
            first = KeyRingRecord(await self._new_records((), ()))
            with suppress(AlreadyExists):
                await self._stored.add(MaintainKeys, first)
            record = await self._stored.load()
        if record is None:
            raise KeyringError("the key ring is gone from the store: restore it from a backup")
        await self._open(record)

    async def _maintain(self) -> None:
        if await self._follow_sources():
            await self._open(self._record)
        kept = without_removed(self._record.keys, self._periods, self._now())
        made = await self._new_records(kept, self._record.revoked)
        if not made and len(kept) == len(self._record.keys):
            return
        with suppress(Conflict):  # another process was faster
            after = replace(self._record, keys=(*kept, *made))
            await self._stored.replace(MaintainKeys, self._record, after)
        await self._load()

    async def _open(self, record: KeyRingRecord) -> None:
        provided = {kid: key for kid, (_, key) in (self._provided or {}).items()}
        known = {key.record.kid: key for key in self._opened.keys} if self._opened else {}

        def opened(key: KeyRecord) -> OpenedKey:
            if key.sealed and key.kid in known and known[key.kid].record == key:
                return known[key.kid]
            return open_record(key, self._key_encryption_keys, provided)

        keys = await asyncio.to_thread(lambda: tuple(map(opened, record.keys)))
        missing = {"RS256", ENCRYPTION_ALGORITHM} - {key.record.algorithm for key in keys}
        if missing:
            raise KeyringError(f"the stored key ring has no key for {', '.join(sorted(missing))}")
        self._record, self._opened = record, OpenedKeys(keys, self._periods)

    async def _follow_sources(self) -> bool:
        before, self._sources_problem = self._provided, None
        try:
            await self._ask_sources()
        except KeyringError as error:
            self._sources_problem = str(error)
        return self._provided != before

    async def _ask_sources(self) -> None:
        """Raises KeyringError, and keeps what was provided before, if any key is unusable."""
        found = {
            key.kid: (name, key) for name, source in self._sources.items() for key in await source()
        }
        known = self._provided or {}
        for kid, (name, key) in found.items():
            if kid not in known:
                await check_provided(key, source=name)
        self._provided = found

    async def _new_records(self, ring: Sequence[KeyRecord], revoked: Sequence[str]) -> KeyRecords:
        """The records to be added to ``ring`` now."""
        taken = self._newly_provided(ring, revoked)
        due = algorithms_due((*ring, *taken), self._algorithms, self._periods, self._now())
        made = [await asyncio.to_thread(self._generate, algorithm, ring) for algorithm in due]
        return (*taken, *made)

    def _newly_provided(self, ring: Sequence[KeyRecord], revoked: Sequence[str]) -> KeyRecords:
        known = {*revoked, *(record.kid for record in ring)}
        now = self._now()
        return tuple(
            record_of(
                key,
                source=source,
                now=now,
                activates_at=next_activation(key.algorithm, ring, self._periods, now),
            )
            for kid, (source, key) in (self._provided or {}).items()
            if kid not in known
        )

    def _generate(self, algorithm: str, ring: Sequence[KeyRecord]) -> KeyRecord:
        now = self._now()
        return generate_record(
            algorithm,
            self._key_encryption_keys[0],
            now=now,
            activates_at=next_activation(algorithm, ring, self._periods, now),
        )
