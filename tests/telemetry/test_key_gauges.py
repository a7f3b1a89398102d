"""What the ring of keys tells of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apogee_idp.key_model import KeyRecord
from apogee_idp.key_rotation import KeyPeriods
from apogee_idp.telemetry.key_gauges import KeyGauges

PERIODS = KeyPeriods(active=1_000, ahead=100, retired=200)
OLD = KeyRecord("old", "sig", "RS256", created_at=0, activates_at=0, sealed="x")
NEXT = replace(OLD, kid="next", created_at=900, activates_at=1_000)
FROM_FILE = replace(OLD, sealed="", source="files")
RS256 = ("RS256",)


def gauges(now: int, *ring: KeyRecord, renewed: tuple[str, ...] = RS256) -> KeyGauges:
    return KeyGauges(lambda: ring, renewed, PERIODS, lambda: now)


@pytest.mark.parametrize(
    ("asked", "states", "since", "until"),
    [
        pytest.param(gauges(10, OLD), {"active": 1}, 0, 1_000, id="planned"),
        pytest.param(gauges(950, OLD, NEXT), {"active": 1, "published": 1}, 0, 1_000, id="made"),
        pytest.param(
            gauges(1_001, OLD, NEXT), {"active": 1, "retired": 1}, 1_000, 2_000, id="taken over"
        ),
        pytest.param(gauges(1_500, OLD), {"active": 1}, 0, 1_000, id="overdue"),
        pytest.param(gauges(10, OLD, renewed=()), {"active": 1}, 0, None, id="not renewed"),
        pytest.param(gauges(10, FROM_FILE), {"active": 1}, 0, None, id="from a file"),
        pytest.param(gauges(10), {}, None, None, id="no keys yet"),
    ],
)
def test_each_algorithm_tells_when_it_changes_over(
    asked: KeyGauges, states: dict[str, int], since: int | None, until: int | None
) -> None:
    """Nothing is told where nobody knows, so that no alert is false."""
    assert asked.keys() == {("RS256", state): count for state, count in states.items()}
    assert asked.active_since() == ({} if since is None else {RS256: since})
    assert asked.next_rotation() == ({} if until is None else {RS256: until})
