"""Bringing the store in line with the clients that stand in files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from ..errors import CommandRefused
from ..model import ClientSecret
from ..stores.base import Store
from ..stores.documents import is_configured
from ..stores.repositories import clients_in, documents_in
from .client_files import ConfiguredClient
from .clients import ClientCommands
from .new_secrets import kept_secrets
from .registrations import ClientRegistration, registration_of

Outcome = Literal["add", "change", "keep", "remove", "refuse"]
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that is to be another one; of a secret, neither is told."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class PlannedClient:
    """What is to become of one client, and why; ``problem`` says why it is refused."""

    client_id: str
    outcome: Outcome
    differences: tuple[Difference, ...] = ()
    problem: str = ""


class ConfiguredClients:
    """Compares and applies; raises what the store raises.

    Clients that have gone from the files are told, and deleted only where that is asked for.
    Nobody's tokens end because a file was applied.
    """

    def __init__(
        self, store: Store, commands: ClientCommands, wanted: Sequence[ConfiguredClient]
    ) -> None:
        self._applications = store.applications
        self._clients = clients_in(store)
        self._commands = commands
        self._wanted = wanted

    async def plan(self) -> list[PlannedClient]:
        """What ``apply`` would do, in the order of the files."""
        planned = [await self._planned(client) for client in self._wanted]
        return [*planned, *[gone async for gone in self._gone()]]

    async def apply(self, *, prune: bool = False) -> list[PlannedClient]:
        """Does it, and tells what was done; what is refused keeps nothing else from being done."""
        done = [await self._applied(client) for client in self._wanted]
        gone = [client async for client in self._gone()]
        if prune:
            for client in gone:
                await self._commands.delete(client.client_id, prune=True)
        return [*done, *gone]

    async def _applied(self, client: ConfiguredClient) -> PlannedClient:
        for _ in range(_ATTEMPTS):
            planned = await self._planned(client)
            if planned.outcome not in ("add", "change"):
                return planned
            try:
                await self._commands.configure(client.registration, secret=client.secret)
            except CommandRefused as error:  # another process was faster
                planned = _refused(client, error)
            else:
                break
        return planned

    async def _planned(self, client: ConfiguredClient) -> PlannedClient:
        client_id = client.registration.client_id
        stored = await self._clients.get(client_id)
        try:
            wanted = await self._commands.checks.check_configured(
                client.registration, stored, client.secret
            )
        except CommandRefused as error:
            return _refused(client, error)
        if stored is None:
            return PlannedClient(client_id, "add")
        differences = [*_differences(registration_of(stored), wanted)]
        kept = await kept_secrets(stored, client.secret, has_keys=wanted.keys.are_given)
        if kept != stored.secrets or (client.secret is not None and not kept):
            after = "none" if client.secret is None else "that of its file"
            differences.append(Difference("secret", _told(stored.secrets, kept), after))
        if not stored.is_configured:
            differences.append(Difference("is_configured", False, True))
        return PlannedClient(client_id, "change" if differences else "keep", tuple(differences))

    async def _gone(self) -> AsyncIterator[PlannedClient]:
        wanted = {client.registration.client_id for client in self._wanted}
        async for stored in documents_in(self._applications):
            if stored.key not in wanted and is_configured(stored.document):
                yield PlannedClient(stored.key, "remove")


def _told(secrets: Sequence[ClientSecret], kept: Sequence[ClientSecret]) -> str:
    if not secrets:
        return "none"
    return "several" if kept else "another one"


def _refused(client: ConfiguredClient, error: CommandRefused) -> PlannedClient:
    return PlannedClient(client.registration.client_id, "refuse", problem=str(error))


def _differences(before: ClientRegistration, after: ClientRegistration) -> list[Difference]:
    return [
        Difference(field.name, getattr(before, field.name), getattr(after, field.name))
        for field in fields(ClientRegistration)
        if _comparable(getattr(before, field.name)) != _comparable(getattr(after, field.name))
    ]


def _comparable(fact: Any) -> Any:
    """Scopes and the like are sets, in whatever order they were written."""
    return sorted(fact) if isinstance(fact, tuple) else fact
