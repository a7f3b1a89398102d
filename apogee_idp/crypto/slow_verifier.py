"""Slow hashes of client secrets, tried off the event loop: bounded, shared fairly, remembered."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from cachetools import TTLCache

from ..errors import TemporarilyUnavailable, TooManyAttempts, TooManyFailures
from ..model import is_client_id
from ..throttling import OF_CLIENTS, Attempt, SignInThrottle
from . import slow_hashes

Answer = asyncio.Future[str | None]

_NOBODY = ""
"""Whose failures those of impossible client_ids are, which may be as long as a request."""


class SlowVerifier:
    """Finds the slow hash that a secret is of, in ``threads`` of their own, once for each question.

    At most ``max_waiting`` questions are under way, a quarter of them about one client and half of
    them from one source, and each is waited for ``patience`` seconds at most: beyond that the
    answer is TemporarilyUnavailable. Failures have to wait (``OF_CLIENTS``). A match is remembered
    until nobody has asked for ``remember_seconds``, under a key that only this process has, and
    never has to wait.
    """

    __slots__ = (
        "_matched",
        "_max_waiting",
        "_patience",
        "_pool",
        "_process_key",
        "_shares",
        "_throttle",
        "_under_way",
    )

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        threads: int = 2,
        max_waiting: int = 32,
        patience: float = 1.0,
        remember_seconds: float = 300,
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, "slow-hash")
        self._max_waiting = max_waiting
        self._patience = patience
        self._process_key = secrets.token_bytes(32)
        self._throttle = SignInThrottle(monotonic=monotonic, bounds=OF_CLIENTS)
        self._shares: Counter[str] = Counter()
        self._under_way: dict[bytes, Answer] = {}
        self._matched: TTLCache[bytes, str] = TTLCache(10_000, remember_seconds, monotonic)

    async def find(
        self, client_id: str, hashes: Sequence[str], presented: str, *, source: str
    ) -> str | None:
        """Which of ``hashes`` is that of ``presented``, sent for ``client_id``; or None.

        Questions are shared within a client_id only, known or not. Were all unknown ones to share
        nobody's, a full queue would tell them from the known ones. Raises TooManyAttempts or
        TemporarilyUnavailable if nobody looks at it now.
        """
        question = self._question(client_id, *hashes, presented)
        if (matched := self._matched.get(question)) is not None:
            self._matched[question] = matched
            return matched
        answer = self._under_way.get(question)
        if answer is None:
            attempt = self._begin(client_id, source)
            answer = self._ask(question, attempt, hashes, presented)
        try:
            async with asyncio.timeout(self._patience):
                # Shielded: others may wait for the same answer, and it is worth remembering.
                return await asyncio.shield(answer)
        except TimeoutError:
            raise TemporarilyUnavailable(reason="slow secret hashes take too long") from None

    def close(self) -> None:
        """Lets the threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, client_id: str, source: str) -> Attempt:
        # What is sent decides, never what is known: else it would tell which clients exist.
        try:
            account = client_id if is_client_id(client_id) else _NOBODY
            attempt = self._throttle.begin(account, source)
        except TooManyFailures as error:
            raise TooManyAttempts(retry_after=error.retry_after) from None
        shares = self._shares
        if (
            len(self._under_way) >= self._max_waiting
            or shares[_client(attempt)] >= max(1, self._max_waiting // 4)
            or shares[_source(attempt)] >= max(1, self._max_waiting // 2)
        ):
            self._throttle.take_back(attempt)
            raise TemporarilyUnavailable(reason="too many slow secret hashes at once")
        return attempt

    def _ask(
        self, question: bytes, attempt: Attempt, hashes: Sequence[str], presented: str
    ) -> Answer:
        loop = asyncio.get_running_loop()
        answer: Answer = loop.run_in_executor(self._pool, _match, hashes, presented)
        self._under_way[question] = answer
        self._shares.update((_client(attempt), _source(attempt)))

        def settle(done: Answer) -> None:
            del self._under_way[question]
            self._shares -= Counter((_client(attempt), _source(attempt)))
            if done.cancelled() or done.exception() is not None:
                self._throttle.take_back(attempt)
            elif (matched := done.result()) is not None:
                self._throttle.succeed(attempt)
                self._matched[question] = matched

        answer.add_done_callback(settle)
        return answer

    def _question(self, *parts: str) -> bytes:
        text = "".join(f"{len(part)}:{part}" for part in parts)
        return hmac.digest(self._process_key, text.encode(), "sha256")


def _match(hashes: Sequence[str], presented: str) -> str | None:
    for stored in hashes:
        if slow_hashes.verify_secret(stored, presented):
            return stored
    return None


def _client(attempt: Attempt) -> str:
    return f"client {attempt.account}"


def _source(attempt: Attempt) -> str:
    return f"source {attempt.source}"
