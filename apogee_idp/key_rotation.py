"""When which key is published, signs, retires and goes: decided by the clock alone.

A record says only when its key begins to sign. From then on the key before it is retired, and it
stays published until the last token it can have signed has expired. So rotation is one write, long
before anything changes, and every process changes over by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .key_model import STORE_SOURCE, KeyRecord, KeyState

FIRST_KEY_AHEAD_SECONDS = 600
"""The first key of an algorithm is published for at most this long before it signs. Those of an
empty ring sign at once: nobody can have read it before."""


@dataclass(frozen=True, slots=True)
class KeyPeriods:
    """How long a key signs, is published before that, and stays published after it, in seconds."""

    active: int
    ahead: int
    retired: int


def state_of(
    record: KeyRecord, ring: Iterable[KeyRecord], periods: KeyPeriods, now: int
) -> KeyState:
    """Where in its life a key of ``ring`` is."""
    if now < record.activates_at:
        return "published"
    retires_at = retirement_of(record, ring)
    if retires_at is None or now < retires_at:
        return "active"
    return "retired" if now < retires_at + periods.retired else "removed"


def retirement_of(record: KeyRecord, ring: Iterable[KeyRecord]) -> int | None:
    """When the next key of the same algorithm begins to sign; None if there is none yet."""
    later = [
        other.activates_at
        for other in ring
        if _place(other) > _place(record) and other.algorithm == record.algorithm
    ]
    return min(later, default=None)


def algorithms_due(
    ring: Sequence[KeyRecord], algorithms: Iterable[str], periods: KeyPeriods, now: int
) -> list[str]:
    """Those of ``algorithms`` for which a key is to be made now.

    Keys of another source than the store are followed by what that source provides.
    """
    due = []
    for algorithm in algorithms:
        newest = newest_of(algorithm, ring)
        if newest is None or (
            newest.source == STORE_SOURCE
            and newest.activates_at + periods.active - periods.ahead <= now
        ):
            due.append(algorithm)
    return due


def next_activation(
    algorithm: str, ring: Sequence[KeyRecord], periods: KeyPeriods, now: int
) -> int:
    """When a key of this algorithm that is published now begins to sign."""
    if not ring:
        return now
    if newest_of(algorithm, ring) is None:
        return now + min(periods.ahead, FIRST_KEY_AHEAD_SECONDS)
    return now + periods.ahead


def newest_of(algorithm: str, ring: Iterable[KeyRecord]) -> KeyRecord | None:
    """The key of this algorithm that signs, or is to sign, last."""
    return max((r for r in ring if r.algorithm == algorithm), key=_place, default=None)


def without_removed(
    ring: Sequence[KeyRecord], periods: KeyPeriods, now: int
) -> tuple[KeyRecord, ...]:
    """The keys that are still of use.

    One that is to sign later than any could be planned was made by a clock that was ahead; unless
    none of its algorithm signs yet, for then the clock that is behind is ours.
    """
    latest = now + periods.active + periods.ahead
    signing = {record.algorithm for record in ring if record.activates_at <= now}
    return tuple(
        record
        for record in ring
        if state_of(record, ring, periods, now) != "removed"
        and (record.activates_at <= latest or record.algorithm not in signing)
    )


def _place(record: KeyRecord) -> tuple[int, str]:
    return (record.activates_at, record.kid)
