"""JSON from strangers: read so that every reader of the same bytes sees the same thing."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

_MAXIMUM_DEPTH = 32


class NotStrictJson(ValueError):
    """The bytes are no JSON, or JSON that parsers disagree about. Repeats nothing of them."""


class UnpairedSurrogate(NotStrictJson):
    """JSON by its syntax, with a text that is no Unicode."""


def parse_json_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in ``raw``; raises as ``parse_json`` does."""
    value = parse_json(raw)
    if not isinstance(value, dict):
        raise NotStrictJson("no JSON object")
    return value


def parse_json(raw: bytes) -> Any:
    """The JSON in ``raw``, UTF-8.

    Raises NotStrictJson, also for repeated names (RFC 7519 §4), numbers that are not finite,
    halves of surrogate pairs and more than 32 levels.
    """
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_members,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
        json.dumps(value, ensure_ascii=False).encode()
    except NotStrictJson:
        raise
    except UnicodeEncodeError:
        raise UnpairedSurrogate("half a surrogate pair") from None
    except (ValueError, RecursionError):
        raise NotStrictJson("no JSON in UTF-8") from None
    _check_depth(value, 1)
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrictJson("a name is repeated")
    return members


def _refuse_constant(_: str) -> NoReturn:
    raise NotStrictJson("a number that is none")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise NotStrictJson("a number without end")
    return number


def _check_depth(value: Any, depth: int) -> None:
    if depth > _MAXIMUM_DEPTH:
        raise NotStrictJson("nested too deeply")
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _check_depth(item, depth + 1)
