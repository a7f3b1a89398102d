"""How old the keys are, and when the next ones take over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from ..key_model import STORE_SOURCE, KeyRecord
from ..key_rotation import KeyPeriods, retirement_of, state_of
from .counts import Labels


@dataclass(frozen=True, slots=True)
class KeyGauges:
    """Of the ``ring`` as it is when somebody asks; ``algorithms`` are those that are renewed."""

    ring: Callable[[], Sequence[KeyRecord]]
    algorithms: Collection[str]
    periods: KeyPeriods
    now: Callable[[], int]

    def keys(self) -> dict[Labels, float]:
        """How many there are, by algorithm and state."""
        ring, now = self.ring(), self.now()
        states = ((key.algorithm, state_of(key, ring, self.periods, now)) for key in ring)
        return {labels: float(count) for labels, count in Counter(states).items()}

    def active_since(self) -> dict[Labels, float]:
        """Unix seconds, by algorithm."""
        return {(key.algorithm,): float(key.activates_at) for key in self._active()}

    def next_rotation(self) -> dict[Labels, float]:
        """Unix seconds, by algorithm; nothing where nobody knows, or no key will follow."""
        ring = self.ring()
        planned = {(key.algorithm,): self._retirement(key, ring) for key in self._active()}
        return {labels: float(time) for labels, time in planned.items() if time is not None}

    def _active(self) -> Iterator[KeyRecord]:
        ring, now = self.ring(), self.now()
        return (key for key in ring if state_of(key, ring, self.periods, now) == "active")

    def _retirement(self, key: KeyRecord, ring: Sequence[KeyRecord]) -> int | None:
        known = retirement_of(key, ring)
        if known is None and key.source == STORE_SOURCE and key.algorithm in self.algorithms:
            return key.activates_at + self.periods.active
        return known
