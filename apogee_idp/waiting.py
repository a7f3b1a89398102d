"""Waiting: coroutines that mostly needn't, and knowing what one was cancelled in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator, Iterator
from contextlib import contextmanager
from types import coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

STORE = "the store"
"""The note of a cancellation that came while the store was waited for."""


@contextmanager
def for_store() -> Iterator[None]:
    """Around waiting for the store: whoever cancels hears that it wasn't the caller's own work."""
    try:
        yield
    except asyncio.CancelledError as error:
        error.add_note(STORE)
        raise


def is_cancelled() -> bool:
    """Whether somebody has cancelled the task that asks."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@coroutine
def rest_of(work: Coroutine[Any, Any, Result], awaited: Any) -> Generator[Any, Any, Result]:
    """Goes on with ``work``, whose ``send(None)`` returned ``awaited``, as ``await`` would.

    Returns or raises what ``work`` does; whatever is thrown in meanwhile (a cancellation) is the
    work's to hear of.
    """
    try:
        while True:
            try:
                answer = yield awaited
            except BaseException as error:
                awaited = work.throw(error)
            else:
                awaited = work.send(answer)
    except StopIteration as end:
        result: Result = end.value
        return result


async def within(seconds: float, work: Coroutine[Any, Any, Result]) -> Result:
    """What ``work`` returns; TimeoutError once it has waited for so long."""
    try:
        awaited = work.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    async with asyncio.timeout(seconds):
        return await rest_of(work, awaited)
