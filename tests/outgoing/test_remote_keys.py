"""JWK Sets of others: asked for as seldom as can be, and kept while they can't be had."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from apogee_idp.errors import OutgoingRefused
from apogee_idp.model import thawed
from apogee_idp.outgoing import Outgoing
from apogee_idp.remote_keys import RemoteKeys
from tests.outgoing.raw_server import http, raw_server

URI = "https://client.example/keys"
DAY = 24 * 3600.0


class Elsewhere:
    """The other side, and the clock: each answer is a new set, or a refusal."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked: list[str] = []
        self.is_there = True
        self.answer: Any = None
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.keys = RemoteKeys(self.fetch, monotonic=lambda: self.now)

    async def fetch(self, uri: str) -> Mapping[str, Any]:
        self.asked.append(uri)
        number = len(self.asked)
        await self.may_answer.wait()
        if not self.is_there:
            raise OutgoingRefused(f"refusal {number}")
        return {"keys": [{"kid": str(number)}]} if self.answer is None else self.answer

    async def kid(self, *, anew: bool = False, uri: str = URI) -> str:
        found = await (self.keys.get_anew(uri) if anew else self.keys.get(uri))
        return str(found["keys"][0]["kid"])


@pytest.fixture
async def elsewhere() -> Elsewhere:
    return Elsewhere()


async def test_a_set_is_kept_for_five_minutes(elsewhere: Elsewhere) -> None:
    """Then it is asked for again."""
    assert await elsewhere.kid() == "1"
    elsewhere.now += 299
    assert await elsewhere.kid() == "1"
    elsewhere.now += 1
    assert await elsewhere.kid() == "2"


async def test_a_set_can_not_be_changed(elsewhere: Elsewhere) -> None:
    """By one of the callers who share it."""
    found = await elsewhere.keys.get(URI)
    with pytest.raises(TypeError):
        found["keys"][0]["kid"] = "mine"  # type: ignore[index]
    assert thawed(found) == {"keys": [{"kid": "1"}]}


@pytest.mark.parametrize("anew", [False, True])
async def test_A_CA_07_a_hundred_callers_are_one_request(elsewhere: Elsewhere, anew: bool) -> None:
    """Whether the set is wanted for the first time or anew."""
    elsewhere.may_answer.clear()
    callers = [asyncio.ensure_future(elsewhere.kid(anew=anew)) for _ in range(100)]
    await asyncio.sleep(0)
    elsewhere.may_answer.set()
    assert await asyncio.gather(*callers) == ["1"] * 100
    assert len(elsewhere.asked) == 1


async def test_A_CA_07_a_storm_of_unknown_kids_is_one_request_in_30_seconds(
    elsewhere: Elsewhere,
) -> None:
    """The first of all requests counts, too: what was read just now is not read again."""
    assert await elsewhere.kid() == "1"
    for _ in range(100):
        assert await elsewhere.kid(anew=True) == "1"
    elsewhere.now += 29
    assert await elsewhere.kid(anew=True) == "1"
    elsewhere.now += 1
    assert [await elsewhere.kid(anew=True) for _ in range(100)] == ["2"] * 100
    assert len(elsewhere.asked) == 2


async def test_A_CA_07_a_storm_holds_up_nobody_else(elsewhere: Elsewhere) -> None:
    """Those whose keys are known don't wait while others ask anew, and other URIs have their own
    30 seconds."""
    await elsewhere.kid()
    elsewhere.now += 30
    elsewhere.may_answer.clear()
    storm = asyncio.ensure_future(elsewhere.kid(anew=True))
    await asyncio.sleep(0)
    assert await elsewhere.kid() == "1"
    elsewhere.may_answer.set()
    assert await storm == "2"
    assert await elsewhere.kid(anew=True, uri="https://other.example/") == "3"


async def test_A_CA_07_a_refetch_that_fails_keeps_the_old_set(elsewhere: Elsewhere) -> None:
    """It is tried once in 30 seconds, by whatever way."""
    await elsewhere.kid()
    elsewhere.is_there = False
    elsewhere.now += 300
    for _ in range(10):
        assert await elsewhere.kid() == "1"
        assert await elsewhere.kid(anew=True) == "1"
    assert len(elsewhere.asked) == 2
    elsewhere.now += 30
    assert await elsewhere.kid(anew=True) == "1"
    assert len(elsewhere.asked) == 3
    elsewhere.is_there = True
    elsewhere.now += 30
    assert await elsewhere.kid() == "4"


async def test_A_CA_07_an_old_set_is_good_for_a_day(elsewhere: Elsewhere) -> None:
    """From when it was read; then its keys may long have been withdrawn."""
    await elsewhere.kid()
    elsewhere.is_there = False
    elsewhere.now += DAY - 1
    assert await elsewhere.kid() == "1"
    elsewhere.now += 1
    for anew in (False, True):
        with pytest.raises(OutgoingRefused, match="refusal 2"):
            await elsewhere.kid(anew=anew)


@pytest.mark.parametrize("anew", [False, True])
async def test_A_CA_07_a_failure_is_remembered(elsewhere: Elsewhere, anew: bool) -> None:
    """For 30 seconds, with its reason: a dead host costs one request."""
    elsewhere.is_there = False
    for number in (1, 2):
        for _ in range(10):
            with pytest.raises(OutgoingRefused, match=f"refusal {number}"):
                await elsewhere.kid(anew=anew)
        assert len(elsewhere.asked) == number
        elsewhere.now += 30
    elsewhere.is_there = True
    assert await elsewhere.kid(anew=anew) == "3"


async def test_A_CA_07_a_cancelled_caller_fails_no_other(elsewhere: Elsewhere) -> None:
    """Not even if it was he who began the request."""
    elsewhere.may_answer.clear()
    callers = [asyncio.ensure_future(elsewhere.kid()) for _ in range(3)]
    await asyncio.sleep(0)
    callers[0].cancel()
    await asyncio.wait(callers[:1])
    elsewhere.may_answer.set()
    assert await asyncio.gather(*callers[1:]) == ["1"] * 2
    assert callers[0].cancelled()
    assert len(elsewhere.asked) == 1


async def test_a_failure_that_nobody_waits_for_is_no_complaint(elsewhere: Elsewhere) -> None:
    """All callers have gone; warnings would fail this test."""
    elsewhere.is_there = False
    elsewhere.may_answer.clear()
    caller = asyncio.ensure_future(elsewhere.kid())
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait([caller])
    elsewhere.may_answer.set()
    with pytest.raises(OutgoingRefused, match="refusal 1"):
        await elsewhere.kid()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"keys": {}}, id="an object"),
        pytest.param({"keys": None}, id="null"),
        pytest.param({"error": "not now"}, id="an error"),
    ],
)
async def test_A_CA_07_what_is_no_JWK_Set_replaces_none(elsewhere: Elsewhere, answer: Any) -> None:
    """It counts as a request that failed."""
    await elsewhere.kid()
    elsewhere.answer = answer
    elsewhere.now += 300
    assert await elsewhere.kid() == "1"
    with pytest.raises(OutgoingRefused, match="no JWK Set"):
        await elsewhere.kid(uri="https://other.example/")


async def test_an_empty_set_is_taken(elsewhere: Elsewhere) -> None:
    """So can keys be withdrawn."""
    await elsewhere.kid()
    elsewhere.answer = {"keys": []}
    elsewhere.now += 300
    assert thawed(await elsewhere.keys.get(URI)) == {"keys": []}


async def test_A_CA_07_sets_are_kept_for_1000_uris(elsewhere: Elsewhere) -> None:
    """Those that were used last."""
    for number in range(1000):
        await elsewhere.keys.get(f"https://client.example/{number}")
    await elsewhere.keys.get("https://client.example/0")
    assert len(elsewhere.asked) == 1000
    await elsewhere.keys.get(URI)
    await elsewhere.keys.get("https://client.example/0")
    assert len(elsewhere.asked) == 1001
    await elsewhere.keys.get("https://client.example/1")
    assert len(elsewhere.asked) == 1002


async def test_callers_get_their_answer_though_it_is_crowded_out(elsewhere: Elsewhere) -> None:
    """By 1000 others that were asked for meanwhile."""
    elsewhere.may_answer.clear()
    uris = [URI, *(f"https://client.example/{number}" for number in range(1500))]
    callers = [asyncio.ensure_future(elsewhere.keys.get(uri)) for uri in uris]
    await asyncio.sleep(0)
    elsewhere.may_answer.set()
    assert len(await asyncio.gather(*callers)) == len(elsewhere.asked) == len(uris)


async def test_keys_come_over_http() -> None:
    """As the two are put together."""
    async with (
        raw_server(http(b'{"keys": [{"kid": "a"}]}')) as server,
        Outgoing({"localhost"}) as outgoing,
    ):
        keys = RemoteKeys(outgoing.get_json, monotonic=asyncio.get_running_loop().time)
        found = await asyncio.gather(*(keys.get(server.url) for _ in range(10)))
        assert [thawed(jwks) for jwks in found] == [{"keys": [{"kid": "a"}]}] * 10
    assert server.connections == 1
