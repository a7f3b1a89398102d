"""The opened keys of the ring: what each can do, and what of it is published."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jwcrypto import jwe, jwk

from ..errors import KeyringError, OAuthError
from ..key_model import STORE_SOURCE, KeyRecord, KeyUse, ProvidedKey, SigningKey
from ..model import frozen
from .encryption import CONTENT_ENCRYPTION, RecipientKey
from .public_keys import (
    PUBLIC_MEMBERS,
    UnusableKey,
    VerificationKey,
    verification_key,
)
from .sealing import KeyEncryptionKey, seal, unseal
from .signing import LocalSigningKey, generate_private_key
from .tokens import sign_jwt

ENCRYPTION_ALGORITHM = "RSA-OAEP"
MAXIMUM_PLAINTEXT_BYTES = 64 * 1024
_PROBE_SECONDS = 5.0
_PUBLISHED_MEMBERS = ("use", "alg", "kid", *PUBLIC_MEMBERS)


@dataclass(frozen=True, slots=True)
class DecryptionKey:
    """The server's own key, which it reads the tokens with that were encrypted to it."""

    kid: str
    _decrypt: Callable[[str], bytes] = field(repr=False)

    def decrypt(self, token: str) -> bytes:
        """The plaintext of the compact JWE ``token``; raises ValueError, always the same."""
        try:
            return self._decrypt(token)
        except Exception:  # jwcrypto lets TypeError, OverflowError and more through
            raise ValueError("the token does not decrypt") from None


@dataclass(frozen=True, slots=True)
class OpenedKey:
    """One key of the ring.

    ``signing`` is None where another process has the private key and this one hasn't.
    """

    record: KeyRecord
    public: Mapping[str, Any]
    signing: SigningKey | None = None
    verification: VerificationKey | None = None
    encryption: RecipientKey | None = None
    decryption: DecryptionKey | None = None


def generate_record(
    algorithm: str, key_encryption_key: KeyEncryptionKey, *, now: int, activates_at: int
) -> KeyRecord:
    """A new key for ``algorithm``, sealed. Takes a while: call it from a thread."""
    use: KeyUse = "enc" if algorithm == ENCRYPTION_ALGORITHM else "sig"
    key = generate_private_key(algorithm)
    record = KeyRecord(str(key.thumbprint()), use, algorithm, now, activates_at)
    return seal(record, key, key_encryption_key)


def open_record(
    record: KeyRecord,
    key_encryption_keys: Sequence[KeyEncryptionKey],
    provided: Mapping[str, SigningKey],
) -> OpenedKey:
    """What this process can do with a key; ``provided`` has those of other sources, by kid.

    Raises KeyringError for a sealed key that can't be opened, or is damaged.
    """
    if not record.sealed:
        if record.source == STORE_SOURCE:
            raise KeyringError(f"the stored key {record.kid} has no private half")
        public = frozen(record.public or {})
        signing = provided.get(record.kid)
        if signing is not None and signing.algorithm != record.algorithm:
            signing = None
        return OpenedKey(record, public, signing, _verifying(record, public))
    key = unseal(record, key_encryption_keys)
    public = published_members(key, record)
    if record.use == "sig":
        signing = LocalSigningKey.of(record.kid, record.algorithm, key)
        return OpenedKey(record, public, signing, _verifying(record, public))
    return OpenedKey(
        record,
        public,
        encryption=RecipientKey.of(record.kid, record.algorithm, jwk.JWK(**public)),
        decryption=DecryptionKey(record.kid, _decrypting(key)),
    )


def record_of(key: ProvidedKey, *, source: str, now: int, activates_at: int) -> KeyRecord:
    """The record of a key whose private half is elsewhere; raises KeyringError if it is unusable.

    Its kid has to be its RFC 7638 thumbprint.
    """
    record = KeyRecord(key.kid, "sig", key.algorithm, now, activates_at, source=source)
    try:
        public = {name: key.public_jwk[name] for name in PUBLIC_MEMBERS if name in key.public_jwk}
        verification_key(public, key.algorithm)
        opened = jwk.JWK(**public)
    except (UnusableKey, TypeError, ValueError) as error:
        raise KeyringError(f"a key of {source} can't be used: {error}") from None
    thumbprint = opened.thumbprint()
    if thumbprint != key.kid:
        raise KeyringError(f"a key of {source} is not named by its thumbprint {thumbprint}")
    return replace(record, public=published_members(opened, record))


async def check_provided(key: ProvidedKey, *, source: str) -> None:
    """Raises KeyringError for a key that can't be used, or that does not sign what it says.

    One that is away for the moment may be there later.
    """
    record = record_of(key, source=source, now=0, activates_at=0)
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            token = await sign_jwt({}, key, typ="JWT")
        _verifying(record, record.public or {}).verify(token)
    except (OAuthError, TimeoutError):
        return
    except Exception as error:
        raise KeyringError(
            f"the key {key.kid} of {source} makes no signature that its public half verifies:"
            f" {type(error).__name__}"
        ) from None


def published_members(key: jwk.JWK, record: KeyRecord) -> Mapping[str, Any]:
    """RFC 7517 §4 members; no ``key_ops``, which AWS STS refuses, and nothing private."""
    members = json.loads(key.export_public())
    members |= {"use": record.use, "alg": record.algorithm, "kid": record.kid}
    public: Mapping[str, Any] = frozen(
        {name: members[name] for name in _PUBLISHED_MEMBERS if name in members}
    )
    return public


def _verifying(record: KeyRecord, public: Mapping[str, Any]) -> VerificationKey:
    try:
        return verification_key(public, record.algorithm)
    except UnusableKey as error:
        raise KeyringError(f"the stored key {record.kid} can't be used: {error}") from None


def _decrypting(key: jwk.JWK) -> Callable[[str], bytes]:
    """Keeps the private key out of everyone's reach."""

    def decrypt(token: str) -> bytes:
        opened = jwe.JWE(algs=[ENCRYPTION_ALGORITHM, CONTENT_ENCRYPTION])
        opened.deserialize(token)
        opened.decrypt(key, max_plaintext=MAXIMUM_PLAINTEXT_BYTES)
        return bytes(opened.payload)

    return decrypt
