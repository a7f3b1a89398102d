"""Client secrets: our own format, and the slow hashes of secrets that others chose.

Ours is ``apogee_<secret id>_<random>_<checksum>``: 256 random bits, so one SHA-256 is hash
enough, and a checksum, so that secret scanners recognise it without asking anyone.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from cachetools import TTLCache

from ..errors import TemporarilyUnavailable
from ..model import ClientSecret
from . import slow_hashes

FAST_HASH_PREFIX = "sha256:"
MINIMUM_LENGTH = 24
MAXIMUM_BYTES = 1024

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_OURS = re.compile(r"apogee_([0-9A-Za-z]{1,32})_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}")
_NOBODYS_HASH = hashlib.sha256(secrets.token_bytes(32)).hexdigest()


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret just made: ``value`` is shown once, ``hash`` is what the store keeps."""

    id: str
    value: str = field(repr=False)
    hash: str = field(repr=False)


def generate_secret() -> NewSecret:
    """A new secret in our own format."""
    secret_id = _base62(secrets.randbits(59), 10)
    body = f"apogee_{secret_id}_{_base62(secrets.randbits(256), 43)}"
    value = f"{body}_{_checksum(body)}"
    return NewSecret(secret_id, value, FAST_HASH_PREFIX + _sha256(value))


def adopt_secret(value: str) -> NewSecret:
    """An operator's own secret, hashed slowly: call it off the event loop.

    Raises ValueError if it is shorter than ``MINIMUM_LENGTH`` characters or longer than
    ``MAXIMUM_BYTES`` bytes of UTF-8.
    """
    if len(value) < MINIMUM_LENGTH:
        raise ValueError(f"a secret of your own needs at least {MINIMUM_LENGTH} characters")
    if len(value.encode()) > MAXIMUM_BYTES:
        raise ValueError(f"a secret of your own may have at most {MAXIMUM_BYTES} bytes")
    return NewSecret(_base62(secrets.randbits(59), 10), value, slow_hashes.hash_secret(value))


def secret_id_of(value: str) -> str | None:
    """The secret id inside ``value`` if it is of our own format with a right checksum."""
    match = _OURS.fullmatch(value)
    if match is None or not hmac.compare_digest(_checksum(value[:-7]), value[-6:]):
        return None
    return match[1]


class SecretVerifier:
    """Finds which of a client's secrets was presented.

    Secrets of our own format cost one SHA-256 and one comparison, whether the client exists or
    not. All others cost one slow hash at least, in ``threads`` threads of their own; past
    ``max_waiting`` of them the answer is TemporarilyUnavailable. A slow match is remembered for
    ``remember_seconds`` under a key that only this process has.
    """

    __slots__ = ("_matched", "_max_waiting", "_pool", "_process_key", "_waiting")

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        threads: int = 2,
        max_waiting: int = 32,
        remember_seconds: float = 300,
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="slow-hash")
        self._max_waiting = max_waiting
        self._waiting = 0
        self._process_key = secrets.token_bytes(32)
        self._matched: TTLCache[bytes, bool] = TTLCache(10_000, remember_seconds, monotonic)

    async def find(self, presented: str, candidates: Sequence[ClientSecret]) -> str | None:
        """The id of the candidate that ``presented`` is, or None."""
        secret_id = secret_id_of(presented)
        if secret_id is not None:
            return _find_ours(presented, secret_id, candidates)
        if not presented or len(presented.encode()) > MAXIMUM_BYTES:
            return None
        return await self._find_slowly(presented, candidates)

    def close(self) -> None:
        """Lets the hashing threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _find_slowly(self, presented: str, candidates: Sequence[ClientSecret]) -> str | None:
        slow = [c for c in candidates if not c.hash.startswith(FAST_HASH_PREFIX)]
        for candidate in slow:
            if self._memory_key(candidate.hash, presented) in self._matched:
                return candidate.id
        hashes = [candidate.hash for candidate in slow] or [slow_hashes.NOBODYS_HASH]
        for index, stored in enumerate(hashes):
            if await self._verify(stored, presented) and slow:
                self._matched[self._memory_key(stored, presented)] = True
                return slow[index].id
        return None

    async def _verify(self, stored: str, presented: str) -> bool:
        if self._waiting >= self._max_waiting:
            raise TemporarilyUnavailable(reason="too many slow secret hashes at once")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                self._pool, slow_hashes.verify_secret, stored, presented
            )
        finally:
            self._waiting -= 1

    def _memory_key(self, stored: str, presented: str) -> bytes:
        parts = f"{len(stored)}:{stored}{presented}".encode()
        return hmac.digest(self._process_key, parts, "sha256")


def _find_ours(presented: str, secret_id: str, candidates: Sequence[ClientSecret]) -> str | None:
    # One hash and one comparison on every path, so that time doesn't tell which clients exist.
    stored = {c.id: c.hash for c in candidates}.get(secret_id, "")
    expected = stored.removeprefix(FAST_HASH_PREFIX) if stored else _NOBODYS_HASH
    return secret_id if hmac.compare_digest(expected, _sha256(presented)) else None


def _sha256(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), 6)


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits.append(_BASE62[rest])
    return "".join(reversed(digits))
