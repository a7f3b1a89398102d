"""Codes and refresh tokens: the values that clients get, and the hashes that the store keeps.

Each names its authorization and carries 256 random bits, or 512:
``apogee_code_<authorization id>_<random>_<checksum>`` and
``apogee_rt_<authorization id>_<family>_<random>_<checksum>``. The ``family`` is the same in all
refresh tokens of one authorization, so that a spent one is known by it, though only the last is
kept.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

from .secrets import base62, checksum

_RANDOM = "[0-9A-Za-z]{43}"
_CODE = re.compile(rf"apogee_code_([0-9a-f]{{32}})_({_RANDOM})_[0-9A-Za-z]{{6}}")
_REFRESH_TOKEN = re.compile(rf"apogee_rt_([0-9a-f]{{32}})_({_RANDOM})_({_RANDOM})_[0-9A-Za-z]{{6}}")


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code, taken apart."""

    authorization_id: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls, authorization_id: str) -> Code:
        """A code for this authorization: 32 hexadecimal digits."""
        return cls(authorization_id, _random())

    @classmethod
    def parse(cls, value: str) -> Code | None:
        """None for what isn't a code to the last character."""
        match = _CODE.fullmatch(value)
        return cls(match[1], match[2]) if match and _is_whole(value) else None

    def __str__(self) -> str:
        return _with_checksum(f"apogee_code_{self.authorization_id}_{self.secret}")


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token, taken apart."""

    authorization_id: str
    family: str = field(repr=False)
    secret: str = field(repr=False)

    @classmethod
    def first(cls, authorization_id: str) -> RefreshToken:
        """The first of a new family."""
        return cls(authorization_id, _random(), _random())

    @classmethod
    def parse(cls, value: str) -> RefreshToken | None:
        """None for what isn't a refresh token to the last character."""
        match = _REFRESH_TOKEN.fullmatch(value)
        return cls(match[1], match[2], match[3]) if match and _is_whole(value) else None

    def successor(self) -> RefreshToken:
        """The next of the family."""
        return RefreshToken(self.authorization_id, self.family, _random())

    def __str__(self) -> str:
        return _with_checksum(f"apogee_rt_{self.authorization_id}_{self.family}_{self.secret}")


def hash_of(secret: str) -> str:
    """What the store keeps of 256 random bits: their SHA-256 as hexadecimal digits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_hash_of(known: str, secret: str) -> bool:
    """Whether ``known`` is that; compared in constant time."""
    return hmac.compare_digest(known.encode(), hash_of(secret).encode())


def _random() -> str:
    return base62(secrets.randbits(256), 43)


def _with_checksum(body: str) -> str:
    return f"{body}_{checksum(body)}"


def _is_whole(value: str) -> bool:
    return checksum(value[:-7]) == value[-6:]
