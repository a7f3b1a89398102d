"""What marshmallow finds wrong with members of an object, as lines that say where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError


def described(error: ValidationError) -> list[tuple[str, str]]:
    """Each wrong field as a path of names and places, and what is wrong with it."""
    messages: object = error.normalized_messages()  # type: ignore[no-untyped-call]
    return list(_described((), messages))


def _described(path: tuple[str, ...], messages: Any) -> list[tuple[str, str]]:
    if isinstance(messages, Mapping):
        return [
            found
            for name, inner in messages.items()
            for found in _described((*path, *(() if name == "_schema" else (str(name),))), inner)
        ]
    return [(".".join(path), str(message)) for message in messages]
