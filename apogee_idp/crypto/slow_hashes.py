"""Slow hashes for secrets that we did not generate: argon2id, and OpenIddict's PBKDF2.

Everything here takes milliseconds of a core: call it from a thread.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

_ARGON2 = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_MAX_MEMORY_KIB = 64 * 1024
_MAX_TIME_COST = 10
_MAX_ITERATIONS = 1_000_000
_PBKDF2_HEADER = struct.Struct(">BIII")
_PBKDF2_MARKER = 1
_PBKDF2_PRFS = ("sha1", "sha256", "sha512")
_PBKDF2_MINIMUM_BYTES = 16

NOBODYS_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LW5vYm9keQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)
"""Costs what a real one costs and matches nothing."""


def hash_secret(secret: str) -> str:
    """``secret`` as an argon2id hash in PHC string format."""
    return _ARGON2.hash(secret)


def verify_secret(stored: str, presented: str) -> bool:
    """Whether ``presented`` is the secret that ``stored`` is a hash of.

    An unreadable hash, or one that asks for more memory or time than we grant, is never a match.
    """
    if stored.startswith("$argon2"):
        return _verify_argon2(stored, presented)
    return _verify_pbkdf2(stored, presented)


def _verify_argon2(stored: str, presented: str) -> bool:
    try:
        parameters = extract_parameters(stored)
        if parameters.memory_cost > _MAX_MEMORY_KIB or parameters.time_cost > _MAX_TIME_COST:
            return False
        return _ARGON2.verify(stored, presented)
    except (InvalidHashError, VerificationError):
        return False


def _verify_pbkdf2(stored: str, presented: str) -> bool:
    """ASP.NET Core Identity's version 3 layout, which OpenIddict stores in ``client_secret``.

    Marker, PRF, iterations and salt length as big-endian integers, then salt and subkey.
    """
    try:
        blob = base64.b64decode(stored, validate=True)
        marker, prf, iterations, salt_length = _PBKDF2_HEADER.unpack_from(blob)
    except (binascii.Error, ValueError, struct.error):
        return False
    salt = blob[_PBKDF2_HEADER.size : _PBKDF2_HEADER.size + salt_length]
    subkey = blob[_PBKDF2_HEADER.size + salt_length :]
    if (
        marker != _PBKDF2_MARKER
        or prf >= len(_PBKDF2_PRFS)
        or not 0 < iterations <= _MAX_ITERATIONS
        or min(len(salt), len(subkey)) < _PBKDF2_MINIMUM_BYTES
    ):
        return False
    derived = hashlib.pbkdf2_hmac(
        _PBKDF2_PRFS[prf], presented.encode(), salt, iterations, len(subkey)
    )
    return hmac.compare_digest(derived, subkey)
