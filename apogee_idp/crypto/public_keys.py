"""Public keys as JWKs: those that signatures are verified with, and those that tokens go to.

Keys from others are bounded before they are used, so that none costs more than it should.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from jwcrypto import jwk, jws
from jwcrypto.common import JWException

from ..model import SIGNING_ALGORITHMS, thawed
from .encryption import RecipientKey

MAXIMUM_KEYS = 20
"""As many keys of one JWK Set are looked at."""

MAXIMUM_TRIED = 3
"""As many keys are tried for a signature that does not say which."""

RSA_BITS = range(2048, 4097)
RSA_EXPONENT = 65537
PUBLIC_MEMBERS = ("kty", "n", "e", "crv", "x", "y")
_MAXIMUM_KID = 128
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
SIGNING_KINDS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""The type of key, and its curve, that each algorithm is for (RFC 7518 §3.1, RFC 8037 §3.1)."""

_SIGNATURE_BYTES = {"ES256": 64, "ES384": 96, "EdDSA": 64}
_ENCRYPTION_ALGORITHMS = {
    "RSA": ("RSA-OAEP-256", "RSA-OAEP"),
    "EC": ("ECDH-ES+A256KW", "ECDH-ES"),
}
"""By type of key; the first one where a key does not say."""


_NOBODYS_KEYS = {
    "RSA": {"kty": "RSA", "n": "g" + "A" * 340 + "Q", "e": "AQAB"},
    "P-256": {
        "kty": "EC",
        "crv": "P-256",
        "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",
        "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
    },
    "P-384": {
        "kty": "EC",
        "crv": "P-384",
        "x": "qofKIr6LBTeOscce8yCtdG4dO2KLp5uYWfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3",
        "y": "NhfeSpYmLG9dnpi_kpLcKfj0Hb0omhR86doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f",
    },
    "Ed25519": {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY",
    },
}
"""An RSA modulus of the usual size, and the curves' generators."""


class UnusableKey(ValueError):
    """A JWK or JWK Set that can't be used; the text says why, and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key, and the one algorithm whose signatures it verifies (RFC 8725 §3.1)."""

    kid: str | None
    algorithm: str
    _verify: Callable[[str], bytes] = field(repr=False)

    def verify(self, token: str) -> bytes:
        """The payload of the compact JWS ``token``; raises ValueError unless it was signed so."""
        try:
            return self._verify(token)
        except Exception:  # jwcrypto lets TypeError, OverflowError and more through
            raise ValueError("the signature does not fit") from None


def verification_keys(
    jwks: Mapping[str, Any], algorithm: str, kid: str | None
) -> tuple[VerificationKey, ...]:
    """Those keys of a JWK Set that may have made a signature with this header.

    Keys that are not usable are passed over; without ``kid``, the first few of a fitting type.
    """
    tried = MAXIMUM_KEYS if kid is not None else MAXIMUM_TRIED
    return tuple(islice(_fitting_keys(jwks, algorithm, kid), tried))


def _fitting_keys(
    jwks: Mapping[str, Any], algorithm: str, kid: str | None
) -> Iterator[VerificationKey]:
    for members in _keys_of(jwks):
        if kid is None or members.get("kid") == kid:
            with suppress(UnusableKey):
                yield verification_key(members, algorithm)


def verification_key(members: Mapping[str, Any], algorithm: str) -> VerificationKey:
    """The JWK ``members`` for signatures by ``algorithm``; raises UnusableKey."""
    if (members.get("kty"), members.get("crv")) != SIGNING_KINDS.get(algorithm):
        raise UnusableKey(f"no key for {algorithm}")
    if members.get("use", "sig") != "sig" or members.get("alg", algorithm) != algorithm:
        raise UnusableKey(f"the key is for something else than {algorithm}")
    key = _bounded(members)

    def verify(token: str) -> bytes:
        signed = jws.JWS()
        signed.allowed_algs = [algorithm]
        signed.deserialize(token, key, alg=algorithm)
        length = _SIGNATURE_BYTES.get(algorithm)
        if length is not None and len(signed.objects["signature"]) != length:
            raise ValueError("a signature of another length")
        return bytes(signed.payload)

    return VerificationKey(_kid_of(members), algorithm, verify)


@cache
def nobodys_key(algorithm: str) -> VerificationKey:
    """A key that verifies nothing, and takes as long about it as anyone's (RFC 6749 §2.3.1)."""
    kind = SIGNING_KINDS[algorithm]
    return verification_key(_NOBODYS_KEYS[kind[1] or "RSA"], algorithm)


def recipient_key(jwks: Mapping[str, Any]) -> RecipientKey:
    """The first key of a JWK Set that tokens can be encrypted to; raises UnusableKey."""
    for members in _keys_of(jwks):
        offered = _ENCRYPTION_ALGORITHMS.get(str(members.get("kty")), ())
        algorithm = members.get("alg", offered[0] if offered else None)
        if members.get("use", "enc") != "enc" or algorithm not in offered:
            continue
        try:
            return RecipientKey.of(_kid_of(members), str(algorithm), _bounded(members))
        except UnusableKey:
            continue
    raise UnusableKey("the JWK Set has no RSA or EC key that tokens can be encrypted to")


def check_verification_jwks(jwks: object) -> None:
    """Raises UnusableKey unless ``jwks`` is a public JWK Set with a key that can verify."""
    if not isinstance(jwks, Mapping):
        raise UnusableKey("a JWK Set is a JSON object")
    _check_public(jwks)
    if not any(
        verification_keys({"keys": [members]}, algorithm, None)
        for members in _keys_of(jwks)
        for algorithm in SIGNING_ALGORITHMS
    ):
        raise UnusableKey(
            "the JWK Set has no RSA key (2048 to 4096 bits), P-256, P-384 or Ed25519 key for"
            " signatures"
        )


def check_recipient_jwks(jwks: object) -> None:
    """Raises UnusableKey unless ``jwks`` is a public JWK Set with a key to encrypt to."""
    if not isinstance(jwks, Mapping):
        raise UnusableKey("a JWK Set is a JSON object")
    _check_public(jwks)
    recipient_key(jwks)


def without_private_members(jwks: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the JWK Set, whoever made it, with nothing in it that has to be kept secret."""
    keys = jwks.get("keys")
    return {
        "keys": [
            {name: value for name, value in members.items() if name not in _PRIVATE_MEMBERS}
            for members in (keys if isinstance(keys, list | tuple) else ())
            if isinstance(members, Mapping)
        ]
    }


def _check_public(jwks: Mapping[str, Any]) -> None:
    keys = jwks.get("keys")
    if not isinstance(keys, list | tuple) or not 0 < len(keys) <= MAXIMUM_KEYS:
        raise UnusableKey(f"a JWK Set has 1 to {MAXIMUM_KEYS} keys in its member keys")
    for members in keys:
        if not isinstance(members, Mapping):
            raise UnusableKey("a JWK is a JSON object")
        if _PRIVATE_MEMBERS & members.keys():
            raise UnusableKey("the JWK Set has a private or symmetric key: only public ones here")


def _keys_of(jwks: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    keys = jwks.get("keys")
    for members in keys[:MAXIMUM_KEYS] if isinstance(keys, list | tuple) else ():
        if isinstance(members, Mapping):
            yield members


def _bounded(members: Mapping[str, Any]) -> jwk.JWK:
    """The public key in ``members``, of a size that can be worked with."""
    public = {name: thawed(v) for name, v in members.items() if name in ("kty", "n", "e")}
    if members.get("kty") != "RSA":
        public = {name: members.get(name) for name in ("kty", "crv", "x", "y") if name in members}
    if sum(len(str(value)) for value in public.values()) > 1024:
        raise UnusableKey("the key is too large")
    try:
        key = jwk.JWK(**public)
        opened = key.get_op_key("verify")
    except (JWException, ValueError, TypeError, KeyError, OverflowError):
        raise UnusableKey("the key is malformed") from None
    if isinstance(opened, rsa.RSAPublicKey) and (
        opened.key_size not in RSA_BITS or opened.public_numbers().e != RSA_EXPONENT
    ):
        raise UnusableKey("an RSA key needs 2048 to 4096 bits and the exponent 65537")
    return key


def _kid_of(members: Mapping[str, Any]) -> str | None:
    kid = members.get("kid")
    if kid is not None and (not isinstance(kid, str) or len(kid) > _MAXIMUM_KID):
        raise UnusableKey(f"a kid is a text of {_MAXIMUM_KID} characters at most")
    return kid
