"""Signing and encryption keys, and how they are sealed while they rest in a store."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jwcrypto import jwe, jwk
from jwcrypto.common import JWException

from ..errors import KeyringError
from ..model import KeyRecord, KeyUse, SigningAlgorithm, frozen

ENCRYPTION_ALGORITHM = "RSA-OAEP"
CONTENT_ENCRYPTION = "A256CBC-HS512"
_RSA_BITS = 2048
_KEY_ENCRYPTION_KEY_BYTES = 32
_P256_BYTES = 32
_PUBLISHED_MEMBERS = ("kty", "use", "alg", "kid", "n", "e", "crv", "x", "y")


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


def _decoded(text: str) -> bytes:
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        if len(text) == 2 * _KEY_ENCRYPTION_KEY_BYTES:
            return bytes.fromhex(text)
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


@dataclass(frozen=True, slots=True)
class RsaSigningKey:
    """Signs RS256 (RFC 7518 §3.3)."""

    kid: str
    _private: rsa.RSAPrivateKey = field(repr=False)
    algorithm: SigningAlgorithm = "RS256"

    async def sign(self, message: bytes) -> bytes:
        """RSASSA-PKCS1-v1_5 with SHA-256."""
        return self._private.sign(message, padding.PKCS1v15(), hashes.SHA256())


@dataclass(frozen=True, slots=True)
class EcSigningKey:
    """Signs ES256 (RFC 7518 §3.4)."""

    kid: str
    _private: ec.EllipticCurvePrivateKey = field(repr=False)
    algorithm: SigningAlgorithm = "ES256"

    async def sign(self, message: bytes) -> bytes:
        """ECDSA on P-256 with SHA-256; R and S as 32 bytes each, not as DER."""
        r, s = decode_dss_signature(self._private.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(_P256_BYTES, "big") + s.to_bytes(_P256_BYTES, "big")


@dataclass(frozen=True, slots=True)
class RsaEncryptionKey:
    """Encrypts tokens with RSA-OAEP and A256CBC-HS512, as OpenIddict does."""

    kid: str
    _add_recipient: Callable[[jwe.JWE], None] = field(repr=False)

    @classmethod
    def of(cls, kid: str, public: jwk.JWK) -> RsaEncryptionKey:
        """Keeps the key, which is a dict and could be changed, out of everyone's reach."""

        def add_recipient(token: jwe.JWE) -> None:
            token.add_recipient(public)

        return cls(kid, add_recipient)

    def encrypt(self, signed_token: str, *, typ: str) -> str:
        """``signed_token`` as the plaintext of a compact JWE (RFC 7519 §5.2)."""
        header = {
            "alg": ENCRYPTION_ALGORITHM,
            "enc": CONTENT_ENCRYPTION,
            "kid": self.kid,
            "typ": typ,
            "cty": "JWT",
        }
        token = jwe.JWE(signed_token.encode(), protected=_json(header))
        self._add_recipient(token)
        return str(token.serialize(compact=True))


@dataclass(frozen=True, slots=True)
class KeySet:
    """The opened keys of one server; ``jwks`` has their public signing halves."""

    signing: Mapping[str, RsaSigningKey | EcSigningKey]
    encryption: RsaEncryptionKey
    jwks: Mapping[str, Any]


def generate_records(key_encryption_key: KeyEncryptionKey, now: int) -> tuple[KeyRecord, ...]:
    """A new RS256, ES256 and RSA-OAEP key, sealed. Takes a while: call it from a thread."""
    return (
        _seal(jwk.JWK.generate(kty="RSA", size=_RSA_BITS), "sig", "RS256", key_encryption_key, now),
        _seal(jwk.JWK.generate(kty="EC", crv="P-256"), "sig", "ES256", key_encryption_key, now),
        _seal(
            jwk.JWK.generate(kty="RSA", size=_RSA_BITS),
            "enc",
            ENCRYPTION_ALGORITHM,
            key_encryption_key,
            now,
        ),
    )


def open_key_set(
    records: Sequence[KeyRecord], key_encryption_keys: Sequence[KeyEncryptionKey]
) -> KeySet:
    """Unseals every record.

    Raises KeyringError if none of the key-encryption keys opens a record, or one is damaged.
    """
    opened = [(record, unseal(record, key_encryption_keys)) for record in records]
    signing = {r.algorithm: _signing_key(r, key) for r, key in opened if r.use == "sig"}
    encryption = [
        RsaEncryptionKey.of(r.kid, jwk.JWK.from_json(key.export_public()))
        for r, key in opened
        if r.use == "enc"
    ]
    if not {"RS256", "ES256"} <= signing.keys() or not encryption:
        raise KeyringError("the stored key set lacks a signing or an encryption key")
    public = [_published(r, key) for r, key in opened if r.use == "sig"]
    return KeySet(frozen(signing), encryption[0], frozen({"keys": public}))


def _signing_key(record: KeyRecord, key: jwk.JWK) -> RsaSigningKey | EcSigningKey:
    private = key.get_op_key("sign")
    match private:
        case rsa.RSAPrivateKey():
            return RsaSigningKey(record.kid, private)
        case ec.EllipticCurvePrivateKey():
            return EcSigningKey(record.kid, private)
    raise KeyringError(f"the stored key {record.kid} is neither RSA nor EC")


def _published(record: KeyRecord, key: jwk.JWK) -> dict[str, str]:
    """RFC 7517 §4 members; no ``key_ops``, which AWS STS refuses, and nothing private."""
    members = json.loads(key.export_public())
    members |= {"use": record.use, "alg": record.algorithm, "kid": record.kid}
    return {name: members[name] for name in _PUBLISHED_MEMBERS if name in members}


def _seal(
    key: jwk.JWK, use: KeyUse, algorithm: str, key_encryption_key: KeyEncryptionKey, now: int
) -> KeyRecord:
    kid = str(key.thumbprint())
    # The sealed key's own kid, use and algorithm are authenticated, so records can't be swapped.
    header = {
        "alg": "dir",
        "enc": "A256GCM",
        "kid": key_encryption_key.id,
        "sealed": _identity(kid, use, algorithm),
    }
    sealed = jwe.JWE(key.export_private().encode(), protected=_json(header))
    sealed.add_recipient(key_encryption_key.key)
    return KeyRecord(kid, use, algorithm, now, str(sealed.serialize(compact=True)))


def unseal(record: KeyRecord, key_encryption_keys: Sequence[KeyEncryptionKey]) -> jwk.JWK:
    """The private key in ``record``; raises KeyringError as ``open_key_set`` does."""
    sealed = jwe.JWE(algs=["dir", "A256GCM"])
    try:
        sealed.deserialize(record.sealed)
        header = sealed.jose_header
        for candidate in key_encryption_keys:
            if candidate.id == header.get("kid"):
                sealed.decrypt(candidate.key)
                key = jwk.JWK.from_json(sealed.payload.decode())
                if header.get("sealed") == _identity(record.kid, record.use, record.algorithm):
                    return key
                raise KeyringError(f"the stored key {record.kid} is not what its record says")
    except (JWException, ValueError, TypeError):
        raise KeyringError(f"the stored key {record.kid} is damaged") from None
    raise KeyringError(
        f"no key-encryption key opens the stored key {record.kid}: it was sealed with the one "
        f"named {header.get('kid')}; set APOGEE_KEY_ENCRYPTION_KEY to that key (several may be "
        "listed, separated by commas)"
    )


def _json(header: dict[str, str]) -> str:
    return json.dumps(header, separators=(",", ":"))


def _identity(kid: str, use: str, algorithm: str) -> str:
    return f"{use} {algorithm} {kid}"
