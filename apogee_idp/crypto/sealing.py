"""The key that guards keys, and how private keys are sealed while they rest in a store."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwcrypto import jwe, jwk
from jwcrypto.common import JWException

from ..errors import KeyringError
from ..key_model import KeyRecord

_KEY_ENCRYPTION_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class KeyEncryptionKey:
    """The key that guards keys: 256 bits, named by its thumbprint."""

    id: str
    key: jwk.JWK = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> KeyEncryptionKey:
        """From 32 bytes as base64, base64url or hexadecimal digits.

        Raises ValueError, which never repeats them.
        """
        raw = _decoded(text.strip())
        if len(raw) != _KEY_ENCRYPTION_KEY_BYTES:
            raise ValueError("a key-encryption key must be 32 bytes, as base64")
        encoded = base64.urlsafe_b64encode(raw).decode().rstrip("=")
        return cls(hashlib.sha256(raw).hexdigest()[:16], jwk.JWK(kty="oct", k=encoded))

    def derive(self, purpose: bytes) -> bytes:
        """Another 256 bits, the same for all who have this key, and of no use to find it."""
        raw = _decoded(self.key.export(as_dict=True)["k"])
        return HKDF(hashes.SHA256(), 32, salt=None, info=purpose).derive(raw)


def _decoded(text: str) -> bytes:
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        if len(text) == 2 * _KEY_ENCRYPTION_KEY_BYTES:
            return bytes.fromhex(text)
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def seal(record: KeyRecord, key: jwk.JWK, key_encryption_key: KeyEncryptionKey) -> KeyRecord:
    """``record`` with the private ``key`` in it, encrypted by AES-256-GCM."""
    # The sealed key's own kid, use and algorithm are authenticated, so records can't be swapped.
    header = {
        "alg": "dir",
        "enc": "A256GCM",
        "kid": key_encryption_key.id,
        "sealed": _identity(record),
    }
    sealed = jwe.JWE(
        key.export_private().encode(), protected=json.dumps(header, separators=(",", ":"))
    )
    sealed.add_recipient(key_encryption_key.key)
    return replace(record, sealed=str(sealed.serialize(compact=True)))


def unseal(record: KeyRecord, key_encryption_keys: Sequence[KeyEncryptionKey]) -> jwk.JWK:
    """The private key in ``record``.

    Raises KeyringError if none of the key-encryption keys opens it, or it is damaged.
    """
    sealed = jwe.JWE(algs=["dir", "A256GCM"])
    try:
        sealed.deserialize(record.sealed)
        header = sealed.jose_header
        for candidate in key_encryption_keys:
            if candidate.id == header.get("kid"):
                sealed.decrypt(candidate.key)
                key = jwk.JWK.from_json(sealed.payload.decode())
                if header.get("sealed") == _identity(record):
                    # Made here, and authenticated since: a stranger's would be tested for 30 ms.
                    key.unsafe_skip_rsa_key_validation = True
                    return key
                raise KeyringError(f"the stored key {record.kid} is not what its record says")
    except (JWException, ValueError, TypeError):
        raise KeyringError(f"the stored key {record.kid} is damaged") from None
    raise KeyringError(
        f"no key-encryption key opens the stored key {record.kid}: it was sealed with the one "
        f"named {header.get('kid')}; set APOGEE_KEY_ENCRYPTION_KEY to that key (several may be "
        "listed, separated by commas)"
    )


def sealed_with(record: KeyRecord) -> str | None:
    """The id of the key-encryption key that seals ``record``; None if nothing here does."""
    sealed = jwe.JWE()
    try:
        sealed.deserialize(record.sealed)
        kid = sealed.jose_header.get("kid")
    except (JWException, ValueError, TypeError):
        return None
    return kid if isinstance(kid, str) else None


def seal_text(text: str, purpose: str, key_encryption_key: KeyEncryptionKey) -> str:
    """``text``, encrypted by AES-256-GCM; it opens for the same ``purpose`` alone."""
    header = {
        "alg": "dir",
        "enc": "A256GCM",
        "kid": key_encryption_key.id,
        "sealed": purpose,
    }
    sealed = jwe.JWE(text.encode(), protected=json.dumps(header, separators=(",", ":")))
    sealed.add_recipient(key_encryption_key.key)
    return str(sealed.serialize(compact=True))


def unseal_text(sealed: str, purpose: str, key_encryption_keys: Sequence[KeyEncryptionKey]) -> str:
    """The text; raises KeyringError if none of the keys opens it, or it is of another purpose."""
    token = jwe.JWE(algs=["dir", "A256GCM"])
    try:
        token.deserialize(sealed)
        header = token.jose_header
        guards = [guard for guard in key_encryption_keys if guard.id == header.get("kid")]
        if guards and header.get("sealed") == purpose:
            token.decrypt(guards[0].key)
            return str(token.payload.decode())
    except (JWException, ValueError, TypeError):
        pass
    raise KeyringError(
        "what is sealed is damaged, or no key-encryption key of the settings opens it"
    )


def _identity(record: KeyRecord) -> str:
    return f"{record.use} {record.algorithm} {record.kid}"
