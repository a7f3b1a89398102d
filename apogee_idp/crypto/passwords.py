"""Passwords of people: which ones are taken, how they are compared, and their slow hashes."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ..errors import TemporarilyUnavailable
from . import slow_hashes
from .common_passwords import COMMON_PASSWORDS

MINIMUM_CHARACTERS = 8
"""What NIST SP 800-63B asks for; more makes people write them down, length alone guards nobody."""

MAXIMUM_BYTES = 1024
"""Long enough for any sentence; the hash reads all of it."""

Answer = TypeVar("Answer")


def normalised(password: str) -> str:
    """``password`` as it is hashed: the same from every keyboard (NFKC, NIST SP 800-63B §5.1.1.2).

    Raises ValueError if it is too long, or no text.
    """
    if len(password) > MAXIMUM_BYTES or len(password.encode()) > MAXIMUM_BYTES:
        raise ValueError(f"a password has at most {MAXIMUM_BYTES} bytes")
    return unicodedata.normalize("NFKC", password)


def checked_password(password: str, email: str) -> str:
    """``normalised``, for a new password of whoever has ``email``.

    Raises ValueError, which repeats nothing of it, for one that is short, common, or the address.
    """
    chosen = normalised(password)
    if len(chosen) < MINIMUM_CHARACTERS:
        raise ValueError(f"a password has at least {MINIMUM_CHARACTERS} characters")
    if any(unicodedata.category(character) == "Cc" for character in chosen):
        raise ValueError("a password has no control characters")
    guess = chosen.casefold()
    address = unicodedata.normalize("NFKC", email).casefold().strip()
    if guess in COMMON_PASSWORDS or len(set(guess)) == 1:
        raise ValueError("this password is one of the first that anyone would try")
    if guess in (address, address.partition("@")[0]):
        raise ValueError("the password can't be the e-mail address")
    return chosen


class PasswordHashes:
    """argon2id in ``threads`` of its own: so many hashes of 19 MiB are made at once.

    Stored hashes of other programs may want up to 64 MiB each. At most ``max_waiting`` questions
    are under way, whoever they are about, and each is waited for ``patience`` seconds at most:
    beyond that the answer is TemporarilyUnavailable. Passwords come normalised.
    """

    __slots__ = ("_max_waiting", "_patience", "_pool", "_under_way")

    def __init__(self, *, threads: int = 2, max_waiting: int = 32, patience: float = 5.0) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="password-hash")
        self._max_waiting = max_waiting
        self._patience = patience
        self._under_way = 0

    async def hash(self, password: str) -> str:
        """A new hash, in PHC string format."""
        return await self._run(lambda: slow_hashes.hash_secret(password))

    async def matches(self, stored: str, password: str) -> bool:
        """Whether ``stored`` is a hash of ``password``.

        Of "", which is no hash, nothing is; that costs what a hash of ours does.
        """
        known = stored or slow_hashes.NOBODYS_HASH
        return await self._run(lambda: slow_hashes.verify_secret(known, password))

    def is_outdated(self, stored: str) -> bool:
        """Whether a new hash of the same password would be a better one."""
        return slow_hashes.is_outdated(stored)

    def close(self) -> None:
        """Lets the threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], Answer]) -> Answer:
        if self._under_way >= self._max_waiting:
            raise TemporarilyUnavailable(reason="too many passwords are hashed at once")
        answer = asyncio.get_running_loop().run_in_executor(self._pool, work)
        self._under_way += 1
        answer.add_done_callback(self._settle)
        try:
            async with asyncio.timeout(self._patience):
                # Shielded: it is work until it is done, whether or not anyone waits for it.
                return await asyncio.shield(answer)
        except TimeoutError:
            raise TemporarilyUnavailable(reason="hashing a password takes too long") from None

    def _settle(self, done: asyncio.Future[Answer]) -> None:
        self._under_way -= 1
        if not done.cancelled():
            done.exception()  # else asyncio complains that nobody waited for it
