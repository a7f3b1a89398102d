"""Bounds on what callers may do for nothing."""

from __future__ import annotations

import pytest

from apogee_idp.web.rate_limit import Rate, RateLimit


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limit_by(clock: Clock, of_source: Rate, of_all: Rate) -> RateLimit:
    return RateLimit(of_source=of_source, of_all=of_all, monotonic=clock)


def test_so_many_at_once_and_then_by_time(clock: Clock) -> None:
    """Whoever is refused is told how long to wait, and loses nothing by asking."""
    limit = limit_by(clock, Rate(3, 0.5), Rate(100, 100))
    assert [limit.seconds_to_wait("192.0.2.1") for _ in range(3)] == [0, 0, 0]
    assert [limit.seconds_to_wait("192.0.2.1") for _ in range(5)] == [2] * 5
    clock.now += 1.5
    assert limit.seconds_to_wait("192.0.2.1") == 0.5
    clock.now += 0.5
    assert [limit.seconds_to_wait("192.0.2.1") for _ in range(2)] == [0, 2]
    clock.now += 3600
    assert [limit.seconds_to_wait("192.0.2.1") for _ in range(4)] == [0, 0, 0, 2]


def test_sources_are_counted_apart_and_together(clock: Clock) -> None:
    """One that floods takes nothing from the others, and refusing all costs none of them."""
    limit = limit_by(clock, Rate(2, 1), Rate(5, 1))
    assert [limit.seconds_to_wait("192.0.2.1") > 0 for _ in range(50)] == [False] * 2 + [True] * 48
    assert [limit.seconds_to_wait(f"192.0.2.{n}") for n in (2, 3, 4, 5)] == [0, 0, 0, 1]
    clock.now += 2
    assert [limit.seconds_to_wait("192.0.2.5") for _ in range(2)] == [0, 0]


@pytest.mark.parametrize(
    ("one", "other", "is_one_source"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "", True),
    ],
)
def test_what_one_source_is(clock: Clock, one: str, other: str, is_one_source: bool) -> None:
    """Of IPv6, a whole network; and all of those whose address nobody knows."""
    limit = limit_by(clock, Rate(1, 1), Rate(100, 100))
    assert limit.seconds_to_wait(one) == 0
    assert (limit.seconds_to_wait(other) > 0) == is_one_source


def test_F_CA_02_memory_is_bounded_and_nobody_gains_by_it(clock: Clock) -> None:
    """However many sources there are, one that has not grown full again is not forgotten."""
    limit = limit_by(clock, Rate(10, 1), Rate(100, 100))
    for _ in range(10):
        assert limit.seconds_to_wait("198.51.100.1") == 0
    for second in range(9):
        for number in range(1000):
            limit.seconds_to_wait(f"10.{second}.{number // 250}.{number % 250}")
        clock.now += 1
    taken = [limit.seconds_to_wait("198.51.100.1") for _ in range(20)]
    assert taken.count(0) == 9
    for number in range(100_000):
        clock.now += 0.01
        limit.seconds_to_wait(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}")
    assert len(limit._sources) <= 1100
