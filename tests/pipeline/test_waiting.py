"""Work that is begun by hand goes on as if it had been awaited."""

from __future__ import annotations

import asyncio

import pytest

from apogee_idp.waiting import rest_of, within


async def double_of(number: asyncio.Future[int]) -> int:
    return 2 * await number


async def test_what_was_awaited_arrives() -> None:
    """And what the work then returns."""
    number = asyncio.get_running_loop().create_future()
    work = double_of(number)
    awaited = work.send(None)
    asyncio.get_running_loop().call_soon(number.set_result, 21)
    assert await rest_of(work, awaited) == 42


async def test_an_error_arrives() -> None:
    """Where the work waits, so that it may handle it."""
    number = asyncio.get_running_loop().create_future()
    work = double_of(number)
    awaited = work.send(None)
    asyncio.get_running_loop().call_soon(number.set_exception, LookupError("gone"))
    with pytest.raises(LookupError, match="gone"):
        await rest_of(work, awaited)


async def test_a_cancellation_arrives() -> None:
    """The work hears of it, and may clean up."""
    heard = []

    async def clean_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            heard.append("clean")

    work = clean_up()
    task = asyncio.create_task(rest_of(work, work.send(None)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert heard == ["clean"]


async def test_work_that_waits_too_long_is_cancelled() -> None:
    """What ends at once needs no time."""
    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    done.set_result(2)
    assert await within(0, double_of(done)) == 4
    with pytest.raises(TimeoutError):
        await within(0.01, double_of(asyncio.get_running_loop().create_future()))
