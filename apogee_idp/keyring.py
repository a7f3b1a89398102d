"""The installation's keys: made once, by one process, then opened by every process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from .crypto.keys import KeyEncryptionKey, KeySet, generate_records, open_key_set
from .errors import AlreadyExists, KeyringError
from .model import EncryptionKey, SigningKey
from .stores.base import Store
from .stores.repositories import add_key_records, load_key_records


class KeyRing:
    """The opened keys, for handlers to choose from."""

    __slots__ = ("_keys",)

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

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


async def open_key_ring(
    store: Store,
    key_encryption_keys: Sequence[KeyEncryptionKey],
    *,
    now: Callable[[], int],
) -> KeyRing:
    """Opens the key set of this installation, and makes it if the store has none.

    The first key-encryption key seals, all of them open. Of several processes that find an empty
    store, the first insert wins and all use its keys. Raises KeyringError rather than ever
    replacing keys that can't be opened.
    """
    records = await load_key_records(store)
    if records is None:
        made = await asyncio.to_thread(generate_records, key_encryption_keys[0], now())
        with suppress(AlreadyExists):
            await add_key_records(store, made)
        records = await load_key_records(store) or ()
    return KeyRing(await asyncio.to_thread(open_key_set, records, key_encryption_keys))
