"""Slow hashes for secrets that we did not generate: argon2id, and OpenIddict's PBKDF2."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass, field

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

_ARGON2 = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_MAX_MEMORY_KIB = 64 * 1024
_MAX_TIME_COST = 10
_MAX_PARALLELISM = 4
_MAX_ITERATIONS = 1_000_000
_PBKDF2_HEADER = struct.Struct(">BIII")
_PBKDF2_MARKER = 1
_PBKDF2_PRFS = ("sha1", "sha256", "sha512")
_PBKDF2_BYTES = range(16, 65)

NOBODYS_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LW5vYm9keQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)
"""Costs what a real one costs and matches nothing."""


def hash_secret(secret: str) -> str:
    """``secret`` as an argon2id hash in PHC string format. Takes 40 ms: call it in a thread."""
    return _ARGON2.hash(secret)


def verify_secret(stored: str, presented: str) -> bool:
    """Whether ``presented`` is the secret that ``stored`` is a hash of. Call it in a thread.

    An unreadable hash, or one that asks for more memory or time than we grant, is never a match.
    """
    if stored.startswith("$argon2"):
        return _verify_argon2(stored, presented)
    return _verify_pbkdf2(stored, presented)


def is_verifiable(stored: str) -> bool:
    """Whether any secret could match ``stored``: a hash we can read, within what we grant."""
    if stored.startswith("$argon2"):
        return _is_affordable_argon2(stored)
    return _read_pbkdf2(stored) is not None


def is_outdated(stored: str) -> bool:
    """Whether ``stored`` is a hash of another kind, or of another cost, than we make now."""
    try:
        return _ARGON2.check_needs_rehash(stored)
    except (InvalidHashError, ValueError):
        return True


@dataclass(frozen=True, slots=True)
class _Pbkdf2:
    prf: str
    iterations: int
    salt: bytes
    subkey: bytes = field(repr=False)


def _verify_argon2(stored: str, presented: str) -> bool:
    try:
        return _is_affordable_argon2(stored) and _ARGON2.verify(stored, presented)
    except (InvalidHashError, VerificationError, ValueError):
        return False


def _is_affordable_argon2(stored: str) -> bool:
    try:
        parameters = extract_parameters(stored)
    except (InvalidHashError, ValueError):
        return False
    return (
        parameters.memory_cost <= _MAX_MEMORY_KIB
        and parameters.time_cost <= _MAX_TIME_COST
        and parameters.parallelism <= _MAX_PARALLELISM
    )


def _verify_pbkdf2(stored: str, presented: str) -> bool:
    hashed = _read_pbkdf2(stored)
    if hashed is None:
        return False
    derived = hashlib.pbkdf2_hmac(
        hashed.prf, presented.encode(), hashed.salt, hashed.iterations, len(hashed.subkey)
    )
    return hmac.compare_digest(derived, hashed.subkey)


def _read_pbkdf2(stored: str) -> _Pbkdf2 | None:
    """ASP.NET Core Identity's version 3 layout, which OpenIddict stores in ``client_secret``.

    Marker, PRF, iterations and salt length as big-endian integers, then salt and subkey.
    """
    try:
        blob = base64.b64decode(stored, validate=True)
        marker, prf, iterations, salt_length = _PBKDF2_HEADER.unpack_from(blob)
    except (binascii.Error, ValueError, struct.error):
        return None
    salt = blob[_PBKDF2_HEADER.size : _PBKDF2_HEADER.size + salt_length]
    subkey = blob[_PBKDF2_HEADER.size + salt_length :]
    if (
        marker != _PBKDF2_MARKER
        or prf >= len(_PBKDF2_PRFS)
        or not 0 < iterations <= _MAX_ITERATIONS
        or len(salt) not in _PBKDF2_BYTES
        or len(subkey) not in _PBKDF2_BYTES
    ):
        return None
    return _Pbkdf2(_PBKDF2_PRFS[prf], iterations, salt, subkey)
