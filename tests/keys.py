"""Rings of keys for tests."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping, Sequence

from apogee_idp.app import changes_in
from apogee_idp.crypto.keys import ENCRYPTION_ALGORITHM, OpenedKey, generate_record, open_record
from apogee_idp.crypto.sealing import KeyEncryptionKey
from apogee_idp.key_keeping import KeyKeeper, KeySource
from apogee_idp.key_model import KeyRecord, KeyRingRecord
from apogee_idp.key_rotation import KeyPeriods
from apogee_idp.management.actor import SERVER_ACTOR
from apogee_idp.management.changes import Changes
from apogee_idp.management.key_ring import AuditedKeyRing
from apogee_idp.stores.base import Store

DAY = 86_400
PERIODS = KeyPeriods(active=90 * DAY, ahead=DAY, retired=2 * DAY)
ALGORITHMS = ("RS256", "ES256")


def fresh_key_encryption_key() -> KeyEncryptionKey:
    return KeyEncryptionKey.parse(base64.b64encode(secrets.token_bytes(32)).decode())


def key_keeper(
    store: Store,
    *key_encryption_keys: KeyEncryptionKey,
    now: Callable[[], int],
    algorithms: Sequence[str] = ALGORITHMS,
    periods: KeyPeriods = PERIODS,
    sources: Mapping[str, KeySource] | None = None,
    changes: Changes | None = None,
) -> KeyKeeper:
    return KeyKeeper(
        AuditedKeyRing(store, changes or changes_in(store, now=now), SERVER_ACTOR),
        key_encryption_keys,
        algorithms=algorithms,
        periods=periods,
        now=now,
        sources=sources or {},
    )


def new_ring(
    key_encryption_key: KeyEncryptionKey, *, now: int, algorithms: Sequence[str] = ALGORITHMS
) -> KeyRingRecord:
    """A ring whose keys sign from ``now`` on."""
    return KeyRingRecord(
        tuple(
            generate_record(algorithm, key_encryption_key, now=now, activates_at=now)
            for algorithm in (*algorithms, ENCRYPTION_ALGORITHM)
        )
    )


def opened(
    records: Sequence[KeyRecord], *key_encryption_keys: KeyEncryptionKey
) -> tuple[OpenedKey, ...]:
    return tuple(open_record(record, key_encryption_keys, {}) for record in records)
