"""Processes that count together: whoever is asked tells the sum, and it never falls."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from apogee_idp.telemetry.catalogue import KEYS, REQUESTS, REQUESTS_IN_FLIGHT
from apogee_idp.telemetry.counts import Counts, Snapshot, joined
from apogee_idp.telemetry.metrics import exposed_slots
from apogee_idp.telemetry.slots import Slot, read_slots
from tests.waiting import until

from .conftest import Scrape, StartObserved

COUNTED = (REQUESTS.name, ("/connect/token", "POST", "2xx"))
RUNNING = (REQUESTS_IN_FLIGHT.name, ())
RING = (KEYS.name, ("RS256", "active"))

WORKER = """
import sys
from pathlib import Path
from apogee_idp.telemetry.catalogue import REQUESTS, REQUESTS_IN_FLIGHT
from apogee_idp.telemetry.counts import Counts
from apogee_idp.telemetry.slots import Slot
slot, counts = Slot(Path(sys.argv[1])), Counts()
for _ in range(int(sys.argv[2])):
    counts.count(REQUESTS, "/connect/token", "POST", "2xx")
counts.sample(REQUESTS_IN_FLIGHT, lambda: {(): 1.0})
slot.write(counts.snapshot())
print("written", flush=True)
sys.stdin.read()
"""


@contextmanager
def worker(directory: Path, count: int) -> Iterator[subprocess.Popen[str]]:
    """A process that has counted ``count`` requests, and has one in flight; killed in the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(directory), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "written\n"
            yield process
        finally:
            process.kill()


def total(directory: Path) -> Snapshot:
    return joined(read_slots(directory))


def test_processes_add_up(tmp_path: Path) -> None:
    """Counters and what is in flight."""
    with ExitStack() as stack:
        for count in (3, 4, 5):
            stack.enter_context(worker(tmp_path, count))
        assert total(tmp_path)[COUNTED] == [12]
        assert total(tmp_path)[RUNNING] == [3]


def test_a_killed_process_leaves_its_counters_and_nothing_in_flight(tmp_path: Path) -> None:
    """What it did is done; what it was doing is not."""
    with worker(tmp_path, 3):
        with worker(tmp_path, 4):
            pass
        assert total(tmp_path)[COUNTED] == [7]
        assert total(tmp_path)[RUNNING] == [1]


def test_its_successor_counts_on_from_there(tmp_path: Path) -> None:
    """In the same slot, so that there are never more of them than there were processes at once."""
    for _ in range(3):
        with worker(tmp_path, 5):
            pass
    assert total(tmp_path)[COUNTED] == [15]
    assert [file.name for file in tmp_path.glob("*.json")] == ["0.json"]


def test_what_all_processes_see_alike_is_not_added_up() -> None:
    """Keys, for one."""
    assert joined([{RING: [2.0]}, {RING: [2.0]}, {RING: [1.0]}]) == {RING: [2.0]}


def test_histograms_add_up() -> None:
    """Interval by interval."""
    counts = Counts()
    from apogee_idp.telemetry.catalogue import REQUEST_SECONDS

    note = counts.timer(REQUEST_SECONDS, "/connect/token")
    note(0.002)
    note(7.0)
    (row,) = joined([counts.snapshot(), counts.snapshot()]).values()
    assert row[3] == 2
    assert row[-2:] == [2, pytest.approx(14.004)]


def test_whoever_has_a_slot_reads_the_others_alone(tmp_path: Path) -> None:
    """Its own numbers are fresher in its memory."""
    with worker(tmp_path, 3):
        slot = Slot(tmp_path)
        slot.write({COUNTED: [1.0]})
        assert joined(slot.others())[COUNTED] == [3]
        slot.close()


async def test_servers_that_share_a_directory_are_scraped_as_one(
    start_observed: StartObserved, tmp_path: Path
) -> None:
    """At either of them, and without any, from the files that they leave."""
    directory = tmp_path / "metrics"
    directory.mkdir()
    servers = [await start_observed(metrics_directory=directory) for _ in range(2)]
    for number, observed in enumerate(servers, start=1):
        secret = await observed.idp.add_client()
        for _ in range(number):
            assert (await observed.idp.grant("billing", secret)).status == 200

    def issued(found: Scrape) -> float:
        labels = {"grant_type": "client_credentials", "outcome": "issued"}
        return found.value("apogee_grants_total", **labels)

    async def are_one() -> bool:
        return {issued(await observed.scrape()) for observed in servers} == {3}

    await until(are_one, 20)
    body, media_type = await exposed_slots(directory, "")
    assert issued(Scrape(body.decode())) == 3
    assert media_type.startswith("text/plain")
    assert list(text_string_to_metric_families(body.decode()))
