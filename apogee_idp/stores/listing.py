"""Documents that are found by what their keys begin with."""

from __future__ import annotations

from .base import Collection


async def keys_with(collection: Collection, prefix: str) -> list[str]:
    """What stands behind ``prefix`` in each key that begins with it; raises StoreUnavailable."""
    found: list[str] = []
    after = prefix
    while after:
        page = await collection.list(after=after)
        keys = [stored.key for stored in page.items if stored.key.startswith(prefix)]
        found += [key.removeprefix(prefix) for key in keys]
        after = (page.after or "") if len(keys) == len(page.items) else ""
    return found
