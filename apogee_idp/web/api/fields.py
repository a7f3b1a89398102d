"""Members of JSON bodies and parameters of queries, taken as they are or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from marshmallow import ValidationError, fields, validate

MAXIMUM_TEXT = 200
MAXIMUM_ITEMS = 100

_DIGITS = re.compile("[0-9]{1,3}")


def _check_printable(text: str) -> None:
    if not text.isprintable():
        raise ValidationError("Needs printable characters only.")


class Text(fields.String):
    """Text on one line: no control characters, nothing that turns the direction of writing."""

    def __init__(self, *, shortest: int = 0, **options: Any) -> None:
        checks: list[Callable[[Any], Any]] = [
            validate.Length(min=shortest, max=MAXIMUM_TEXT),
            _check_printable,
        ]
        super().__init__(validate=checks, **options)


class Whole(fields.Integer):
    """A whole number; ``true`` and ``"1"`` are none."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if type(value) is not int:
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, *args, **kwargs)


class Texts(fields.List[str]):
    """An array of distinct texts."""

    def __init__(self, **options: Any) -> None:
        checks: list[Callable[[Any], Any]] = [validate.Length(max=MAXIMUM_ITEMS), _check_distinct]
        super().__init__(Text(shortest=1), validate=checks, **options)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        return super()._deserialize(value, *args, **kwargs)


class Limit(fields.Integer):
    """How many items a page has, written in plain digits."""

    def __init__(self) -> None:
        super().__init__(load_default=50, validate=validate.Range(min=1, max=100))

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not _DIGITS.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, *args, **kwargs)


class Flag(fields.Boolean):
    """``true`` or ``false``, as a query writes them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(truthy={"true"}, falsy={"false"}, **options)


def _check_distinct(items: list[str]) -> None:
    if len(set(items)) != len(items):
        raise ValidationError("Says something twice.")
