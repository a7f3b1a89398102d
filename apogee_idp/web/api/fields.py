"""Members of JSON bodies and parameters of queries, taken as they are or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import ValidationError, fields, validate

from ...management.strict_fields import Array

MAXIMUM_TEXT = 200
MAXIMUM_ITEMS = 100


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


class Texts(Array):
    """An array of distinct texts."""

    def __init__(self, **options: Any) -> None:
        checks: list[Callable[[Any], Any]] = [validate.Length(max=MAXIMUM_ITEMS), _check_distinct]
        super().__init__(Text(shortest=1), validate=checks, **options)


class Digits(fields.Integer):
    """A whole number from ``least`` to ``most``, as a query writes it: in plain digits."""

    def __init__(self, *, least: int, most: int, **options: Any) -> None:
        self._longest = len(str(most))
        super().__init__(validate=validate.Range(min=least, max=most), **options)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if len(value) > self._longest or not (value.isascii() and value.isdigit()):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, *args, **kwargs)


class Flag(fields.Boolean):
    """``true`` or ``false``, as a query writes them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(truthy={"true"}, falsy={"false"}, **options)


def _check_distinct(items: list[str]) -> None:
    if len(set(items)) != len(items):
        raise ValidationError("Says something twice.")
