"""Reading members of documents strictly: what a store has may be damaged, or somebody else's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..model import frozen

Value = TypeVar("Value")
Word = TypeVar("Word", bound=str)


def text(value: object) -> str:
    """A text; raises TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value


def one_of(offered: tuple[Word, ...], value: object) -> Word:
    """One of the words that are offered; raises ValueError."""
    for word in offered:
        if word == value:
            return word
    raise ValueError("a word that nobody knows here")


def json_object(value: object) -> Mapping[str, Any]:
    """A JSON object, read-only; raises TypeError."""
    if not isinstance(value, Mapping):
        raise TypeError("expected a JSON object")
    members: Mapping[str, Any] = frozen(value)
    return members


def members_of(value: object) -> dict[str, Any]:
    """The members of an object, or none where it is missing; raises TypeError."""
    if value in (None, []):  # OpenIddict's tools may have left either
        return {}
    if not isinstance(value, Mapping):
        raise TypeError("expected members")
    return dict(value)


def texts(value: object) -> tuple[str, ...]:
    """A list of texts, or none where it is missing; raises TypeError."""
    if not isinstance(value, list | tuple | None):
        raise TypeError("expected a list")
    return tuple(text(item) for item in value or ())


def whole(value: object) -> int:
    """A whole number, and no truth value; raises TypeError."""
    if type(value) is not int:
        raise TypeError("expected a whole number")
    return value


def optional(read: Callable[[object], Value], value: object) -> Value | None:
    """What ``read`` makes of the value, unless that is missing."""
    return None if value is None else read(value)
