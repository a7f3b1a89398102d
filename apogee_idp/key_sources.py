"""Signing keys that are not kept in the store: files that are mounted, and what plugins provide."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .crypto.key_files import FileKey, read_key_files
from .crypto.signing import LocalSigningKey
from .errors import ApogeeError, KeyringError
from .events import ProvideKeys
from .key_model import ProvidedKey
from .pipeline import Registry


@dataclass(frozen=True, slots=True)
class LocalProvidedKey:
    """A private key out of a file."""

    signing: LocalSigningKey
    public_jwk: Mapping[str, Any]

    @classmethod
    def of(cls, key: FileKey) -> LocalProvidedKey:
        """What a file has, ready to sign."""
        signing = LocalSigningKey.of(key.kid, key.algorithm, key.private)
        return cls(signing, key.private.export_public(as_dict=True))

    @property
    def kid(self) -> str:
        return self.signing.kid

    @property
    def algorithm(self) -> str:
        return self.signing.algorithm

    async def sign(self, message: bytes) -> bytes:
        """The raw JWS signature of ``message``."""
        return await self.signing.sign(message)


class KeyFiles:
    """The keys in files and directories, as they are at the time of asking."""

    def __init__(self, paths: Sequence[Path], password: str) -> None:
        self._paths = paths
        self._password = password.encode() or None
        self._known: dict[tuple[str, str], LocalProvidedKey] = {}

    async def __call__(self) -> Sequence[ProvidedKey]:
        """Raises KeyringError for what is no usable key."""
        if not self._paths:
            return ()
        found = await asyncio.to_thread(read_key_files, self._paths, self._password)
        known = self._known
        self._known = {
            (key.kid, key.algorithm): known.get((key.kid, key.algorithm))
            or LocalProvidedKey.of(key)
            for key in found
        }
        return tuple(self._known.values())


class PluginKeys:
    """The keys that the handlers of ``ProvideKeys`` provide."""

    def __init__(self) -> None:
        self._registry: Registry | None = None

    def ask(self, registry: Registry) -> None:
        """From now on it is these handlers that are asked."""
        self._registry = registry

    async def __call__(self) -> Sequence[ProvidedKey]:
        """Raises KeyringError if a handler fails, or provides something else than keys."""
        event = ProvideKeys()
        if self._registry is not None:
            try:
                await self._registry.dispatch(event)
            except ApogeeError as error:
                raise KeyringError(f"the plugins' keys can't be had: {error}") from error
        keys: object = event.keys
        if not isinstance(keys, list) or not all(map(_is_key, keys)):
            raise KeyringError("the plugins provide something else than keys with a kid each")
        return tuple(keys)


def _is_key(key: object) -> bool:
    texts = all(isinstance(getattr(key, name, None), str) for name in ("kid", "algorithm"))
    return (
        texts
        and isinstance(getattr(key, "public_jwk", None), Mapping)
        and callable(getattr(key, "sign", None))
    )
