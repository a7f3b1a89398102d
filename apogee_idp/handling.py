"""One call of a handler: bounded in time, and what it does wrong is its own fault."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from .commands import Command
from .errors import ApogeeError, CommandRefused, HandlerFault, OAuthError, StoreUnavailable
from .waiting import STORE, is_cancelled, rest_of

Event = TypeVar("Event")
Handler = Callable[[Event], Coroutine[Any, Any, object]]
"""Async, and returns None: anything else is a fault."""


Turn = Callable[[Any], Coroutine[Any, Any, None] | None]
"""Runs a handler that doesn't wait to its end; of another, returns the rest."""


def turn_of(handler: Handler[Any], *, name: str, timeout: float) -> Turn:
    """How the handler of this ``name`` is run.

    The rest of one that waits is cancelled once it has waited for ``timeout`` seconds:
    StoreUnavailable, if it was the store that it waited for in the end. Decisions pass through
    unchanged; anything else that it does wrong becomes a HandlerFault.
    """

    def turn(event: object) -> Coroutine[Any, Any, None] | None:
        try:
            work = handler(event)
            awaited = work.send(None)
        except StopIteration as end:
            _check_returned(name, end.value)
            return None
        except BaseException as error:
            _blame(name, event, error)
            raise
        return _finish(work, awaited, event, name, timeout)

    return turn


async def _finish(
    work: Coroutine[Any, Any, object], awaited: Any, event: object, name: str, seconds: float
) -> None:
    timeout = asyncio.timeout(seconds)
    try:
        async with timeout:
            result = await rest_of(work, awaited)
    except BaseException as error:
        decided = (*_decisions_on(event), asyncio.CancelledError)
        if timeout.expired() and not isinstance(error, decided):
            # The cancellation's notes begin with the store, or the innermost of nested handlers.
            cancelled = error.__cause__ or error.__context__  # before 3.11.4 the latter
            slow = getattr(cancelled, "__notes__", [name])[0]
            if slow == STORE:
                raise StoreUnavailable(f"{name} waited {seconds} s for the store") from error
            raise HandlerFault(slow, f"took longer than {seconds} s") from error
        _blame(name, event, error)
        raise
    if timeout.expired():
        raise HandlerFault(name, f"took longer than {seconds} s and hid it")
    _check_returned(name, result)


def _blame(name: str, event: object, error: BaseException) -> None:
    """Raises HandlerFault for an error, unless it is a decision or ends the whole request."""
    if isinstance(error, asyncio.CancelledError) and is_cancelled():
        error.add_note(name)
    elif not isinstance(error, _decisions_on(event)):
        # SystemExit and KeyboardInterrupt, too, would end the whole server, not this request.
        raise HandlerFault(name, what_was_raised(error)) from error


def _check_returned(name: str, result: object) -> None:
    if result is not None:
        raise HandlerFault(name, f"returned {type(result).__name__}, not None")


def _decisions_on(event: object) -> tuple[type[ApogeeError], ...]:
    refusal = CommandRefused if isinstance(event, Command) else OAuthError
    return (refusal, StoreUnavailable, HandlerFault)


def what_was_raised(error: BaseException) -> str:
    """Its type; and its text if it is ours: a plugin's may hold a secret."""
    ours = isinstance(error, ApogeeError) and type(error).__module__ == ApogeeError.__module__
    detail = f": {error}" if ours else ""
    return f"raised {type(error).__name__}{detail}"
