"""Members of JSON and TOML, taken as they are or not at all."""

from __future__ import annotations

from typing import Any

from marshmallow import fields


class Flag(fields.Boolean):
    """True or false, and no number or text that stands for it."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, *args, **kwargs)


class Whole(fields.Integer):
    """A whole number, and neither true nor a text that stands for one."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if type(value) is not int:
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, *args, **kwargs)


class Array(fields.List[Any]):
    """An array, and no object that stands for its keys."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        return super()._deserialize(value, *args, **kwargs)
