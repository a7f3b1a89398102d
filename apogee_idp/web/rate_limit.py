"""How often callers may do what costs them nothing: buckets of tokens that fill again by time."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import TooManyRequests
from ..throttling import network_of


@dataclass(frozen=True, slots=True)
class Rate:
    """So many ``at_once``, and ``per_second`` from then on."""

    at_once: int
    per_second: float

    @property
    def refill_seconds(self) -> float:
        """How long an empty bucket takes to be full again."""
        return self.at_once / self.per_second


_STRANGER = Rate(at_once=2_000, per_second=20)
_STRANGERS = Rate(at_once=20_000, per_second=500)


class _Bucket:
    """Full at first; ``now`` never runs backwards."""

    __slots__ = ("_at", "_level", "_rate")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._level = float(rate.at_once)
        self._at = now

    def seconds_until_one(self, now: float) -> float:
        """How long until there is a token; 0 if there is one."""
        grown = (now - self._at) * self._rate.per_second
        self._level, self._at = min(self._level + grown, self._rate.at_once), now
        return max(1 - self._level, 0) / self._rate.per_second

    def take(self) -> None:
        """There must be one."""
        self._level -= 1


class RateLimit:
    """Counts what each source does, and all of them together; in this process alone.

    ``monotonic`` gives seconds.
    """

    __slots__ = ("_all", "_monotonic", "_most", "_of_source", "_sources")

    def __init__(self, *, of_source: Rate, of_all: Rate, monotonic: Callable[[], float]) -> None:
        self._of_source = of_source
        self._monotonic = monotonic
        self._all = _Bucket(of_all, monotonic())
        # So many sources at most can have taken something that has not grown back yet: whoever of
        # more came by the longest ago has a full bucket, which is as good as none.
        self._most = of_all.at_once + math.ceil(of_all.per_second * of_source.refill_seconds)
        self._sources: OrderedDict[str, _Bucket] = OrderedDict()

    def seconds_to_wait(self, address: str) -> float:
        """0, and it is counted; or how long the caller has to wait, and it is not.

        An IPv6 ``address`` counts as its network (/64): one host has that many to choose from.
        """
        now, source = self._monotonic(), network_of(address)
        bucket = self._sources.get(source) or _Bucket(self._of_source, now)
        wait = bucket.seconds_until_one(now) or self._all.seconds_until_one(now)
        if wait:
            return wait
        bucket.take()
        self._all.take()
        self._sources[source] = bucket
        self._sources.move_to_end(source)
        while len(self._sources) > self._most:
            self._sources.popitem(last=False)
        return 0

    def admit(self, address: str) -> None:
        """Counts it; raises TooManyRequests if the caller has to wait, as ``seconds_to_wait``."""
        wait = self.seconds_to_wait(address)
        if wait:
            raise TooManyRequests(retry_after=math.ceil(wait))


def limit_for_strangers() -> RateLimit:
    """How often requests are kept of those of whom nobody knows who they are.

    An office of a thousand may sign in at once. What fills the store is bounded: the requests of
    ten minutes, which is how long they are kept. The bound on all is wide, so that it takes many
    sources to keep others out by using it up.
    """
    return RateLimit(of_source=_STRANGER, of_all=_STRANGERS, monotonic=time.monotonic)
