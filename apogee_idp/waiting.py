"""Coroutines that were begun by hand: most end without ever waiting, and then need no more."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


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
