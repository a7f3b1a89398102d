"""What an administrator should know at a glance: numbers, what is due, and who fails and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import UnreadableDocument
from ..model import FLOW_TYPES, Client
from ..refusals import Refusals
from ..stores.base import Store
from ..stores.repositories import clients_in
from .client_secrets import SecretCommands, SecretStatus
from .keys import KeyCommands, KeyStatus

SOON_SECONDS = 14 * 86_400
FAILING_SECONDS = 86_400
MAXIMUM_FAILING = 20
MAXIMUM_SECRETS_TOLD = 100
MAXIMUM_CLIENTS_READ = 10_000

_Facts = dict[str, Any]


@dataclass(slots=True)
class _Seen:
    """What was found on the way through all clients."""

    clients: dict[str, Client] = field(default_factory=dict)
    unreadable: int = 0
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class Seen:
    """All of it: ``keys`` are None for who may not see them."""

    clients: _Facts
    keys: Sequence[KeyStatus] | None
    expiring: Sequence[_Facts]
    safe_to_retire: Sequence[_Facts]
    failing: Sequence[_Facts]


class Overview:
    """Reads every client, up to MAXIMUM_CLIENTS_READ; raises whatever the store raises."""

    def __init__(
        self,
        store: Store,
        secrets: SecretCommands,
        refusals: Refusals,
        keys: KeyCommands | None,
        *,
        now: Callable[[], int],
    ) -> None:
        self._clients = clients_in(store)
        self._secrets = secrets
        self._refusals = refusals
        self._keys = keys
        self._now = now

    async def look(self) -> Seen:
        """What there is at this moment."""
        seen = await self._all_clients()
        expiring: list[_Facts] = []
        safe: list[_Facts] = []
        for client in seen.clients.values():
            if self._is_worth_a_look(client):
                statuses = await self._secrets.statuses(client)
                expiring += [_secret_facts(client, s) for s in statuses if self._ends_soon(s)]
                safe += [_secret_facts(client, s) for s in _superseded(client, statuses)]
        return Seen(
            _counts(seen),
            None if self._keys is None else await self._keys.all(),
            sorted(expiring, key=lambda s: s["expires_at"])[:MAXIMUM_SECRETS_TOLD],
            safe[:MAXIMUM_SECRETS_TOLD],
            await self._failing(seen.clients),
        )

    async def _all_clients(self) -> _Seen:
        seen = _Seen()
        async for stored in self._clients.documents():
            if len(seen.clients) == MAXIMUM_CLIENTS_READ:
                seen.is_complete = False
                break
            try:
                client = self._clients.entity(stored)
            except UnreadableDocument:
                seen.unreadable += 1
            else:
                seen.clients[client.client_id] = client
        return seen

    def _is_worth_a_look(self, client: Client) -> bool:
        """Whether any of its secrets could be told of: most have one that never expires."""
        return len(client.secrets) > 1 or any(s.expires_at is not None for s in client.secrets)

    def _ends_soon(self, status: SecretStatus) -> bool:
        expires_at = status.secret.expires_at
        return expires_at is not None and expires_at <= self._now() + SOON_SECONDS

    async def _failing(self, clients: dict[str, Client]) -> list[_Facts]:
        """Those refused last, first; what was before a client was registered is another's."""
        refused = await self._refusals.since(self._now() - FAILING_SECONDS)
        latest = sorted(refused.items(), key=lambda item: (-item[1][0].last_at, item[0]))
        found = []
        for client_id, refusals in latest:
            client = clients.get(client_id)
            if client is None or refusals[0].last_at < client.created_at:
                continue
            used = [status.usage.last_used_at for status in await self._secrets.statuses(client)]
            found.append(
                {
                    "client_id": client_id,
                    "last_refused_at": refusals[0].last_at,
                    "last_used_at": max((at for at in used if at is not None), default=None),
                    "count": sum(refusal.count for refusal in refusals),
                    "refusals": [asdict(refusal) for refusal in refusals],
                }
            )
            if len(found) == MAXIMUM_FAILING:
                break
        return found


def _counts(seen: _Seen) -> _Facts:
    clients = seen.clients.values()
    flows = Counter(client.flow_type for client in clients)
    enabled = sum(client.enabled for client in clients)
    return {
        "total": len(clients),
        "enabled": enabled,
        "disabled": len(clients) - enabled,
        "configured": sum(client.is_configured for client in clients),
        "flows": {flow_type: flows[flow_type] for flow_type in FLOW_TYPES},
        "unreadable": seen.unreadable,
        "is_complete": seen.is_complete,
    }


def _superseded(client: Client, statuses: Sequence[SecretStatus]) -> list[SecretStatus]:
    """Those nobody would miss, where a later one is there; one that was just made is not yet."""
    live = [status for status in statuses if not status.is_expired]
    return [] if client.is_configured else [s for s in live[:-1] if s.is_safe_to_retire]


def _secret_facts(client: Client, status: SecretStatus) -> _Facts:
    return {"client_id": client.client_id, **status.facts()}
