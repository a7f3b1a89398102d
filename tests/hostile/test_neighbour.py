"""What a healthy client notices of all this: hardly anything."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle

from .neighbour import Neighbour, Report
from .raw import Raw
from .target import Target
from .test_floods import FLOODS
from .test_framing import MALFORMED, WELL_FORMED
from .test_slow import BODIES, HEADS

PACE = 0.02
"""Seconds from one attack to the next: how much a processor can do is not the question."""

LINGERING = 300
"""So many attackers stay, and read nothing."""

ATTACKS = (
    *(first for first, _ in (*HEADS.values(), *BODIES.values())),
    *MALFORMED.values(),
    *(sent for sent, _ in WELL_FORMED.values()),
    *(b"".join(pieces)[:100_000] for _, pieces in FLOODS.values()),
)


@contextmanager
def attacks(target: Target) -> Iterator[None]:
    """All of them meanwhile, one after the other, again and again."""
    is_over = threading.Event()

    def attack() -> None:
        attackers: list[Raw] = []
        for sent in cycle(ATTACKS):
            if is_over.wait(PACE):
                break
            attackers.append(Raw(target.port, receive_buffer=4096))
            with suppress(TimeoutError):
                attackers[-1].send(sent, within=0.1)
            if len(attackers) > LINGERING:
                attackers.pop(0).close()
        for attacker in attackers:
            attacker.close()

    thread = threading.Thread(target=attack)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def test_a_healthy_client_beside_all_attacks(
    target: Target, beside: Neighbour, long: Callable[[int, int], int]
) -> None:
    """All of its requests have success; at length, its p99 is below twice that without them.

    By turns with and without, so that both have the same machine.
    """
    quiet, attacked = Report([], []), Report([], [])
    rounds = long(1, 12)
    for _ in range(rounds):
        beside.report()
        time.sleep(long(1, 5))
        quiet += beside.report()
        with attacks(target):
            time.sleep(long(3, 5))
            attacked += beside.report()
    print(f"p99 {quiet.p99 * 1000:.1f} ms, {attacked.p99 * 1000:.1f} ms under attack")
    assert attacked.failures == []
    assert len(attacked.seconds) > 10 * rounds
    if rounds > 1:
        assert attacked.p99 < 2 * quiet.p99
