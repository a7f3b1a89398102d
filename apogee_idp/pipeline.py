"""The registry of ordered handlers: filled by plugins, then sealed, then only read."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar

from .errors import CommandRefused, HandlerFault, OAuthError, RegistryError, StoreUnavailable
from .handling import Handler, Turn, turn_of, what_was_raised

Event = TypeVar("Event")
Filter = Callable[[Event], bool]
Timer = Callable[[float], None]
"""Told the seconds of each run."""
Observer = Callable[[str, str], Timer]
"""Asked once for each handler, by event and name: who wants to know how long it takes?"""
Span = Callable[[str], AbstractContextManager[object]]
"""Surrounds what has this name: an event, or one of its handlers."""

_NO_SPAN = nullcontext()
_HANDLER_NAME = re.compile("[a-z][a-z0-9_]*")
_DECISIONS = (OAuthError, CommandRefused, StoreUnavailable, HandlerFault)


@dataclass(frozen=True, slots=True)
class Source:
    """Where handlers come from: the plugin's name and the distributions that ship it."""

    plugin: str
    distribution: str = "-"
    version: str = "-"


@dataclass(frozen=True, slots=True)
class Registration:
    """One row of the sealed table."""

    event: type
    order: int
    name: str
    handler: Handler[Any]
    when: Filter[Any] | None
    source: Source

    @property
    def filter_name(self) -> str:
        """The filter's name, or ``always``."""
        return "always" if self.when is None else _name_of(self.when)


class _Row(NamedTuple):
    """What is needed of a row to dispatch."""

    registration: Registration
    order: int
    name: str
    when: Filter[Any] | None
    turn: Turn
    timer: Timer


class Step(Protocol):
    """One handler's turn."""

    is_skipped: bool
    """Whether its filter said no."""


class Witness(Protocol):
    """Sees each handler of the events that are dispatched while it watches."""

    def step(self, row: Registration, event: Any) -> AbstractContextManager[Step]:
        """Is entered before the handler's filter is asked, and left when its turn is over."""
        ...


_WITNESS: ContextVar[Witness | None] = ContextVar("witness", default=None)


class Registry:
    """Handlers by event, in the total order ``(order, name)``.

    ``handler_timeout`` is in seconds, for each handler with all that it awaits, from where it first
    waits; then the handler is cancelled.
    """

    __slots__ = ("_observe", "_pending", "_sealed", "_source", "_span", "_timeout", "_watched")

    def __init__(
        self,
        *,
        handler_timeout: float = 2.0,
        observe: Observer | None = None,
        span: Span | None = None,
    ) -> None:
        self._timeout = handler_timeout
        self._observe = observe
        self._span = span
        self._pending: list[Registration] = []
        self._sealed: Mapping[type, tuple[_Row, ...]] | None = None
        self._source = Source(plugin="-")
        self._watched = 0

    @contextmanager
    def registering(self, source: Source) -> Iterator[None]:
        """Marks what is added inside as coming from ``source``."""
        previous, self._source = self._source, source
        try:
            yield
        finally:
            self._source = previous

    def add(
        self,
        event: type[Event],
        handler: Handler[Event],
        *,
        name: str,
        order: int,
        when: Filter[Event] | None = None,
    ) -> None:
        """Registers ``handler`` for exactly this class of event.

        ``when`` is asked just before the handler would run. Raises RegistryError if the registry
        is sealed, the handler is not async, a name is taken or the filter has no name to print.
        """
        if self._sealed is not None:
            raise RegistryError(f"{name}: the registry is sealed; add handlers in register()")
        row = Registration(event, order, name, handler, when, self._source)
        problem = _problem_of(row)
        if problem:
            raise RegistryError(f"{name}: {problem}")
        if any(other.event is event and other.name == name for other in self._pending):
            raise RegistryError(f"{name}: {event.__name__} already has a handler of this name")
        self._pending.append(row)

    def seal(self, *, required: Mapping[type, Sequence[IntEnum]]) -> None:
        """Sorts, checks and closes the registry.

        Each required stage needs the handler of its name, at its order and without a filter;
        RegistryError names all that is missing. A registry is sealed once.
        """
        if self._sealed is not None:
            raise RegistryError("the registry is sealed already")
        rows = sorted(self._pending, key=lambda row: (row.event.__name__, row.order, row.name))
        unfiltered = {(row.event, row.name, row.order) for row in rows if row.when is None}
        missing = [
            f"{event.__name__} needs the handler {stage.name.lower()} at {int(stage)}, unfiltered"
            for event, stages in required.items()
            for stage in stages
            if (event, stage.name.lower(), int(stage)) not in unfiltered
        ]
        if missing:
            raise RegistryError("; ".join(missing))
        by_event: dict[type, tuple[_Row, ...]] = {}
        for row in rows:
            by_event[row.event] = (*by_event.get(row.event, ()), self._row_of(row))
        self._sealed = MappingProxyType(by_event)

    def registrations(self) -> tuple[Registration, ...]:
        """The sealed table, event by event, in the order of execution."""
        return tuple(row.registration for rows in self._table().values() for row in rows)

    async def dispatch(self, event: object, *, until: int | None = None) -> None:
        """Runs the handlers of ``type(event)`` in order, each to its end; those below ``until``.

        A refusal (OAuthError; of a Command, CommandRefused) or a lost store (StoreUnavailable)
        passes through unchanged; anything else a handler does wrong becomes a HandlerFault.
        """
        rows = self._table().get(type(event), ())
        if until is not None:
            rows = tuple(row for row in rows if row.order < until)
        witness = _WITNESS.get() if self._watched else None
        running = _run(rows, event) if witness is None else _run_before(witness, rows, event)
        if self._span is None:
            await running
        else:
            with self._span(type(event).__name__):
                await running

    @contextmanager
    def watched_by(self, witness: Witness) -> Iterator[None]:
        """Shows ``witness`` what is dispatched inside: by this task, nested events included."""
        token = _WITNESS.set(witness)
        self._watched += 1
        try:
            yield
        finally:
            self._watched -= 1
            _WITNESS.reset(token)

    async def tell(self, event: object, *, since: int) -> list[HandlerFault]:
        """Runs the handlers from the order ``since`` on, each whatever became of those before it.

        What they raise is returned: it is too late to refuse anything.
        """
        errors: list[HandlerFault] = []
        with _NO_SPAN if self._span is None else self._span(type(event).__name__):
            for row in self._table().get(type(event), ()):
                if row.order >= since:
                    try:
                        await _run((row,), event)
                    except HandlerFault as error:
                        errors.append(error)
                    except _DECISIONS as error:
                        errors.append(HandlerFault(row.name, what_was_raised(error)))
        return errors

    def _row_of(self, row: Registration) -> _Row:
        handler = row.handler
        if self._span is not None:
            handler = _spanned(handler, row.name, self._span)
        turn = turn_of(handler, name=row.name, timeout=self._timeout)
        timer = _untimed if self._observe is None else self._observe(row.event.__name__, row.name)
        return _Row(row, row.order, row.name, row.when, turn, timer)

    def _table(self) -> Mapping[type, tuple[_Row, ...]]:
        if self._sealed is None:
            raise RegistryError("the registry is not sealed yet")
        return self._sealed


async def _run(rows: Iterable[_Row], event: object) -> None:
    started = time.perf_counter()
    for _, _, name, when, turn, timer in rows:
        if when is not None and not _asked(when, name, event):
            continue
        try:
            rest = turn(event)
            if rest is not None:
                await rest
        finally:
            ended = time.perf_counter()
            timer(ended - started)
            started = ended


async def _run_before(witness: Witness, rows: Iterable[_Row], event: object) -> None:
    for row in rows:
        with witness.step(row.registration, event) as step:
            step.is_skipped = row.when is not None and not _asked(row.when, row.name, event)
            rest = None if step.is_skipped else row.turn(event)
            if rest is not None:
                await rest


def _untimed(seconds: float) -> None:
    """Nobody wants to know."""


def _spanned(handler: Handler[Any], name: str, span: Span) -> Handler[Any]:
    async def spanned(event: object) -> object:
        with span(name):
            return await handler(event)

    return spanned


def _asked(when: Filter[Any], name: str, event: object) -> bool:
    try:
        answer: object = when(event)
    except BaseException as error:
        raise HandlerFault(name, f"filter raised {type(error).__name__}") from error
    if not isinstance(answer, bool):
        raise HandlerFault(name, f"filter returned {type(answer).__name__}, not bool")
    return answer


def _problem_of(row: Registration) -> str:
    """What is wrong with a registration: told to the plugin's author at once, not at a request."""
    if not inspect.isclass(row.event):
        return "the event must be a class of events"
    if inspect.isclass(row.handler) or not _is_async(row.handler):
        return "a handler must be an async callable taking the event, not a class"
    if not _HANDLER_NAME.fullmatch(row.name) or not _is_whole(row.order):
        return "a handler needs a snake_case name and a whole order"
    if row.when is not None and (_is_async(row.when) or not _name_of(row.when).isidentifier()):
        return "a filter must be a plain function with a name, not async and not a lambda"
    return ""


def _is_whole(order: object) -> bool:
    return isinstance(order, int) and not isinstance(order, bool)


def _is_async(function: object) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 (asks what kind of callable it is)
    )


def _name_of(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))
