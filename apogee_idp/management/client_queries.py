"""Questions about clients: one, or a page of those that match."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import NotFound
from ..model import Client
from ..stores.base import Store
from ..stores.repositories import Listing, clients_in
from .filtered import filtered_page


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
        """Up to ``limit`` clients behind ``after``, by id; see ``filtered_page``."""
        return await filtered_page(
            self._clients, wanted.matches, lambda c: c.client_id, after=after, limit=limit
        )
