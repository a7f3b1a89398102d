"""Commands on the ring of keys; every process follows within seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..commands import Command, RevokeKey, RewrapKeys, RotateKey
from ..crypto.keys import ENCRYPTION_ALGORITHM, generate_record
from ..crypto.sealing import KeyEncryptionKey, seal, unseal
from ..errors import ChangedMeanwhile, CommandRefused, Conflict, NotFound
from ..key_model import STORE_SOURCE, KeyRecord, KeyRingRecord, KeyState
from ..key_rotation import KeyPeriods, newest_of, retirement_of, state_of, without_removed
from ..requests import Actor
from ..second_factors import rewrap_second_factors
from ..stores.base import Store
from ..stores.repositories import users_in
from .changes import Changes
from .key_ring import AuditedKeyRing


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """A key and where in its life it is; times are Unix seconds, None where nobody knows yet.

    ``retires_at`` is known once a successor is there, ``removed_at`` with it;
    ``successor_due_at`` until then, of keys that the server makes itself.
    """

    record: KeyRecord
    state: KeyState
    retires_at: int | None
    removed_at: int | None = None
    successor_due_at: int | None = None


class Rewrapped(NamedTuple):
    """How many secrets of each kind were sealed anew."""

    keys: int
    second_factors: int


class KeyCommands:
    """Raises CommandRefused for what breaks a rule, and whatever the store raises.

    ``algorithms`` are those that a revoked key is replaced for. What ``actor`` changes is recorded.
    """

    def __init__(
        self,
        store: Store,
        *,
        algorithms: Sequence[str],
        periods: KeyPeriods,
        now: Callable[[], int],
        changes: Changes,
        actor: Actor,
    ) -> None:
        self._key_ring = AuditedKeyRing(store, changes, actor)
        self._users = users_in(store)
        self._algorithms = (*algorithms, ENCRYPTION_ALGORITHM)
        self._periods = periods
        self._now = now

    async def all(self) -> list[KeyStatus]:
        """Every key that is published, active or retired, by algorithm and age."""
        ring, now = (await self._ring()).keys, self._now()
        kept = without_removed(ring, self._periods, now)
        return [
            self._status(r, ring, now)
            for r in sorted(kept, key=lambda r: (r.use, r.algorithm, r.activates_at, r.kid))
        ]

    def _status(self, record: KeyRecord, ring: Sequence[KeyRecord], now: int) -> KeyStatus:
        periods = self._periods
        state, retires_at = state_of(record, ring, periods, now), retirement_of(record, ring)
        if retires_at is not None:
            return KeyStatus(record, state, retires_at, removed_at=retires_at + periods.retired)
        is_made_here = record.source == STORE_SOURCE and record.algorithm in self._algorithms
        due_at = record.activates_at + periods.active - periods.ahead
        return KeyStatus(record, state, None, successor_due_at=due_at if is_made_here else None)

    async def rotate(self, algorithm: str, key_encryption_key: KeyEncryptionKey) -> KeyRecord:
        """A new key for ``algorithm``, published now, that signs after the time ahead."""
        ring, now = await self._ring(), self._now()
        newest = newest_of(algorithm, without_removed(ring.keys, self._periods, now))
        if newest is None:
            raise CommandRefused(f"the ring has no key for {algorithm}: see signing_algorithms")
        if newest.source != STORE_SOURCE:
            source = newest.source
            raise CommandRefused(f"the keys for {algorithm} come from {source}: add one there")
        if now < newest.activates_at:
            raise CommandRefused(f"the key {newest.kid} is waiting already to take over")
        made = await self._generate(algorithm, key_encryption_key, now + self._periods.ahead)
        await self._replace(RotateKey, ring, replace(ring, keys=(*ring.keys, made)))
        return made

    async def revoke(self, kid: str, key_encryption_key: KeyEncryptionKey) -> KeyRecord | None:
        """Ends a key at once, and with it every token that it signed or that is encrypted to it.

        Returns its successor, if it was the one that signs: the key that was waiting, or a new
        one. Of an algorithm that is not on offer any more, all keys end. Relying systems that know
        no successor refuse its tokens until they read the JWK Set again.
        """
        ring = await self._ring()
        ended = next((record for record in ring.keys if record.kid == kid), None)
        if ended is None:
            raise NotFound(f"there is no key {kid}")
        rest = tuple(record for record in ring.keys if record is not ended)
        successor = None
        if self._is_active(ended, ring):
            successor = await self._successor(ended.algorithm, rest, key_encryption_key)
            rest = _with(successor, rest) if successor else _without(ended.algorithm, rest)
        after = replace(ring, keys=rest, revoked=_revoked(ring, rest))
        await self._replace(RevokeKey, ring, after)
        return successor

    async def rewrap(self, key_encryption_keys: Sequence[KeyEncryptionKey]) -> Rewrapped:
        """Seals every key, and the secret of every second factor, anew with the first of these.

        Raises KeyringError if one can't be opened.
        """
        ring = await self._ring()
        keys = await asyncio.to_thread(_rewrapped, ring.keys, key_encryption_keys)
        await self._replace(RewrapKeys, ring, replace(ring, keys=keys))
        second_factors = await rewrap_second_factors(self._users, key_encryption_keys)
        return Rewrapped(sum(bool(key.sealed) for key in keys), second_factors)

    def _is_active(self, key: KeyRecord, ring: KeyRingRecord) -> bool:
        return state_of(key, ring.keys, self._periods, self._now()) == "active"

    async def _successor(
        self, algorithm: str, rest: Sequence[KeyRecord], key_encryption_key: KeyEncryptionKey
    ) -> KeyRecord | None:
        now = self._now()
        waiting = newest_of(algorithm, rest)
        if waiting is not None and now < waiting.activates_at:
            return replace(waiting, activates_at=now)
        if algorithm not in self._algorithms:
            return None
        return await self._generate(algorithm, key_encryption_key, now)

    async def _generate(
        self, algorithm: str, key_encryption_key: KeyEncryptionKey, activates_at: int
    ) -> KeyRecord:
        return await asyncio.to_thread(
            generate_record,
            algorithm,
            key_encryption_key,
            now=self._now(),
            activates_at=activates_at,
        )

    async def _ring(self) -> KeyRingRecord:
        ring = await self._key_ring.load()
        if ring is None:
            raise CommandRefused("there are no keys yet: the first start of the server makes them")
        return ring

    async def _replace(
        self, command: type[Command[KeyRingRecord]], before: KeyRingRecord, after: KeyRingRecord
    ) -> None:
        try:
            await self._key_ring.replace(command, before, after)
        except Conflict:
            raise ChangedMeanwhile("the keys were changed meanwhile: try again") from None


def _revoked(ring: KeyRingRecord, rest: Sequence[KeyRecord]) -> tuple[str, ...]:
    kept = {record.kid for record in rest}
    return (*ring.revoked, *(record.kid for record in ring.keys if record.kid not in kept))


def _with(successor: KeyRecord, rest: Sequence[KeyRecord]) -> tuple[KeyRecord, ...]:
    return (*(record for record in rest if record.kid != successor.kid), successor)


def _without(algorithm: str, rest: Sequence[KeyRecord]) -> tuple[KeyRecord, ...]:
    """Where nobody succeeds, the predecessor would sign again: so all of its kind go."""
    return tuple(record for record in rest if record.algorithm != algorithm)


def _rewrapped(
    keys: Sequence[KeyRecord], key_encryption_keys: Sequence[KeyEncryptionKey]
) -> tuple[KeyRecord, ...]:
    return tuple(
        seal(key, unseal(key, key_encryption_keys), key_encryption_keys[0]) if key.sealed else key
        for key in keys
    )
