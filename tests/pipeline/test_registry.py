"""The registry: total order, filters, required stages, and a seal that fails closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import pytest

from apogee_idp.errors import (
    HandlerFault,
    InvalidScope,
    RegistryError,
    ReservedName,
    StoreUnavailable,
)
from apogee_idp.management.explanation import Explanation
from apogee_idp.pipeline import Registry, Source


class Step(IntEnum):
    FIRST = 1000
    SECOND = 2000


@dataclass(slots=True)
class Sample:
    seen: list[str] = field(default_factory=list)
    again: bool = False


@dataclass(slots=True)
class Derived(Sample):
    pass


def recording(name: str) -> Callable[[Sample], Any]:
    async def handler(event: Sample) -> None:
        event.seen.append(name)

    return handler


class Recorder:
    async def __call__(self, event: Sample) -> None:
        event.seen.append("object")


def registry_of(*rows: tuple[str, int], **options: Any) -> Registry:
    registry = Registry(**options)
    for name, order in rows:
        registry.add(Sample, recording(name), name=name, order=order)
    return registry


async def dispatched(registry: Registry, event: Sample | None = None) -> list[str]:
    registry.seal(required={})
    event = event or Sample()
    await registry.dispatch(event)
    return event.seen


async def test_the_order_is_total() -> None:
    """By order, then by name, however they were added."""
    rows = [("c", 2), ("b", 1), ("a", 2), ("d", -5)]
    assert await dispatched(registry_of(*rows)) == ["d", "b", "a", "c"]
    assert await dispatched(registry_of(*reversed(rows))) == ["d", "b", "a", "c"]


async def test_a_plugin_stands_between_two_stages() -> None:
    """``Stage.X - 1`` is just before X."""
    registry = registry_of(("second", Step.SECOND), ("first", Step.FIRST))
    registry.add(Sample, recording("mine"), name="mine", order=Step.SECOND - 1)
    assert await dispatched(registry) == ["first", "mine", "second"]


async def test_events_are_dispatched_by_their_exact_class() -> None:
    """No inheritance, as in OpenIddict."""
    assert await dispatched(registry_of(("a", 1)), Derived()) == []


async def test_a_filter_is_asked_just_before_its_handler() -> None:
    """So an earlier handler can switch a later one on."""

    def again(event: Sample) -> bool:
        return event.again

    async def switch(event: Sample) -> None:
        event.again = True

    registry = Registry()
    registry.add(Sample, recording("early"), name="early", order=1, when=again)
    registry.add(Sample, switch, name="switch", order=2)
    registry.add(Sample, recording("late"), name="late", order=3, when=again)
    assert await dispatched(registry) == ["late"]
    assert [row.filter_name for row in registry.registrations()] == ["again", "always", "again"]


async def test_a_handler_may_dispatch_another_event() -> None:
    """Nested, on the same registry."""
    registry = Registry()

    async def outer(event: Derived) -> None:
        inner = Sample()
        await registry.dispatch(inner)
        event.seen.extend(inner.seen)

    registry.add(Derived, outer, name="outer", order=1)
    registry.add(Sample, recording("inner"), name="inner", order=1)
    assert await dispatched(registry, Derived()) == ["inner"]


async def test_an_object_with_an_async_call_is_a_handler() -> None:
    """A class is for collaborators, which come through its constructor."""
    registry = Registry()
    registry.add(Sample, Recorder(), name="object", order=1)
    assert await dispatched(registry) == ["object"]


def not_async(event: Sample) -> None:
    """A plain function."""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"handler": not_async}, "async callable", id="a plain function"),
        pytest.param({"handler": None}, "async callable", id="nothing"),
        pytest.param({"name": ""}, "snake_case", id="no name"),
        pytest.param({"name": "with space"}, "snake_case", id="a name with a space"),
        pytest.param({"order": "1"}, "whole order", id="an order that is text"),
        pytest.param({"order": 1.5}, "whole order", id="an order between two"),
        pytest.param({"order": True}, "whole order", id="an order that is a truth value"),
        pytest.param({"handler": Recorder}, "not a class", id="a class, not an object of it"),
        pytest.param({"name": "X9é"}, "snake_case", id="a name in another alphabet"),
        pytest.param({"event": "Sample"}, "class of events", id="an event that is text"),
        pytest.param({"when": recording("x")}, "not async", id="an async filter"),
        pytest.param({"name": "taken"}, "already has", id="a name that is taken"),
        pytest.param({"when": lambda event: True}, "not a lambda", id="a filter without name"),
    ],
)
def test_add_refuses(options: dict[str, Any], message: str) -> None:
    """At registration, where the plugin's author sees it, and not at the first request."""
    registry = registry_of(("taken", 1))
    arguments = {"event": Sample, "handler": recording("x"), "name": "x", "order": 1} | options
    with pytest.raises(RegistryError, match=message):
        registry.add(arguments.pop("event"), arguments.pop("handler"), **arguments)


def always_no(event: Sample) -> bool:
    return False


@pytest.mark.parametrize(
    ("rows", "missing"),
    [
        pytest.param([], ["first", "second"], id="nothing registered"),
        pytest.param([("first", 1000, None)], ["second"], id="one missing"),
        pytest.param(
            [("first", 1000, None), ("second", 2001, None)], ["second"], id="at another order"
        ),
        pytest.param(
            [("first", 1000, None), ("second", 2000, always_no)], ["second"], id="filtered away"
        ),
        pytest.param(
            [("first", 1000, None), ("third", 2000, None)], ["second"], id="by another name"
        ),
    ],
)
def test_seal_fails_closed(rows: list[tuple[str, int, Any]], missing: list[str]) -> None:
    """Every required stage needs its handler, by name, at its order, unfiltered."""
    registry = Registry()
    for name, order, when in rows:
        registry.add(Sample, recording(name), name=name, order=order, when=when)
    with pytest.raises(RegistryError) as caught:
        registry.seal(required={Sample: list(Step)})
    for name in missing:
        assert f"handler {name} " in str(caught.value)


async def test_nothing_runs_before_the_seal_and_nothing_is_added_after_it() -> None:
    """The table that was printed is the table that runs."""
    registry = registry_of(("a", 1))
    with pytest.raises(RegistryError, match="not sealed"):
        await registry.dispatch(Sample())
    registry.seal(required={})
    with pytest.raises(RegistryError, match="sealed"):
        registry.add(Sample, recording("b"), name="b", order=2)
    with pytest.raises(RegistryError, match="sealed"):
        registry.seal(required={})
    with pytest.raises((AttributeError, TypeError)):
        registry.registrations()[0].order = 5  # type: ignore[misc]


async def test_sources_are_remembered() -> None:
    """Which plugin and distribution added which handler."""
    registry = Registry()
    with registry.registering(Source("acme", "acme-handlers", "1.2")):
        registry.add(Sample, recording("a"), name="a", order=1)
    registry.add(Sample, recording("b"), name="b", order=2)
    registry.seal(required={})
    assert registry.registrations()[0].source == Source("acme", "acme-handlers", "1.2")
    assert registry.registrations()[1].source == Source("-")


async def test_names_are_unique_within_an_event() -> None:
    """Two events may have a handler of the same name."""
    registry = registry_of(("same", 1))
    registry.add(Derived, recording("derived"), name="same", order=1)
    assert await dispatched(registry, Derived()) == ["derived"]


DECISIONS = [InvalidScope("no"), StoreUnavailable("gone"), HandlerFault("other", "broke")]


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: type(decision).__name__)
async def test_decisions_pass_through_and_end_the_dispatch(decision: Exception) -> None:
    """A refusal reaches the one place that renders it, and later handlers don't run."""

    async def refuse(event: Sample) -> None:
        raise decision

    registry = registry_of(("late", 2))
    registry.add(Sample, refuse, name="refuse", order=1)
    registry.seal(required={})
    event = Sample()
    with pytest.raises(type(decision)) as caught:
        await registry.dispatch(event)
    assert caught.value is decision
    assert event.seen == []


FAULTS = [
    pytest.param(ValueError("secret"), "raised ValueError", id="an exception"),
    pytest.param(ReservedName("'iss'"), "raised ReservedName: 'iss'", id="one of our own"),
    pytest.param(SystemExit(1), "raised SystemExit", id="an exit"),
    pytest.param(KeyboardInterrupt(), "raised KeyboardInterrupt", id="an interrupt"),
    pytest.param(GeneratorExit(), "raised GeneratorExit", id="a generator's exit"),
    pytest.param(asyncio.CancelledError(), "raised CancelledError", id="a false cancellation"),
    pytest.param(TimeoutError(), "raised TimeoutError", id="a time-out of its own"),
    pytest.param(BaseExceptionGroup("g", [KeyboardInterrupt()]), "raised BaseExc", id="a group"),
]


@pytest.mark.parametrize(("error", "problem"), FAULTS)
async def test_anything_else_a_handler_raises_is_its_fault(
    error: BaseException, problem: str
) -> None:
    """Even what would end the whole process; foreign messages, which may quote, are left out."""

    async def fail(event: Sample) -> None:
        raise error

    registry = Registry()
    registry.add(Sample, fail, name="fail", order=1)
    with pytest.raises(HandlerFault) as caught:
        await dispatched(registry)
    assert caught.value.handler == "fail"
    assert caught.value.problem.startswith(problem)
    assert caught.value.__cause__ is error
    assert "secret" not in str(caught.value)


async def wait_for_ever(event: Sample) -> None:
    await asyncio.Event().wait()


async def swallow_the_time_out(event: Sample) -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        event.seen.append("swallowed")


async def return_something(event: Sample) -> object:
    return event


@pytest.mark.parametrize(
    ("handler", "problem"),
    [
        pytest.param(wait_for_ever, "took longer", id="waits for ever"),
        pytest.param(swallow_the_time_out, "took longer", id="swallows the time-out"),
        pytest.param(return_something, "returned Sample, not None", id="returns something"),
    ],
)
async def test_misbehaviour_is_a_fault(handler: Callable[[Sample], Any], problem: str) -> None:
    """A handler has one way out: to return None in time."""
    registry = Registry(handler_timeout=0.01)
    registry.add(Sample, handler, name="bad", order=1)
    with pytest.raises(HandlerFault, match=problem):
        await dispatched(registry)


@pytest.mark.parametrize(
    "answer", [pytest.param(1, id="a number"), pytest.param(ValueError("x"), id="an error")]
)
async def test_a_filter_must_answer_with_a_truth_value(answer: object) -> None:
    """A filter that fails must not decide by accident."""

    def filter_(event: Sample) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    registry = Registry()
    registry.add(Sample, recording("a"), name="a", order=1, when=filter_)
    with pytest.raises(HandlerFault, match="filter"):
        await dispatched(registry)


async def test_the_innermost_slow_handler_is_named() -> None:
    """Not the one that waited for it."""
    registry = Registry(handler_timeout=0.01)

    async def outer(event: Derived) -> None:
        await registry.dispatch(Sample())

    registry.add(Derived, outer, name="outer", order=1)
    registry.add(Sample, wait_for_ever, name="inner", order=1)
    with pytest.raises(HandlerFault) as caught:
        await dispatched(registry, Derived())
    assert caught.value.handler == "inner"


async def test_a_real_cancellation_is_not_swallowed() -> None:
    """The server must be able to end a request."""
    registry = Registry()
    started = asyncio.Event()

    async def wait(event: Sample) -> None:
        started.set()
        await asyncio.Event().wait()

    registry.add(Sample, wait, name="wait", order=1)
    registry.seal(required={})
    task = asyncio.create_task(registry.dispatch(Sample()))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_observer_is_told_of_each_handler() -> None:
    """Event, handler and seconds, for the ones that ran; also of the one that failed."""
    told: list[tuple[str, str]] = []

    def observe(event: str, handler: str) -> Callable[[float], None]:
        def note(seconds: float) -> None:
            assert seconds >= 0
            told.append((event, handler))

        return note

    async def fail(event: Sample) -> None:
        raise InvalidScope("no")

    registry = registry_of(("a", 1), observe=observe)
    registry.add(Sample, fail, name="fail", order=2)
    with pytest.raises(InvalidScope):
        await dispatched(registry)
    assert told == [("Sample", "a"), ("Sample", "fail")]


@pytest.mark.parametrize("is_watched", [False, True], ids=["unseen", "watched"])
async def test_spans_surround_events_and_the_handlers_that_run(is_watched: bool) -> None:
    """Those of nested events stand within the handler that raised them, whoever watches."""
    open_now: list[str] = []
    seen: list[str] = []

    @contextmanager
    def span(name: str) -> Iterator[None]:
        open_now.append(name)
        seen.append("/".join(open_now))
        yield
        open_now.pop()

    async def nest(event: Sample) -> None:
        await registry.dispatch(Derived())

    async def inner(event: Derived) -> None:
        return None

    registry = Registry(span=span)
    registry.add(Sample, nest, name="nest", order=1)
    registry.add(Derived, inner, name="inner", order=1)
    registry.seal(required={})
    with registry.watched_by(Explanation()) if is_watched else nullcontext():
        await registry.dispatch(Sample())
    assert seen == ["Sample", "Sample/nest", "Sample/nest/Derived", "Sample/nest/Derived/inner"]
    assert open_now == []
