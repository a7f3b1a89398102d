"""Compact JWE (RFC 7516 §7.1): to RSA keys by ``cryptography``, in half of jwcrypto's time."""

from __future__ import annotations

import base64
import hmac
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import cast

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from jwcrypto import jwe, jwk

CONTENT_ENCRYPTION = "A256CBC-HS512"
_BLOCK_BYTES = 16
_KEY_BYTES = _TAG_BYTES = 32


def _oaep(digest: hashes.HashAlgorithm) -> padding.OAEP:
    return padding.OAEP(padding.MGF1(digest), digest, label=None)


_OAEP = {"RSA-OAEP": _oaep(hashes.SHA1()), "RSA-OAEP-256": _oaep(hashes.SHA256())}  # noqa: S303
"""RFC 7518 §4.3; nothing is signed with that SHA-1."""


@dataclass(frozen=True, slots=True)
class RecipientKey:
    """A public key that tokens are encrypted to: an API's own, or the server's."""

    kid: str | None
    algorithm: str
    _encrypt: Callable[[str, bytes], str] = field(repr=False)

    @classmethod
    def of(cls, kid: str | None, algorithm: str, public: jwk.JWK) -> RecipientKey:
        """Keeps the key, which is a dict and could be changed, out of everyone's reach."""
        if algorithm in _OAEP:
            key = cast(rsa.RSAPublicKey, public.get_op_key("wrapKey"))
            return cls(kid, algorithm, partial(_encrypt_to_rsa, key, _OAEP[algorithm]))

        def encrypt_by_jwcrypto(header: str, plaintext: bytes) -> str:
            token = jwe.JWE(plaintext, protected=header)
            token.add_recipient(public)
            return str(token.serialize(compact=True))

        return cls(kid, algorithm, encrypt_by_jwcrypto)

    def encrypt(self, signed_token: str, *, typ: str) -> str:
        """``signed_token`` as the plaintext of a compact JWE (RFC 7519 §5.2: cty says JWT)."""
        return self._encrypt(_header(self.algorithm, typ, self.kid), signed_token.encode())


@lru_cache
def _header(algorithm: str, typ: str, kid: str | None) -> str:
    header = {"alg": algorithm, "enc": CONTENT_ENCRYPTION, "typ": typ, "cty": "JWT"}
    return json.dumps(header if kid is None else header | {"kid": kid}, separators=(",", ":"))


def _encrypt_to_rsa(
    key: rsa.RSAPublicKey, wrapping: padding.OAEP, header: str, plaintext: bytes
) -> str:
    authenticated = _encode(header.encode())
    mac_key, encryption_key = os.urandom(_KEY_BYTES), os.urandom(_KEY_BYTES)
    iv = os.urandom(_BLOCK_BYTES)
    ciphertext = _aes_cbc(encryption_key, iv, plaintext)
    tag = _tag(mac_key, authenticated, iv + ciphertext)
    wrapped = key.encrypt(mac_key + encryption_key, wrapping)
    parts = (authenticated, *map(_encode, (wrapped, iv, ciphertext, tag)))
    return b".".join(parts).decode("ascii")


def _aes_cbc(key: bytes, iv: bytes, plaintext: bytes) -> bytes:
    """Padded by PKCS #7: as many bytes as are missing to a whole block, each of that value."""
    missing = _BLOCK_BYTES - len(plaintext) % _BLOCK_BYTES
    cipher = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return cipher.update(plaintext + bytes([missing]) * missing) + cipher.finalize()


def _tag(key: bytes, authenticated: bytes, encrypted: bytes) -> bytes:
    """RFC 7518 §5.2.2.1: half an HMAC of the header, what is encrypted, and the header's bits."""
    bits = (len(authenticated) * 8).to_bytes(8, "big")
    return hmac.digest(key, authenticated + encrypted + bits, "sha512")[:_TAG_BYTES]


def _encode(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
