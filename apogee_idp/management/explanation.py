"""Which handler did what: each in order, with its time, what it changed, and who refused."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, Literal

from ..errors import OAuthError, ServerError
from ..model import TokenProfile
from ..pipeline import Registration
from ..requests import ClientAuthentication, IssuedToken, Principal, TokenResponse

Outcome = Literal["done", "skipped", "refused", "failed"]

_MOST_STEPS = 500
_MOST_ITEMS = 50
_LONGEST_TEXT = 200
_DEEPEST = 5
_NOT_DECIDED = frozenset({"request", "sign_in"})
"""Members of events that nobody changes."""


@dataclass(frozen=True, slots=True)
class Change:
    """A member of an event that is another than before; both as JSON values."""

    field: str
    before: Any
    after: Any


@dataclass(slots=True)
class ExplainedStep:
    """One handler's turn; ``depth`` counts the events around it, and time includes those in it."""

    row: Registration
    depth: int
    is_skipped: bool = False
    outcome: Outcome = "done"
    microseconds: int | None = None
    changes: list[Change] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """What is told of it, for JSON."""
        row = self.row
        return {
            "event": row.event.__name__,
            "name": row.name,
            "order": int(row.order),
            "plugin": row.source.plugin,
            "distribution": f"{row.source.distribution} {row.source.version}",
            "filter": row.filter_name,
            "depth": self.depth,
            "outcome": self.outcome,
            "microseconds": self.microseconds,
            "changes": [asdict(change) for change in self.changes],
        }


class Explanation:
    """The witness of one request; ``refused_by`` is the innermost handler that ended it."""

    def __init__(self) -> None:
        self.steps: list[ExplainedStep] = []
        self.refused_by: ExplainedStep | None = None
        self._depth = 0

    @contextmanager
    def step(self, row: Registration, event: Any) -> Iterator[ExplainedStep]:
        """See ``Witness``; of more handlers than anyone would read, the first are kept."""
        step = ExplainedStep(row, self._depth)
        if len(self.steps) < _MOST_STEPS:
            self.steps.append(step)
        before, started = _members_of(event), time.perf_counter()
        self._depth += 1
        try:
            yield step
        except BaseException as error:
            is_refusal = isinstance(error, OAuthError) and not isinstance(error, ServerError)
            step.outcome = "refused" if is_refusal else "failed"
            self.refused_by = self.refused_by or step
            raise
        finally:
            self._depth -= 1
            self._close(step, time.perf_counter() - started)
            step.changes = _changes(before, _members_of(event))

    @staticmethod
    def _close(step: ExplainedStep, seconds: float) -> None:
        if step.is_skipped:
            step.outcome = "skipped"
        else:
            step.microseconds = round(seconds * 1_000_000)


def readable(value: Any, depth: int = 0) -> Any:
    """``value`` as a short JSON value that has no secret: of what we don't know, its type alone."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case str():
            return _short(value)
        case Mapping() | list() | tuple() | set() | frozenset():
            return "…" if depth >= _DEEPEST else _items(value, depth + 1)
    return _of_ours(value, depth)


def _items(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        pairs = list(value.items())[:_MOST_ITEMS]
        return {_short(str(name)): readable(item, depth) for name, item in pairs}
    return [readable(item, depth) for item in list(value)[:_MOST_ITEMS]]


def _of_ours(value: object, depth: int) -> Any:
    """Keys by algorithm and kid, as these are public."""
    match value:
        case IssuedToken():
            return f"{value.kind} of {len(value.value)} bytes"
        case ClientAuthentication():
            return f"{value.client.client_id} by {value.method}"
        case TokenResponse():
            return readable(value.parameters, depth)
        case Principal() | TokenProfile():
            return readable({f.name: getattr(value, f.name) for f in fields(value)}, depth)
    names = (getattr(value, name, None) for name in ("algorithm", "kid"))
    told = " ".join(name for name in names if isinstance(name, str))
    return _short(told or type(value).__name__)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"


def _members_of(event: Any) -> dict[str, Any]:
    if not is_dataclass(event):
        return {}
    names = (member.name for member in fields(event) if member.name not in _NOT_DECIDED)
    return {name: readable(getattr(event, name)) for name in names}


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    return [
        Change(name, before[name], value) for name, value in after.items() if before[name] != value
    ]
