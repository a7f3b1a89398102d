"""Session tags as AWS STS wants them: the limits of their number, lengths and characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

MAXIMUM_TAGS = 50
MAXIMUM_KEY = 128
MAXIMUM_VALUE = 256


def problem_of(claim: object) -> str | None:
    """What is wrong with a session tags claim and how to mend it; None for none, or a good one."""
    if claim is None:
        return None
    tags = claim.get("principal_tags") if isinstance(claim, Mapping) else None
    if not isinstance(claim, Mapping) or not isinstance(tags, Mapping):
        return "the claim has no principal_tags: use --session-tag, which writes it"
    transitive = claim.get("transitive_tag_keys", ())
    if not isinstance(transitive, list | tuple) or not all(key in tags for key in transitive):
        return "a transitive key is none of the tags: give it with --session-tag too"
    return _problem_of_tags(tags)


def _problem_of_tags(tags: Mapping[str, Any]) -> str | None:
    if len(tags) > MAXIMUM_TAGS:
        return f"there are {len(tags)} session tags: leave {MAXIMUM_TAGS}"
    if len({key.casefold() for key in tags}) != len(tags):
        return "two tags differ only in case, which AWS does not tell apart: leave one"
    for key, values in tags.items():
        if not isinstance(values, list | tuple) or len(values) != 1:
            return f"the tag {key} is no list of one text: use --session-tag, which writes it"
        if not _fits(key, 1, MAXIMUM_KEY) or not _fits(values[0], 0, MAXIMUM_VALUE):
            return (
                f"the tag {key} is too long or has characters that AWS refuses: keep keys within"
                f" {MAXIMUM_KEY}, values within {MAXIMUM_VALUE} letters, digits, spaces and"
                " _ . : / = + - @"
            )
    return None


def _fits(text: object, minimum: int, maximum: int) -> bool:
    return (
        isinstance(text, str)
        and minimum <= len(text) <= maximum
        and all(c in "_.:/=+-@" or unicodedata.category(c)[0] in "LZN" for c in text)
    )
