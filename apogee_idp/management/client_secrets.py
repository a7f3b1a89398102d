"""Commands on the secrets of clients: several live at once, so that one is changed in peace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ..commands import AddSecret, Command, RetireSecret, RotateSecret
from ..crypto.secrets import NewSecret, generate_secret
from ..errors import ChangedMeanwhile, CommandRefused, Conflict, NotFound, StateConflict
from ..model import Client, ClientSecret
from ..requests import Actor
from ..secret_usage import SecretUsage, Usage
from ..stores.base import Store
from ..stores.documents import OPENIDDICT_SECRET_ID
from ..stores.repositories import clients_in
from ..stores.values import LATEST
from .changes import Changes, Trail
from .client_queries import ClientQueries
from .clients import check_changeable
from .facts import client_facts
from .leaked_secrets import LeakedSecrets
from .new_secrets import new_secret, register_secret
from .privileges import Privileges

MAXIMUM_SECRETS = 10
UNUSED_SECONDS = 3600
"""A secret that was used since is in use."""

_MAXIMUM_NAME = 100


@dataclass(frozen=True, slots=True)
class IssuedSecret(NewSecret):
    """A secret that a client has got; times are Unix seconds."""

    name: str
    created_at: int
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class SecretStatus:
    """A secret, how it was used, and whether anyone would miss it."""

    secret: ClientSecret
    usage: Usage
    is_expired: bool
    is_safe_to_retire: bool

    def facts(self) -> dict[str, Any]:
        """What is told of it, for JSON; times are Unix seconds."""
        secret, usage = self.secret, self.usage
        return {
            "id": secret.id,
            "name": secret.name,
            "created_at": secret.created_at,
            "expires_at": secret.expires_at,
            "last_used_at": usage.last_used_at,
            "last_used_from": usage.last_used_from,
            "uses": usage.uses,
            "is_expired": self.is_expired,
            "is_safe_to_retire": self.is_safe_to_retire,
        }


class SecretCommands:
    """Raises CommandRefused for what breaks a rule, and whatever the store raises.

    What ``actor`` changes is recorded; secrets of clients of the management API, whose audience
    is ``management_audience``, take ``idp:admin``: see Privileges. ``now`` gives Unix seconds.
    ``leaked`` is the one of a process that takes many reports.
    """

    def __init__(  # noqa: PLR0913 (what a command needs, and what a process has once)
        self,
        store: Store,
        usage: SecretUsage,
        *,
        now: Callable[[], int],
        changes: Changes,
        actor: Actor,
        leaked: LeakedSecrets | None = None,
        management_audience: str | None = None,
    ) -> None:
        self._clients = clients_in(store)
        self._queries = ClientQueries(store)
        self._usage = usage
        self._now = now
        self._actor = actor
        self._privileges = Privileges(actor, self._clients, management_audience)
        self._trail = Trail(changes, actor, "client", lambda c: c.client_id, client_facts)
        self._leaked = leaked or LeakedSecrets(store, usage, changes, now=now)

    async def add(
        self, client_id: str, name: str = "", expires_at: int | None = None, own: str | None = None
    ) -> IssuedSecret:
        """One more secret beside those the client has; expired ones make room.

        ``own`` is the operator's, else one is generated. ``expires_at`` is in Unix seconds.
        """
        client, now = await self._confidential(client_id), self._now()
        _check_name(name)
        if expires_at is not None and not now < expires_at <= LATEST:
            raise CommandRefused("a secret expires in the future, before the year 10000")
        secret = await new_secret(own)
        if any(known.id == secret.id for known in client.secrets):
            raise CommandRefused(f"{client_id} has the secret {secret.id} already")
        stored = ClientSecret(secret.id, secret.hash, now, expires_at, name)
        await self._store(AddSecret, client, (*self._live(client), stored), secret)
        return _issued(secret, stored)

    async def rotate(self, client_id: str, overlap_seconds: int) -> IssuedSecret:
        """A new secret; all others end after the overlap, or earlier if they would have anyway.

        Without an overlap they end at once.
        """
        if overlap_seconds < 0:
            raise CommandRefused("the overlap can't be negative")
        client, now = await self._confidential(client_id), self._now()
        until = min(now + overlap_seconds, LATEST)
        ending = tuple(
            replace(old, expires_at=until if old.expires_at is None else min(old.expires_at, until))
            for old in (self._live(client) if overlap_seconds else ())
        )
        if any(old.id == OPENIDDICT_SECRET_ID for old in ending):
            raise CommandRefused(
                f"OpenIddict's own secret of {client_id} can't expire: add a secret, and retire"
                f" {OPENIDDICT_SECRET_ID} later"
            )
        secret = generate_secret()
        stored = ClientSecret(secret.id, secret.hash, now)
        await self._store(RotateSecret, client, (*ending, stored), secret)
        return _issued(secret, stored)

    async def retire(self, client_id: str, secret_id: str, *, force: bool = False) -> None:
        """Ends one secret; ``force`` also one that is in use, or the last that works."""
        client = await self._queries.get(client_id)
        check_changeable(client)
        self._privileges.check(client)
        status = next((s for s in await self.statuses(client) if s.secret.id == secret_id), None)
        if status is None:
            raise NotFound(f"{client_id} has no secret {secret_id}")
        if not (force or status.is_safe_to_retire):
            raise StateConflict(self._why_not(client, status))
        rest = tuple(secret for secret in client.secrets if secret.id != secret_id)
        await self._update(RetireSecret, client, replace(client, secrets=rest))
        await self._usage.forget(client_id, secret_id)

    async def list(self, client_id: str) -> tuple[SecretStatus, ...]:
        """The client's secrets, the oldest first."""
        return await self.statuses(await self._queries.get(client_id))

    async def report_leaked(self, secret: str) -> tuple[str, ...]:
        """Ends a secret that somebody has found; the clients that had it: see LeakedSecrets."""
        return await self._leaked.report(secret, self._actor)

    async def statuses(self, client: Client) -> tuple[SecretStatus, ...]:
        """The secrets of this client, the oldest first."""
        usages = await self._usage.of(client)
        ordered = sorted(client.secrets, key=lambda secret: secret.created_at)
        return tuple(self._status(client, secret, usages[secret.id]) for secret in ordered)

    def _status(self, client: Client, secret: ClientSecret, usage: Usage) -> SecretStatus:
        is_expired = secret.is_expired(self._now())
        is_needed = self._is_in_use(usage) or self._is_last(client, secret)
        return SecretStatus(secret, usage, is_expired, is_expired or not is_needed)

    def _is_in_use(self, usage: Usage) -> bool:
        last = usage.last_used_at
        return last is not None and last > self._now() - UNUSED_SECONDS

    def _is_last(self, client: Client, secret: ClientSecret) -> bool:
        """Whether the client could not authenticate any more without it."""
        has_keys = client.jwks is not None or client.jwks_uri is not None
        needs_one = client.client_type == "confidential" and not has_keys
        return needs_one and {live.id for live in self._live(client)} == {secret.id}

    def _why_not(self, client: Client, status: SecretStatus) -> str:
        secret_id, last = status.secret.id, status.usage.last_used_at
        if last is not None and self._is_in_use(status.usage):
            when = datetime.fromtimestamp(last, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            return (
                f"the secret {secret_id} was last used at {when}: wait until it is unused for"
                f" {UNUSED_SECONDS} seconds, or force it"
            )
        return f"{secret_id} is the last secret of {client.client_id}: add another, or force it"

    def _live(self, client: Client) -> tuple[ClientSecret, ...]:
        now = self._now()
        return tuple(secret for secret in client.secrets if not secret.is_expired(now))

    async def _confidential(self, client_id: str) -> Client:
        client = await self._queries.get(client_id)
        check_changeable(client)
        self._privileges.check(client)
        if client.client_type != "confidential":
            raise CommandRefused(f"{client_id} is a public client: it has no secret")
        return client

    async def _store(
        self,
        command: type[Command[Client]],
        client: Client,
        chosen: tuple[ClientSecret, ...],
        made: NewSecret,
    ) -> None:
        """Gives the client these secrets, one of which was ``made`` for it just now."""
        if len(chosen) > MAXIMUM_SECRETS:
            raise StateConflict(
                f"{client.client_id} has {MAXIMUM_SECRETS} secrets, which is the most: retire one"
            )
        await register_secret(self._usage, client.client_id, made)
        await self._update(command, client, replace(client, secrets=chosen))

    async def _update(self, command: type[Command[Client]], before: Client, after: Client) -> None:
        await self._privileges.check_change(before, after, now=self._now())
        try:
            async with self._trail.recording(command, before=before, after=after) as change_id:
                await self._clients.update(replace(after, change_id=change_id))
        except Conflict:
            raise ChangedMeanwhile(f"{after.client_id} was changed meanwhile: try again") from None


def _issued(made: NewSecret, stored: ClientSecret) -> IssuedSecret:
    return IssuedSecret(
        made.id, made.value, made.hash, stored.name, stored.created_at, stored.expires_at
    )


def _check_name(name: str) -> None:
    if not name.isprintable() or len(name) > _MAXIMUM_NAME:
        raise CommandRefused(f"a secret's name has at most {_MAXIMUM_NAME} printable characters")
