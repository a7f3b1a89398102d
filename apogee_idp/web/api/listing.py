"""What routes have in common: pages of a list, and the name in a path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ...errors import NotFound
from ...management.cursors import ForgedCursor
from .calls import Call, Desk, Reply
from .problems import Problem

Item_co = TypeVar("Item_co", covariant=True)
Told = TypeVar("Told")


class Found(Protocol[Item_co]):
    """Part of a list; ``after`` is where it goes on, ``unreadable`` names what is damaged."""

    @property
    def items(self) -> Sequence[Item_co]: ...
    @property
    def unreadable(self) -> Sequence[str]: ...
    @property
    def after(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list in which nothing is left out."""

    items: Sequence[Any]
    after: str | None
    unreadable: Sequence[str] = ()


async def listed(
    desk: Desk,
    call: Call,
    name: str,
    pages: Callable[[str | None, int], Awaitable[Found[Told]]],
    facts: Callable[[Told], Any],
) -> Reply:
    """The page that ``call`` asks for; ``name`` says of what list, filters included.

    ``pages`` takes the key to begin behind and how many are wanted; ``facts`` says what is told of
    one item.
    """
    cursors, cursor = desk.cursors, call.query["cursor"]
    try:
        after = None if cursor is None else cursors.read(name, cursor)
    except ForgedCursor:
        raise Problem(400, "invalid-cursor", "The cursor is not one of this list.") from None
    found = await pages(after, call.query["limit"])
    next_cursor = None if found.after is None else cursors.write(name, found.after)
    page = {
        "items": [facts(item) for item in found.items],
        "unreadable": list(found.unreadable),
        "next_cursor": next_cursor,
    }
    return Reply(page, following=next_cursor)


def named(call: Call, kind: str, is_name: Callable[[str], bool]) -> str:
    """The name in the path, if there can be anything of that name."""
    (name,) = call.path.values()
    if not is_name(name):
        raise NotFound(f"there is no such {kind}")
    return name
