"""The cache in front of the store: one read for many, bounded, and unknown keys apart."""

from __future__ import annotations

import asyncio

import pytest

from apogee_idp.errors import StoreUnavailable
from apogee_idp.stores.directory import Directory


class Source:
    """A store that counts its reads, and answers when it is let."""

    def __init__(self, **entities: str) -> None:
        self.entities = entities
        self.reads: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.time = 0.0

    async def fetch(self, key: str) -> str | None:
        self.reads.append(key)
        await self.open.wait()
        if key == "broken":
            raise StoreUnavailable("gone")
        return self.entities.get(key)

    def directory(self, size: int = 100, seconds: float = 60) -> Directory[str]:
        return Directory(self.fetch, size=size, seconds=seconds, monotonic=lambda: self.time)


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


async def test_the_known_are_bounded() -> None:
    """Oldest out first."""
    source = Source(a="A", b="B", c="C")
    directory = source.directory(size=2)
    for key in ("a", "b", "c", "c", "b", "a"):
        await directory.get(key)
    assert source.reads == ["a", "b", "c", "a"]


async def test_a_failure_is_told_to_all_and_not_remembered() -> None:
    """The next one asks again."""
    source = Source()
    directory = source.directory()
    outcomes = await asyncio.gather(
        *(directory.get("broken") for _ in range(5)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 5
    with pytest.raises(StoreUnavailable):
        await directory.get("broken")
    assert source.reads == ["broken", "broken"]


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
