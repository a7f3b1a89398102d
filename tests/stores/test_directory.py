"""The cache in front of the store: one read for many, bounded, and unknown keys apart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from apogee_idp.errors import StoreUnavailable, UnreadableDocument
from apogee_idp.stores.directory import Directory, Outage
from tests.waiting import until

STALE = 300


class Source:
    """A store that counts its reads, and answers when it is let."""

    def __init__(self, **entities: str) -> None:
        self.entities = entities
        self.reads: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.time = 0.0
        self.lost = False
        self.damaged = False

    async def fetch(self, key: str) -> str | None:
        self.reads.append(key)
        found = self.entities.get(key)
        await self.open.wait()
        if self.lost or key == "broken":
            raise StoreUnavailable("gone")
        if self.damaged:
            raise UnreadableDocument("nonsense")
        return found

    def directory(
        self,
        size: int = 100,
        seconds: float = 60,
        outage: Outage | None = None,
        could_be: Callable[[str], bool] = bool,
    ) -> Directory[str]:
        return Directory(
            self.fetch,
            size=size,
            seconds=seconds,
            stale_seconds=STALE,
            monotonic=lambda: self.time,
            outage=outage,
            could_be=could_be,
        )


@pytest.fixture
def source() -> Source:
    return Source(a="A")


async def test_F_CA_01_many_misses_are_one_read() -> None:
    """500 requests for a client that just fell out of the cache."""
    source = Source(a="A")
    source.open.clear()
    directory = source.directory()
    waiting = [asyncio.create_task(directory.get("a")) for _ in range(500)]
    await asyncio.sleep(0)
    source.open.set()
    assert await asyncio.gather(*waiting) == ["A"] * 500
    assert source.reads == ["a"]


async def test_what_is_known_is_read_once_until_it_is_old() -> None:
    """For exactly the seconds of the settings."""
    source = Source(a="A")
    directory = source.directory(seconds=60)
    for source.time in (0, 59.9):
        assert await directory.get("a") == "A"
    assert source.reads == ["a"]
    source.entities["a"] = "B"
    source.time = 60.1
    assert await directory.get("a") == "B"


async def test_the_unknown_is_remembered_for_five_seconds_at_most() -> None:
    """So that a client made a moment ago works."""
    source = Source()
    directory = source.directory(seconds=60)
    for source.time in (0, 4.9):
        assert await directory.get("new") is None
    assert source.reads == ["new"]
    source.entities["new"] = "N"
    source.time = 5.1
    assert await directory.get("new") == "N"


async def test_F_CA_02_a_flood_of_unknown_keys_drives_no_known_one_out() -> None:
    """They are kept apart."""
    source = Source(a="A")
    directory = source.directory(size=2)
    await directory.get("a")
    for n in range(15_000):
        await directory.get(f"unknown-{n}")
    source.reads.clear()
    assert await directory.get("a") == "A"
    assert source.reads == []


async def test_A_DOS_06_what_can_be_no_key_is_not_looked_up() -> None:
    """Nor read ahead, nor remembered; though the store is lost, everybody knows it."""
    source = Source(a="A")
    directory = source.directory(could_be=str.isalpha)
    directory.prefetch(["1" * 10_000])
    source.lost = True
    assert await directory.get("1" * 10_000) is None
    assert source.reads == []
    with pytest.raises(StoreUnavailable):
        await directory.get("a")


async def test_the_known_are_bounded() -> None:
    """Oldest out first."""
    source = Source(a="A", b="B", c="C")
    directory = source.directory(size=2)
    for key in ("a", "b", "c", "c", "b", "a"):
        await directory.get(key)
    assert source.reads == ["a", "b", "c", "a"]


async def test_a_failure_is_told_to_all_and_not_remembered() -> None:
    """A second later the next one asks again; until then nobody waits for a store that is gone."""
    source = Source()
    directory = source.directory()
    outcomes = await asyncio.gather(
        *(directory.get("broken") for _ in range(5)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 5
    for source.time in (0.9, 1.1):
        with pytest.raises(StoreUnavailable):
            await directory.get("broken")
    assert source.reads == ["broken", "broken"]


async def test_what_is_known_outlives_the_store_for_a_while() -> None:
    """F-CA-01: for ``stale_seconds`` since it was read, and not a moment longer."""
    source = Source(a="A")
    directory = source.directory(seconds=5)
    assert await directory.get("a") == "A"
    source.lost = True
    for source.time in (6, 100, STALE - 0.1):
        assert await directory.get("a") == "A"
    with pytest.raises(StoreUnavailable):
        await directory.get("b")
    source.time = STALE + 2
    with pytest.raises(StoreUnavailable):
        await directory.get("a")


async def test_nobody_waits_for_a_lost_store_who_can_be_answered() -> None:
    """F-DB-06: it is asked behind the scenes, once a second, whoever many want an answer."""
    source = Source(a="A", b="B")
    directory = source.directory(seconds=5)
    for key in "ab":
        await directory.get(key)
    source.lost, source.time = True, 6
    assert await directory.get("a") == "A"
    source.reads.clear()
    source.open.clear()  # from now on the store swallows questions
    for source.time in (7.1, 7.2, 7.3, 8.2):
        for key in "ab":
            async with asyncio.timeout(1):
                assert await directory.get(key) == key.upper()
        with pytest.raises(StoreUnavailable):
            async with asyncio.timeout(1):
                await directory.get("unknown")
        await asyncio.sleep(0)
    assert source.reads == ["a"]
    source.lost = False
    source.open.set()
    source.entities["b"] = "B2"

    async def is_read_anew() -> bool:
        return await directory.get("b") == "B2"

    await until(is_read_anew, 10)


async def test_a_damaged_entity_is_not_replaced_by_its_memory() -> None:
    """A store that answers nonsense is not one that does not answer."""
    source = Source(damaged="good once")
    directory = source.directory(seconds=5)
    await directory.get("damaged")
    source.damaged, source.time = True, 6
    with pytest.raises(UnreadableDocument):
        await directory.get("damaged")


async def test_F_DB_07_what_is_prefetched_is_read_at_the_same_time() -> None:
    """Asking for three, one after the other, is three reads and one time to wait."""
    source = Source(a="A", b="B", c="C")
    directory = source.directory()
    await directory.get("c")
    source.open.clear()
    directory.prefetch(["a", "b", "c"])
    await asyncio.sleep(0)
    assert source.reads == ["c", "a", "b"]
    source.open.set()
    assert [await directory.get(key) for key in "abc"] == ["A", "B", "C"]
    assert source.reads == ["c", "a", "b"]


async def test_a_damaged_entity_harms_no_other() -> None:
    """The store has answered: it is not lost, however often somebody asks for the damaged one."""
    source = Source(good="G")
    directory = source.directory()
    with pytest.raises(StoreUnavailable):
        await directory.get("broken")
    source.damaged, source.time = True, 1.1
    with pytest.raises(UnreadableDocument):
        await directory.get("damaged")
    source.damaged = False
    assert await directory.get("good") == "G"


async def test_a_store_that_is_back_is_asked_before_memory_is(source: Source) -> None:
    """Whoever was idle meanwhile gets what is true now, not one more answer from before."""
    directory = source.directory(seconds=5)
    await directory.get("a")
    source.lost, source.time = True, 6
    with pytest.raises(StoreUnavailable):
        await directory.get("b")
    source.lost = False
    del source.entities["a"]
    directory.doubt()
    directory.trust_store()
    source.time = 20
    assert await directory.get("a") is None


async def test_who_was_deleted_does_not_come_back_when_the_store_is_lost(source: Source) -> None:
    """Once known to be gone, gone."""
    directory = source.directory(seconds=1)
    await directory.get("a")
    del source.entities["a"]
    source.time = 2
    assert await directory.get("a") is None
    source.lost, source.time = True, 9
    with pytest.raises(StoreUnavailable):
        await directory.get("a")


async def test_a_change_of_nobody_knows_whom_is_of_all(source: Source) -> None:
    """No memory of before it is served, be the store lost or not."""
    directory = source.directory()
    await directory.get("a")
    directory.forget(None)
    source.lost = True
    with pytest.raises(StoreUnavailable):
        await directory.get("a")


async def test_what_has_changed_is_forgotten_even_if_the_store_is_lost() -> None:
    """Only what may still be true is served without the store."""
    source = Source(a="A", b="B")
    directory = source.directory()
    for key in "ab":
        await directory.get(key)
    source.lost = True
    directory.forget("a")
    with pytest.raises(StoreUnavailable):
        await directory.get("a")
    assert await directory.get("b") == "B"


async def test_what_is_doubted_is_read_again_if_it_can_be() -> None:
    """And is served as before if it can't."""
    source = Source(a="A")
    directory = source.directory()
    await directory.get("a")
    assert await directory.get("new") is None
    source.entities |= {"a": "A2", "new": "N"}
    source.time = 1
    directory.doubt()
    assert (await directory.get("a"), await directory.get("new")) == ("A2", "N")
    source.lost, source.time = True, 2
    directory.doubt()
    assert await directory.get("a") == "A2"


@pytest.mark.parametrize("all_of_them", [False, True], ids=["forget", "doubt"])
async def test_a_read_from_before_a_change_is_not_remembered(all_of_them: bool) -> None:
    """Else the old entity would come back with a fresh date."""
    source = Source(a="old")
    directory = source.directory()
    source.open.clear()
    early = asyncio.create_task(directory.get("a"))
    await asyncio.sleep(0)
    source.entities["a"] = "new"
    source.time = 0.1
    directory.doubt() if all_of_them else directory.forget("a")
    source.time = 0.2
    late = asyncio.create_task(directory.get("a"))
    await asyncio.sleep(0)
    source.open.set()
    assert await late == "new"
    await early
    source.entities.clear()
    assert await directory.get("a") == "new"
    assert source.reads == ["a", "a"]


async def test_one_callers_time_out_is_its_own() -> None:
    """The others, who wait for the same read, get their answer."""
    source = Source(a="A")
    source.open.clear()
    directory = source.directory()
    first, second = (asyncio.create_task(directory.get("a")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    source.open.set()
    assert await second == "A"
    assert source.reads == ["a"]


async def test_F_DB_06_an_outage_that_one_has_found_is_waited_out_by_none() -> None:
    """Another directory of that store asks once a second, and serves what it knows meanwhile."""
    outage, source, other = Outage(), Source(a="A"), Source(b="B")
    directory, neighbour = source.directory(outage=outage), other.directory(outage=outage)
    assert await neighbour.get("b") == "B"
    source.lost = True
    with pytest.raises(StoreUnavailable):
        await directory.get("a")
    neighbour.doubt()
    other.open.clear()  # what is asked now is never answered
    for _ in range(3):
        assert await neighbour.get("b") == "B"
        await asyncio.sleep(0)
    assert other.reads == ["b", "b"]
    with pytest.raises(StoreUnavailable):
        await neighbour.get("c")
    other.open.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await neighbour.get("c") is None


async def test_F_DB_06_the_next_outage_is_one_too() -> None:
    """Whoever has survived the first must hear of the second."""
    outage, source = Outage(), Source(a="A")
    directory = source.directory(outage=outage)
    numbers = []
    for source.time in (0, 2):
        source.lost = True
        with pytest.raises(StoreUnavailable):
            await directory.get("a")
        numbers.append(outage.number)
    assert numbers == [1, 2]
