"""The installation's keys: made once, by one process, then opened by every process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from .crypto.keys import KeyEncryptionKey, KeySet, generate_records, open_key_set
from .errors import AlreadyExists, KeyringError, StoreUnavailable
from .model import EncryptionKey, SigningKey
from .stores.base import Store
from .stores.repositories import add_key_records, load_key_records


class KeyRing:
    """The opened keys, for handlers to choose from: always those that ``current`` returns.

    Until it returns any, everything raises StoreUnavailable.
    """

    __slots__ = ("_current",)

    def __init__(self, current: Callable[[], KeySet | None]) -> None:
        self._current = current

    @property
    def jwks(self) -> Mapping[str, Any]:
        """The public signing keys as a JWK Set (RFC 7517 §5), read-only."""
        return self._keys.jwks

    @property
    def encryption_key(self) -> EncryptionKey:
        """The server's own key, which access tokens are encrypted to by default."""
        return self._keys.encryption

    def signing_key(self, algorithm: str) -> SigningKey:
        """The key that signs with ``algorithm``; raises KeyringError if there is none."""
        try:
            return self._keys.signing[algorithm]
        except KeyError:
            raise KeyringError(f"no key signs {algorithm}") from None

    @property
    def _keys(self) -> KeySet:
        keys = self._current()
        if keys is None:
            raise StoreUnavailable("the keys were not loaded yet")
        return keys


class KeyLoader:
    """Keeps ``ring`` filled with the key set of the store, and makes that where there is none.

    The first key-encryption key seals, all of them open.
    """

    def __init__(
        self,
        store: Store,
        key_encryption_keys: Sequence[KeyEncryptionKey],
        *,
        now: Callable[[], int],
    ) -> None:
        self._store = store
        self._key_encryption_keys = key_encryption_keys
        self._now = now
        self._loaded: KeySet | None = None
        self.ring = KeyRing(lambda: self._loaded)

    @property
    def has_loaded(self) -> bool:
        """Whether the ring has keys."""
        return self._loaded is not None

    async def load(self) -> None:
        """Loads the keys anew.

        Of several processes that find an empty store, the first insert wins and all use its keys.
        Raises KeyringError, and leaves the ring as it was, rather than ever replacing keys that
        are gone or can't be opened.
        """
        records = await load_key_records(self._store)
        if records is None and self._loaded is None:
            made = await asyncio.to_thread(
                generate_records, self._key_encryption_keys[0], self._now()
            )
            with suppress(AlreadyExists):
                await add_key_records(self._store, made)
            records = await load_key_records(self._store)
        if records is None:
            raise KeyringError("the key set is gone from the store: restore it from a backup")
        self._loaded = await asyncio.to_thread(open_key_set, records, self._key_encryption_keys)
