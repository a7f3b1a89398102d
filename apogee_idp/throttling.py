"""How often sign-ins may fail: waits that grow, and nobody locked out by what others do."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from cachetools import LRUCache

from .errors import SignInRefused, TooManyFailures

_FORGOTTEN_SECONDS = 3600.0
_IPV6_NETWORK = 64
_MAXIMUM_DOUBLINGS = 20


class Bound(NamedTuple):
    """``free`` failures cost nothing; then one waits 1, 2, 4, ... seconds, ``longest`` at most."""

    free: int
    longest: float

    def wait_after(self, failures: int) -> float:
        """Seconds to wait after so many failures."""
        if failures < self.free:
            return 0.0
        return min(2.0 ** min(failures - self.free, _MAXIMUM_DOUBLINGS), self.longest)


PAIR = Bound(free=5, longest=900)
"""One source on one account: a person who has forgotten, or someone who guesses."""

SOURCE = Bound(free=20, longest=60)
"""One source on any accounts; an office may have a single one."""

ACCOUNT = Bound(free=50, longest=300)
"""Any sources on one account."""


class Bounds(NamedTuple):
    """What failures cost, by account and source, by source, and, if at all, by account."""

    pair: Bound
    source: Bound
    account: Bound | None


OF_PEOPLE = Bounds(PAIR, SOURCE, ACCOUNT)

OF_CLIENTS = Bounds(Bound(free=5, longest=30), Bound(free=20, longest=30), None)
"""Machines try again by themselves, soon after their secret was mended; and whoever guesses at one
from many places must not keep it out of another."""


@dataclass(slots=True)
class _Tally:
    failures: int = 0
    last_at: float = -math.inf


class _Tallies:
    """Failures by key; those of ``size`` keys, of which the least recently tried go first."""

    def __init__(self, bound: Bound, size: int) -> None:
        self._bound = bound
        self._tallies: LRUCache[str, _Tally] = LRUCache(size)

    def remaining(self, key: str, now: float) -> float:
        """Seconds to wait."""
        tally = self._recent(key, now)
        return tally.last_at + self._bound.wait_after(tally.failures) - now

    def count(self, key: str, now: float) -> None:
        """One more failure."""
        tally = self._recent(key, now)
        tally.failures += 1
        tally.last_at = now
        self._tallies[key] = tally

    def take_back(self, key: str) -> None:
        """One failure less: it was none."""
        tally = self._tallies.get(key)
        if tally is not None:
            tally.failures = max(0, tally.failures - 1)

    def clear(self, key: str) -> None:
        """As if nothing had ever failed."""
        self._tallies.pop(key, None)

    def _recent(self, key: str, now: float) -> _Tally:
        tally = self._tallies.get(key)
        is_recent = tally is not None and now < tally.last_at + _FORGOTTEN_SECONDS
        return tally if tally is not None and is_recent else _Tally()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in under way: ``account`` in its one form, ``source`` an address or a network."""

    account: str
    source: str
    is_familiar: bool

    @property
    def pair(self) -> str:
        """Account and source as one key; neither has a line break."""
        return f"{self.account}\n{self.source}"


class SignInThrottle:
    """Counts failed sign-ins of people or clients in this process, for an hour after the last.

    By account and source, by source, and by account. A source that has signed in to an account
    before is bounded by its own failures there alone; so whoever guesses at an account from
    elsewhere, however hard, makes its owner wait nowhere but at a new source. ``monotonic`` gives
    seconds; ``size`` is how many keys of each kind are remembered.
    """

    __slots__ = ("_accounts", "_familiar", "_monotonic", "_pairs", "_sources")

    def __init__(
        self, *, monotonic: Callable[[], float], bounds: Bounds = OF_PEOPLE, size: int = 10_000
    ) -> None:
        self._monotonic = monotonic
        self._pairs = _Tallies(bounds.pair, size)
        self._sources = _Tallies(bounds.source, size)
        self._accounts = None if bounds.account is None else _Tallies(bounds.account, size)
        self._familiar: LRUCache[str, bool] = LRUCache(size)

    @contextmanager
    def attempting(self, account: str, source: str) -> Iterator[None]:
        """Around the question whether it is the owner.

        It is, unless SignInRefused comes out; with anything else, nobody could say. Raises
        TooManyFailures as ``begin`` does.
        """
        attempt = self.begin(account, source)
        try:
            yield
        except SignInRefused:
            raise
        except BaseException:
            self.take_back(attempt)
            raise
        self.succeed(attempt)

    def begin(self, account: str, source: str) -> Attempt:
        """An attempt, which counts as a failure until it is said to be none.

        So any number of attempts at once are no way around. Raises TooManyFailures; one that is
        refused so isn't counted.
        """
        now, network = self._monotonic(), network_of(source)
        attempt = Attempt(account, network, False)
        if self._familiar.get(attempt.pair, False):
            attempt = Attempt(account, network, True)
        wait = max(tallies.remaining(key, now) for tallies, key in self._counted(attempt))
        if wait > 0:
            raise TooManyFailures(math.ceil(wait))
        for tallies, key in self._counted(attempt):
            tallies.count(key, now)
        return attempt

    def succeed(self, attempt: Attempt) -> None:
        """It was the owner: the source is familiar from now on."""
        self.take_back(attempt)
        self._pairs.clear(attempt.pair)
        self._familiar[attempt.pair] = True

    def take_back(self, attempt: Attempt) -> None:
        """Nobody could say whether it was the owner."""
        for tallies, key in self._counted(attempt):
            tallies.take_back(key)

    def _counted(self, attempt: Attempt) -> Iterator[tuple[_Tallies, str]]:
        yield self._pairs, attempt.pair
        if not attempt.is_familiar:
            yield self._sources, attempt.source
            if self._accounts is not None:
                yield self._accounts, attempt.account


def network_of(source: str) -> str:
    """What counts as one source: an IPv4 address, or the /64 that one IPv6 customer has.

    Whatever is no address counts as it is, up to its first 64 characters.
    """
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source[:64]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), _IPV6_NETWORK), strict=False))
