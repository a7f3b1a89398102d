"""Client secrets: our own format, and the slow hashes of secrets that others chose.

Ours is ``apogee_<secret id>_<random>_<checksum>``: 256 random bits, so one SHA-256 is hash
enough, and a checksum, so that secret scanners recognise it without asking anyone.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..model import USER_SUBJECT_PREFIX, ClientSecret
from .slow_hashes import (
    NOBODYS_HASH,
    hash_secret,
    is_verifiable,
    verify_secret,
)
from .slow_verifier import SlowVerifier

FAST_HASH_PREFIX = "sha256:"
MINIMUM_LENGTH = 24
MAXIMUM_BYTES = 1024

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECRET_PATTERN = r"apogee_[0-9A-Za-z]{1,32}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}"
"""What secret scanners look for; published in README.md and SECURITY.md."""

_OURS = re.compile(SECRET_PATTERN)
_REFERENCE = re.compile(r"apogee_at_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}")
_NOBODYS_DIGEST = hashlib.sha256(secrets.token_bytes(32)).hexdigest()


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret just made: ``value`` is shown once, ``hash`` is what the store keeps."""

    id: str
    value: str = field(repr=False)
    hash: str = field(repr=False)


def generate_secret() -> NewSecret:
    """A new secret in our own format."""
    secret_id = base62(secrets.randbits(59), 10)
    body = f"apogee_{secret_id}_{base62(secrets.randbits(256), 43)}"
    return _of_our_format(secret_id, f"{body}_{checksum(body)}")


def generate_subject() -> str:
    """A new user's subject: 130 random bits, so it is nobody's."""
    return USER_SUBJECT_PREFIX + "".join(secrets.choice(_BASE62) for _ in range(22))


def adopt_secret(value: str) -> NewSecret:
    """An operator's own secret, hashed slowly unless it is of our format: call it in a thread.

    Raises ValueError if it is shorter than ``MINIMUM_LENGTH`` characters, longer than
    ``MAXIMUM_BYTES`` bytes of UTF-8, or holds control characters.
    """
    secret_id = secret_id_of(value)
    if secret_id is not None:
        return _of_our_format(secret_id, value)
    if len(value) < MINIMUM_LENGTH:
        raise ValueError(f"a secret of your own needs at least {MINIMUM_LENGTH} characters")
    if not value.isprintable() or len(value.encode()) > MAXIMUM_BYTES:
        raise ValueError(
            f"a secret of your own has printable characters, and at most {MAXIMUM_BYTES} bytes"
        )
    return NewSecret(base62(secrets.randbits(59), 10), value, hash_secret(value))


def secret_id_of(value: str) -> str | None:
    """The secret id inside ``value`` if it is of our own format with a right checksum."""
    match = _OURS.fullmatch(value)
    if match is None or not hmac.compare_digest(checksum(value[:-7]), value[-6:]):
        return None
    return value.split("_")[1]


def is_secret(known: ClientSecret, value: str) -> bool:
    """Whether ``value``, of our own format, is the secret ``known``; compared in constant time."""
    expected = FAST_HASH_PREFIX + _sha256(value)
    return hmac.compare_digest(known.hash.encode(), expected.encode())


def is_any_secret(known: ClientSecret, value: str) -> bool:
    """The same for a ``value`` of any format: call it in a thread, the hash may be a slow one."""
    return is_secret(known, value) or verify_secret(known.hash, value)


def can_be_verified(stored: str) -> bool:
    """Whether any secret could match the hash ``stored``."""
    return stored.startswith(FAST_HASH_PREFIX) or is_verifiable(stored)


def generate_reference_token() -> tuple[str, str]:
    """An opaque token of 256 random bits, ``apogee_at_<random>_<checksum>``, and its reference."""
    body = f"apogee_at_{base62(secrets.randbits(256), 43)}"
    token = f"{body}_{checksum(body)}"
    return token, _reference(token)


def reference_of(token: str) -> str | None:
    """The SHA-256 of ``token``, under which it is kept, if it has the form of an opaque token."""
    if not _REFERENCE.fullmatch(token) or checksum(token[:-7]) != token[-6:]:
        return None
    return _reference(token)


def _reference(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class SecretVerifier:
    """Finds which of a client's secrets was presented.

    Secrets of our own format cost one SHA-256 and one comparison, whether the client exists or
    not. All others cost one slow hash at least.
    """

    __slots__ = ("_slow",)

    def __init__(self, slow: SlowVerifier) -> None:
        self._slow = slow

    async def find(
        self, client_id: str, presented: str, candidates: Sequence[ClientSecret], *, source: str
    ) -> str | None:
        """The id of the candidate that ``presented`` is, sent for ``client_id`` by ``source``.

        None if it is none of them. Raises TooManyAttempts or TemporarilyUnavailable where nobody
        may, or can, look at slow hashes now.
        """
        secret_id = secret_id_of(presented)
        if secret_id is not None:
            return _find_ours(presented, secret_id, candidates)
        if not presented or len(presented.encode()) > MAXIMUM_BYTES:
            return None
        slow = {c.hash: c.id for c in candidates if not c.hash.startswith(FAST_HASH_PREFIX)}
        hashes = [*slow] or [NOBODYS_HASH]
        matched = await self._slow.find(client_id, hashes, presented, source=source)
        return None if matched is None else slow.get(matched)


def _find_ours(presented: str, secret_id: str, candidates: Sequence[ClientSecret]) -> str | None:
    # One hash and one comparison on every path, so that time doesn't tell which clients exist.
    stored = {c.id: c.hash for c in candidates}.get(secret_id, "")
    expected = stored.removeprefix(FAST_HASH_PREFIX) if stored else _NOBODYS_DIGEST
    return (
        secret_id if hmac.compare_digest(expected.encode(), _sha256(presented).encode()) else None
    )


def _of_our_format(secret_id: str, value: str) -> NewSecret:
    return NewSecret(secret_id, value, FAST_HASH_PREFIX + _sha256(value))


def _sha256(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def checksum(body: str) -> str:
    """The six characters by which a value of ours is told from a mistyped one."""
    return base62(zlib.crc32(body.encode()), 6)


def base62(number: int, width: int) -> str:
    """``number`` in ``width`` digits of 0-9 A-Z a-z."""
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits.append(_BASE62[rest])
    return "".join(reversed(digits))
