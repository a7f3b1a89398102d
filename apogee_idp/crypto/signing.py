"""Signatures by the ``cryptography`` keys that jwcrypto holds (RFC 7518 §3.1, RFC 8037 §3.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jwcrypto import jwk

from ..errors import KeyringError

Sign = Callable[[bytes], bytes]

_PKCS1V15 = padding.PKCS1v15()
_PKCS1 = {"RS256": hashes.SHA256(), "RS384": hashes.SHA384(), "RS512": hashes.SHA512()}
_ECDSA = {"ES256": (ec.ECDSA(hashes.SHA256()), 32), "ES384": (ec.ECDSA(hashes.SHA384()), 48)}
_GENERATED = {
    "ES256": {"kty": "EC", "crv": "P-256"},
    "ES384": {"kty": "EC", "crv": "P-384"},
    "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
}
_RSA = {"kty": "RSA", "size": 2048}


def generate_private_key(algorithm: str) -> jwk.JWK:
    """A new key for a JWS algorithm, or for RSA-OAEP. Takes a while: call it from a thread."""
    return jwk.JWK.generate(**_GENERATED.get(algorithm, _RSA))


@dataclass(frozen=True, slots=True)
class LocalSigningKey:
    """A private key in this process, for one algorithm."""

    kid: str
    algorithm: str
    _sign: Sign = field(repr=False)

    @classmethod
    def of(cls, kid: str, algorithm: str, key: jwk.JWK) -> LocalSigningKey:
        """Raises KeyringError if the key is none for the algorithm."""
        return cls(kid, algorithm, _signer(kid, algorithm, key.get_op_key("sign")))

    async def sign(self, message: bytes) -> bytes:
        """The raw JWS signature of ``message``."""
        return self._sign(message)


def _signer(kid: str, algorithm: str, private: object) -> Sign:
    match private:
        case rsa.RSAPrivateKey() if algorithm in _PKCS1:
            return partial(_sign_pkcs1, private, _PKCS1[algorithm])
        case rsa.RSAPrivateKey() if algorithm == "PS256":
            return partial(_sign_pss, private)
        case ec.EllipticCurvePrivateKey() if algorithm in _ECDSA:
            return partial(_sign_ecdsa, private, *_ECDSA[algorithm])
        case ed25519.Ed25519PrivateKey() if algorithm == "EdDSA":
            return private.sign
    raise KeyringError(f"the key {kid} does not sign {algorithm}")


def _sign_pkcs1(key: rsa.RSAPrivateKey, digest: hashes.HashAlgorithm, message: bytes) -> bytes:
    return key.sign(message, _PKCS1V15, digest)


def _sign_pss(key: rsa.RSAPrivateKey, message: bytes) -> bytes:
    """RFC 7518 §3.5: MGF1 with the same digest, and a salt of its length."""
    digest = hashes.SHA256()
    return key.sign(message, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)


def _sign_ecdsa(
    key: ec.EllipticCurvePrivateKey, algorithm: ec.ECDSA, size: int, message: bytes
) -> bytes:
    """RFC 7518 §3.4: R and S as ``size`` bytes each, not as DER."""
    r, s = decode_dss_signature(key.sign(message, algorithm))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")
