"""Questions about clients: one, or a page of those that match."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import NotFound
from ..model import Client
from ..stores.base import MAXIMUM_PAGE, Store
from ..stores.repositories import Listing, clients_in

MAXIMUM_READ = 1000
"""So many clients one question reads at most; then it says where to go on."""


@dataclass(frozen=True, slots=True)
class ClientFilter:
    """What matches: ``search`` is part of the id or of the name, in whatever case."""

    search: str = ""
    enabled: bool | None = None
    flow_type: str | None = None
    client_type: str | None = None
    configured: bool | None = None

    def matches(self, client: Client) -> bool:
        """Whether every criterion holds."""
        sought = self.search.casefold()
        return (
            (sought in client.client_id.casefold() or sought in client.display_name.casefold())
            and self.enabled in (None, client.enabled)
            and self.flow_type in (None, client.flow_type)
            and self.client_type in (None, client.client_type)
            and self.configured in (None, client.is_configured)
        )


class ClientQueries:
    """Raises NotFound, and whatever the store raises."""

    def __init__(self, store: Store) -> None:
        self._clients = clients_in(store)

    async def get(self, client_id: str) -> Client:
        """The client of this id, as the store has it."""
        client = await self._clients.get(client_id)
        if client is None:
            raise NotFound(f"there is no client {client_id}")
        return client

    async def page(self, wanted: ClientFilter, *, after: str | None, limit: int) -> Listing[Client]:
        """Up to ``limit`` clients behind ``after``, by id.

        A page may be short, or empty, and still not the last: see MAXIMUM_READ.
        """
        found: list[Client] = []
        unreadable: list[str] = []
        for _ in range(MAXIMUM_READ // MAXIMUM_PAGE):
            read = await self._clients.page(after=after, limit=MAXIMUM_PAGE)
            for client in filter(wanted.matches, read.items):
                if len(found) == limit:
                    last = found[-1].client_id
                    unreadable += [key for key in read.unreadable if key < last]
                    return Listing(tuple(found), tuple(unreadable), after=last)
                found.append(client)
            unreadable += read.unreadable
            after = read.after
            if after is None:
                break
        return Listing(tuple(found), tuple(unreadable), after=after)
