"""What a store must do: few operations, each on one document, each exact on every store.

There is no transaction over several documents. An expired document counts as absent, whether
or not it has been cleaned away.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import InvalidDocument

MAXIMUM_DEPTH = 32
MAXIMUM_PAGE = 100
_INT64 = range(-(2**63), 2**63)

Document = Mapping[str, Any]
"""A JSON object; times in it are Unix seconds as integers."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as read, with the version that a compare-and-set must name."""

    key: str
    document: Document
    version: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some documents in the order of their keys; ``after`` is the cursor to the next page."""

    items: tuple[Stored, ...]
    after: str | None


class Collection(Protocol):
    """Documents of one kind, each under a unique key.

    Every operation raises StoreUnavailable if the store does not answer, TypeError for a key that
    is not a str, and InvalidDocument for what not every store could keep.
    """

    async def insert(self, key: str, document: Document, *, expires_at: int | None = None) -> str:
        """Stores under a free key and returns the version; raises AlreadyExists.

        Members that are None are not stored.
        """
        ...

    async def get(self, key: str) -> Stored | None:
        """The document under ``key``, or None if there is none."""
        ...

    async def replace(self, key: str, document: Document, *, version: str) -> str:
        """Compare-and-set: returns the new version; raises Conflict unless ``version`` stands.

        Members of the stored document that ``document`` does not name are kept, and so is its
        expiry; a member set to None is removed.
        """
        ...

    async def delete(self, key: str, *, version: str | None = None) -> bool:
        """Whether there was something to delete; raises Conflict if ``version`` is not it."""
        ...

    async def take(self, key: str) -> Stored | None:
        """Removes and returns: of any number of callers, one at most gets the document."""
        ...

    async def list(self, *, after: str | None = None, limit: int = MAXIMUM_PAGE) -> Page:
        """Up to ``limit`` documents whose keys come behind ``after``, by key."""
        ...

    async def expire(self) -> int:
        """Cleans expired documents away and returns how many."""
        ...


class Store(Protocol):
    """The collections of one installation."""

    @property
    def applications(self) -> Collection: ...
    @property
    def scopes(self) -> Collection: ...
    @property
    def keys(self) -> Collection: ...

    async def open(self) -> None:
        """Connects and brings the schema up to date; raises StoreUnavailable."""
        ...

    async def check(self) -> str:
        """One line about the store for a person; raises StoreUnavailable."""
        ...

    async def close(self) -> None:
        """Finishes what was begun and lets go of everything."""
        ...


def check_key(key: object) -> str:
    """``key`` if every store can hold it; raises TypeError or InvalidDocument."""
    if not isinstance(key, str):
        raise TypeError(f"a key is a str, not {type(key).__name__}")
    _check_text(key, "the key")
    if not key:
        raise InvalidDocument("the key is empty")
    return key


def check_document(document: object) -> Document:
    """``document`` if every store can hold it; raises InvalidDocument, which names the member."""
    if not isinstance(document, Mapping):
        raise InvalidDocument("a document is a mapping")
    _check_value(document, "document", 0)
    return document


def _check_value(value: object, where: str, depth: int) -> None:
    if depth > MAXIMUM_DEPTH:
        raise InvalidDocument(f"{where[:100]}: nested deeper than {MAXIMUM_DEPTH}")
    match value:
        case None | bool():
            pass
        case str():
            _check_text(value, where)
        case int() | float():
            _check_number(value, where)
        case list() | tuple():
            for item in value:
                _check_value(item, where, depth + 1)
        case Mapping():
            _check_members(value, where, depth)
        case _:
            raise InvalidDocument(f"{where}: {type(value).__name__} can't be stored")


def _check_number(value: float, where: str) -> None:
    if isinstance(value, int) and value not in _INT64:
        raise InvalidDocument(f"{where}: an integer beyond 64 bits")
    if not math.isfinite(value):
        raise InvalidDocument(f"{where}: not a finite number")


def _check_members(value: Mapping[Any, Any], where: str, depth: int) -> None:
    for name, item in value.items():
        if not isinstance(name, str) or not name or name.startswith("$") or "." in name:
            raise InvalidDocument(f"{where}: a member's name is text without $ and dots")
        _check_text(name, where)
        _check_value(item, f"{where}.{name}", depth + 1)


def _check_text(text: str, where: str) -> None:
    if "\0" in text:
        raise InvalidDocument(f"{where}: holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidDocument(f"{where}: holds half of a surrogate pair") from None
