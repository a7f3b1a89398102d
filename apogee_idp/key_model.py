"""What a key is: as a record in the store, and to those who use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, get_args

KeyUse = Literal["sig", "enc"]
KeyState = Literal["published", "active", "retired", "removed"]

KEY_USES: tuple[KeyUse, ...] = get_args(KeyUse)
STORE_SOURCE = "store"
"""The source of keys that rest in the store; others are files and plugins."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One key of the ring as it rests in the store; times are Unix seconds.

    ``sealed`` is its encrypted private half; without one, that is at ``source``, and ``public`` has
    its JWK.
    """

    kid: str
    use: KeyUse
    algorithm: str
    created_at: int
    activates_at: int
    sealed: str = field(default="", repr=False)
    source: str = STORE_SOURCE
    public: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class KeyRingRecord:
    """All keys of the installation, and the kids of those that were revoked.

    ``change_id`` is that of the audit entry of the last change.
    """

    keys: tuple[KeyRecord, ...]
    revoked: tuple[str, ...] = ()
    change_id: str = ""
    version: str = ""


class SigningKey(Protocol):
    """A private key that signs for one JWS algorithm (RFC 7518 §3.1)."""

    @property
    def kid(self) -> str: ...
    @property
    def algorithm(self) -> str: ...
    async def sign(self, message: bytes) -> bytes:
        """The raw JWS signature of ``message``."""
        ...


class ProvidedKey(SigningKey, Protocol):
    """A signing key that is kept somewhere else: in a file, a KMS, a PKCS#11 token.

    Its ``kid`` is the RFC 7638 thumbprint of ``public_jwk`` (RFC 7517 §4).
    """

    @property
    def public_jwk(self) -> Mapping[str, Any]: ...


class EncryptionKey(Protocol):
    """A public key that tokens are encrypted to; that of an API may have no ``kid``."""

    @property
    def kid(self) -> str | None: ...
    def encrypt(self, signed_token: str, *, typ: str) -> str:
        """``signed_token`` wrapped as a compact JWE (RFC 7519 §5.2: ``cty`` says JWT)."""
        ...
