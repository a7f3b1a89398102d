"""Pages of what matches, of collections in which only the key can be looked for."""

from __future__ import annotations

from collections.abc import Callable

from ..stores.base import MAXIMUM_PAGE
from ..stores.repositories import Entity, Listing, Repository

MAXIMUM_READ = 1000
"""So many entities one question reads at most; then it says where to go on."""


async def filtered_page(
    repository: Repository[Entity],
    matches: Callable[[Entity], bool],
    key: Callable[[Entity], str],
    *,
    after: str | None,
    limit: int,
) -> Listing[Entity]:
    """Up to ``limit`` of those that match, behind ``after``, by key.

    A page may be short, or empty, and still not the last: see MAXIMUM_READ.
    """
    found: list[Entity] = []
    unreadable: list[str] = []
    for _ in range(MAXIMUM_READ // MAXIMUM_PAGE):
        read = await repository.page(after=after, limit=MAXIMUM_PAGE)
        for entity in filter(matches, read.items):
            if len(found) == limit:
                last = key(found[-1])
                unreadable += [damaged for damaged in read.unreadable if damaged < last]
                return Listing(tuple(found), tuple(unreadable), after=last)
            found.append(entity)
        unreadable += read.unreadable
        after = read.after
        if after is None:
            break
    return Listing(tuple(found), tuple(unreadable), after=after)
