"""More requests than can be handled: refused at the door, while what was taken on is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from apogee_idp import ProcessSignIn, Registry, Services, Stage
from apogee_idp.errors import TemporarilyUnavailable
from apogee_idp.web.places import Place, Places
from tests.conftest import StartIdp
from tests.idp import FORM, Idp
from tests.waiting import until

AT_ONCE, WAITING = 2, 3


class Gate:
    """A handler that waits until it is opened, and counts who has come."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.entered = 0

    def register(self, registry: Registry, _: Services) -> None:
        registry.add(ProcessSignIn, self.wait, name="wait", order=Stage.GENERATE_TOKEN - 1)

    async def wait(self, _: ProcessSignIn) -> None:
        self.entered += 1
        await self.open.wait()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def idp(start_idp: StartIdp, gate: Gate) -> Idp:
    return await start_idp(
        register=gate.register, requests_in_flight=AT_ONCE, requests_waiting=WAITING
    )


@pytest.fixture
async def full(idp: Idp, gate: Gate) -> AsyncIterator[list[asyncio.Task[int]]]:
    """A server that handles as much as it may, with as many waiting as may."""
    secret = await idp.add_client()

    async def grant() -> int:
        return (await idp.grant("billing", secret)).status

    tasks = [asyncio.create_task(grant()) for _ in range(AT_ONCE)]

    async def are_handled() -> bool:
        return gate.entered == AT_ONCE

    await until(are_handled, 10)
    tasks += [asyncio.create_task(grant()) for _ in range(WAITING)]
    probe = asyncio.create_task(grant())
    assert await probe == 503  # it came behind those that wait, or one of them behind it
    yield tasks
    gate.open.set()
    await asyncio.gather(*tasks)


async def test_a_full_server_refuses_at_once_and_does_what_it_took_on(
    idp: Idp, gate: Gate, full: list[asyncio.Task[int]]
) -> None:
    """With 503 and Retry-After, on any endpoint; what is cheap and needed is still answered."""
    for method, path in (("POST", "/connect/token"), ("GET", "/connect/authorize"), ("GET", "/")):
        answer = await idp.send(method, path)
        assert (answer.status, answer.error) == (503, "temporarily_unavailable")
        assert answer.headers["Retry-After"] == "1"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (await idp.send("HEAD", "/")).body == b""
    for document in ("jwks", "openid-configuration", "oauth-authorization-server"):
        assert (await idp.send("GET", f"/.well-known/{document}")).status == 200
    assert gate.entered == AT_ONCE
    gate.open.set()
    statuses = [await task for task in full]
    assert statuses[:AT_ONCE] == [200] * AT_ONCE
    assert (await idp.grant("billing", idp.secrets["billing"])).status == 200


async def test_it_is_refused_before_its_body_is_read(
    idp: Idp, full: list[asyncio.Task[int]]
) -> None:
    """Which then never comes: the answer does not wait for it, and ends the connection."""
    head = (
        f"POST /connect/token HTTP/1.1\r\nHost: a\r\nContent-Type: {FORM}\r\n"
        "Content-Length: 10000\r\nExpect: 100-continue\r\n\r\n"
    )
    answer = await idp.send_raw(head.encode())
    assert answer.status == 503
    assert answer.headers["Connection"] == "close"


async def test_nobody_waits_longer_than_a_second(full: list[asyncio.Task[int]]) -> None:
    """Whoever finds no place in that time is told to come back."""
    async with asyncio.timeout(10):
        assert [await task for task in full[AT_ONCE:]] == [503] * WAITING


async def test_a_log_says_how_many_were_refused(
    idp: Idp, full: list[asyncio.Task[int]], log_output: object
) -> None:
    """Once a second, not once each."""
    answers = await asyncio.gather(*(idp.send("GET", "/") for _ in range(50)))
    assert {answer.status for answer in answers} == {503}
    assert 1 <= str(log_output.getvalue()).count("requests_refused") < 20  # type: ignore[attr-defined]


async def test_A_HTTP_12_bodies_on_their_way_take_nobodys_place(start_idp: StartIdp) -> None:
    """However many of them there are, others are answered; and they, once they are complete."""
    idp = await start_idp(requests_in_flight=1, requests_waiting=30)
    secret = await idp.add_client()
    body = f"grant_type=client_credentials&client_id=billing&client_secret={secret}".encode()
    head = (
        f"POST /connect/token HTTP/1.1\r\nHost: a\r\nContent-Type: {FORM}\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    async with AsyncExitStack() as stack:
        slow = []
        for _ in range(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", idp.port)
            stack.callback(writer.close)
            writer.write(head.encode())
            assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")
            writer.write(body[:10])
            slow.append((reader, writer))
        for _ in range(5):
            assert (await idp.grant("billing", secret)).status == 200
        for _, writer in slow:
            writer.write(body[10:])
        for reader, _ in slow:
            assert b" 200 OK" in await reader.readline()


async def test_places_go_to_who_has_waited_longest() -> None:
    """In turn; who gives up is passed over, and no place is lost."""
    places = Places(most=1, waiting=3, patience=60)
    first = Place(places)
    await first.take()
    order: list[int] = []

    async def visit(number: int) -> None:
        place = Place(places)
        await place.take()
        order.append(number)
        place.leave()
        place.leave()  # twice is once

    visits = [asyncio.create_task(visit(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert (places.taken, places.waiting) == (1, 3)
    with pytest.raises(TemporarilyUnavailable):
        await Place(places).take()
    visits[1].cancel()
    first.leave()
    await asyncio.gather(*visits, return_exceptions=True)
    assert order == [0, 2]
    assert (places.taken, places.waiting) == (0, 0)


async def test_a_turn_that_comes_as_one_gives_up_goes_to_the_next() -> None:
    """In the very same moment."""
    places = Places(most=1, waiting=2, patience=60)
    holder = Place(places)
    await holder.take()
    first, second = (asyncio.create_task(Place(places).take()) for _ in range(2))
    await asyncio.sleep(0)
    holder.leave()
    first.cancel()
    await asyncio.wait_for(second, 5)
    assert (places.taken, places.waiting) == (1, 0)


async def test_a_place_that_was_lent_is_waited_for() -> None:
    """Also if the line is full meanwhile; and so many are lent as may wait, and no more."""
    places = Places(most=1, waiting=1, patience=60)
    one, other, third = Place(places), Place(places), Place(places)
    await one.take()
    async with one.lent():
        assert places.taken == 0
        await other.take()
        async with other.lent():
            assert places.taken == 1  # kept: one is lent already
            waiting = asyncio.create_task(third.take())
            await asyncio.sleep(0)
        other.leave()
        await waiting
        third.leave()
    assert places.taken == 1
    one.leave()
    assert (places.taken, places.waiting) == (0, 0)
