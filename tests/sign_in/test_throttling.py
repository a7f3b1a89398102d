"""Failed sign-ins: waits that grow, and nobody locked out by what others do."""

from __future__ import annotations

import pytest

from apogee_idp.errors import TooManyFailures
from apogee_idp.throttling import ACCOUNT, PAIR, SOURCE, SignInThrottle, network_of
from tests.clock import Clock

ALICE, HOME = "alice@example.com", "192.0.2.1"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> SignInThrottle:
    return SignInThrottle(monotonic=clock)


def wait(throttle: SignInThrottle, account: str, source: str) -> int:
    """The seconds that a failure has to wait; 0 if it could be made."""
    try:
        throttle.begin(account, source)
    except TooManyFailures as refused:
        return refused.retry_after
    return 0


def test_waits_grow_and_end(throttle: SignInThrottle, clock: Clock) -> None:
    """What is refused isn't counted; after an hour of peace all is forgotten."""
    assert [wait(throttle, ALICE, HOME) for _ in range(PAIR.free)] == [0] * PAIR.free
    for seconds in (1, 2, 4, 8):
        assert [wait(throttle, ALICE, HOME) for _ in range(3)] == [seconds] * 3
        clock.now += seconds
        assert wait(throttle, ALICE, HOME) == 0
    clock.now += 3600
    assert [wait(throttle, ALICE, HOME) for _ in range(PAIR.free)] == [0] * PAIR.free


def test_a_source_waits_whatever_accounts_it_tries(throttle: SignInThrottle) -> None:
    """Others don't."""
    for n in range(SOURCE.free):
        assert wait(throttle, f"{n}@example.com", HOME) == 0
    assert wait(throttle, ALICE, HOME) == 1
    assert wait(throttle, ALICE, "192.0.2.2") == 0


def test_an_owner_is_not_locked_out_by_others(throttle: SignInThrottle) -> None:
    """Where she has signed in before; a new source has to wait."""
    throttle.succeed(throttle.begin(ALICE, HOME))
    for n in range(ACCOUNT.free):
        assert wait(throttle, ALICE, f"198.51.100.{n}") == 0
    assert wait(throttle, ALICE, "203.0.113.1") == 1
    assert wait(throttle, ALICE, HOME) == 0


def test_a_success_is_no_failure(throttle: SignInThrottle) -> None:
    """And clears those of its source there, but not what the source did elsewhere."""
    for _ in range(SOURCE.free * 2):
        throttle.succeed(throttle.begin(ALICE, HOME))
    for n in range(SOURCE.free):
        assert wait(throttle, f"{n}@example.com", HOME) == 0
    throttle.succeed(throttle.begin(ALICE, HOME))
    assert wait(throttle, "bob@example.com", HOME) == 1


@pytest.mark.parametrize(
    ("source", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("2001:db8:0:1::9", "2001:db8:0:1::/64"),
        ("x" * 99, "x" * 64),
    ],
)
def test_what_counts_as_one_source(source: str, network: str) -> None:
    """The /64 of IPv6, one IPv4 address however it is written."""
    assert network_of(source) == network
