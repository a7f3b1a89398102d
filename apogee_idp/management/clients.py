"""Commands on clients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..commands import (
    AddClient,
    Command,
    DeleteClient,
    DisableClient,
    EnableClient,
    RevokeTokens,
    UpdateClient,
)
from ..crypto.secrets import NewSecret
from ..errors import (
    AlreadyExists,
    ChangedMeanwhile,
    CommandRefused,
    Conflict,
    Duplicate,
    KeptInFile,
    NotFound,
)
from ..model import Client, ClientSecret
from ..requests import Actor
from ..secret_usage import SecretUsage
from ..stores.base import Store
from ..stores.repositories import Listing, clients_in, resources_in
from .changes import Changes, Trail
from .client_queries import ClientQueries
from .client_rules import ClientRules, RegistrationChecks
from .facts import client_facts
from .new_secrets import kept_secrets, new_secret, register_secret
from .privileges import Privileges
from .registrations import ClientRegistration, apply_registration


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """A client as it is now, and the secret that was made for it, if any.

    The secret is nowhere to be had again.
    """

    client: Client
    secret: NewSecret | None = None


class ClientCommands:
    """Raises CommandRefused for what breaks a rule, and whatever the store raises.

    What ``actor`` changes is recorded. To change anything of a client of the management API, he
    needs ``idp:admin``: see Privileges.
    """

    def __init__(
        self,
        store: Store,
        *,
        now: Callable[[], int],
        changes: Changes,
        actor: Actor,
        rules: ClientRules | None = None,
    ) -> None:
        rules = rules or ClientRules()
        self._clients = clients_in(store)
        self._queries = ClientQueries(store)
        self._resources = resources_in(store)
        self._now = now
        self._privileges = Privileges(actor, self._clients, rules.management_audience)
        self._usage = SecretUsage(store.secrets, now=now)
        self.checks = RegistrationChecks(store, rules, self._usage)
        self._trail = Trail(changes, actor, "client", lambda c: c.client_id, client_facts)

    async def add(
        self, registration: ClientRegistration, *, secret: str | None = None
    ) -> RegisteredClient:
        """A new client; ``secret`` is the operator's own, if any.

        A confidential client without keys gets a secret, after its flow has forced its type.
        """
        return await self._add(await self.checks.check(registration, None), secret)

    async def configure(
        self, registration: ClientRegistration, *, secret: str | None = None
    ) -> RegisteredClient:
        """Adds or updates a client that stands in a file, from where alone it is changed then.

        It loses all secrets but ``secret``, and that, too, if it is to authenticate by keys alone.
        """
        previous = await self._clients.get(registration.client_id)
        wanted = await self.checks.check_configured(registration, previous, secret)
        if previous is None:
            return await self._add(wanted, secret, is_configured=True)
        kept = await kept_secrets(previous, secret, has_keys=wanted.keys.are_given)
        remaining = replace(previous, secrets=kept, is_configured=True)
        return await self._change(previous, remaining, wanted, None if kept else secret)

    async def _add(
        self, wanted: ClientRegistration, secret: str | None, *, is_configured: bool = False
    ) -> RegisteredClient:
        client = Client(
            client_id=wanted.client_id,
            is_configured=is_configured,
            # Tokens of a client that had this id before must not come back to life.
            tokens_not_before=self._now() - 1,
            created_at=self._now(),
        )
        client, made = await self._with_secret(apply_registration(wanted, client), secret)
        self._privileges.check(client)
        await self._check_unknown(client.client_id)
        await self._register(client, made)
        try:
            async with self._trail.recording(AddClient, before=None, after=client) as change_id:
                added = await self._clients.add(replace(client, change_id=change_id))
        except AlreadyExists:
            raise _duplicate(client.client_id) from None
        return RegisteredClient(added, made)

    async def _check_unknown(self, client_id: str) -> None:
        """Nor may a resource know one of this id, who has been deleted, and let him look at tokens.

        Many who are first at once are told apart by the store alone.
        """
        if await self._clients.get(client_id) is not None:
            raise _duplicate(client_id)
        for resource in (await self._resources.all()).items:
            if client_id in resource.introspection_clients:
                raise CommandRefused(
                    f"{resource.identifier} still lets a deleted client {client_id} introspect its"
                    " tokens: take that out first, or choose another id",
                    field="client_id",
                )

    async def update(
        self, registration: ClientRegistration, *, version: str | None = None
    ) -> RegisteredClient:
        """The client as it is to be from now on, by the same rules as a new one.

        ``version`` is the ``concurrency_token`` of the client that was looked at, if it matters
        what others did meanwhile. A client that becomes confidential gets a secret, one that
        becomes public loses all that it had.
        """
        previous = await self._changeable(registration.client_id, version)
        self._privileges.check(previous)
        wanted = await self.checks.check(registration, previous)
        return await self._change(previous, previous, wanted)

    async def _change(
        self,
        previous: Client,
        kept: Client,
        wanted: ClientRegistration,
        secret: str | None = None,
    ) -> RegisteredClient:
        """``kept`` is what the registration is applied to: what stays of the previous client."""
        client, made = await self._with_secret(apply_registration(wanted, kept), secret)
        await self._privileges.check_change(previous, client, now=self._now())
        await self._register(client, made)
        return RegisteredClient(await self._update(UpdateClient, previous, client), made)

    async def get(self, client_id: str) -> Client:
        """The client of this id."""
        return await self._queries.get(client_id)

    async def all(self) -> Listing[Client]:
        """Every client, by id."""
        return await self._clients.all()

    async def delete(
        self, client_id: str, *, prune: bool = False, version: str | None = None
    ) -> None:
        """Ends the client; one that stands in a file only to ``prune`` what no longer does.

        With a ``version``, only if the client is still that one.
        Introspection refuses its tokens; those that APIs verify themselves live until they expire.
        """
        client = await (self.get(client_id) if prune else self._changeable(client_id, version))
        await self._privileges.check_change(client, None, now=self._now())
        # Who may delete this client may not be allowed to delete what becomes of it meanwhile.
        version = client.concurrency_token
        try:
            async with self._trail.recording(DeleteClient, before=client, after=None):
                if not await self._clients.delete(client_id, version=version):
                    raise NotFound(f"there is no client {client_id}")
        except Conflict:
            raise _changed_meanwhile(client_id) from None

    async def set_enabled(self, client_id: str, *, enabled: bool) -> Client:
        """A disabled client gets no token, and introspection refuses those that it has."""
        client = await self._changeable(client_id)
        changed = replace(client, enabled=enabled)
        await self._privileges.check_change(client, changed, now=self._now())
        return await self._update(EnableClient if enabled else DisableClient, client, changed)

    async def revoke_tokens(self, client_id: str) -> int:
        """Ends every token that was issued until now, in Unix seconds, which it returns."""
        client, now = await self.get(client_id), self._now()
        self._privileges.check(client)
        await self._update(RevokeTokens, client, replace(client, tokens_not_before=now))
        return now

    async def _changeable(self, client_id: str, version: str | None = None) -> Client:
        """What is written later is written by compare-and-set on what is read here."""
        client = await self.get(client_id)
        check_changeable(client)
        if version not in (None, client.concurrency_token):
            raise _changed_meanwhile(client_id)
        return client

    async def _update(
        self, command: type[Command[Client]], before: Client, after: Client
    ) -> Client:
        try:
            async with self._trail.recording(command, before=before, after=after) as change_id:
                return await self._clients.update(replace(after, change_id=change_id))
        except Conflict:
            raise _changed_meanwhile(after.client_id) from None

    async def _with_secret(
        self, client: Client, own: str | None
    ) -> tuple[Client, NewSecret | None]:
        """With a secret if it needs one, or if the operator has brought one."""
        if client.client_type == "public":
            if own is not None:
                raise CommandRefused("a public client has no secret")
            return client, None
        has_another_way = client.secrets or client.jwks is not None or client.jwks_uri is not None
        if own is None and has_another_way:
            return client, None
        secret = await new_secret(own)
        return replace(client, secrets=(*client.secrets, self._stored(secret))), secret

    async def _register(self, client: Client, made: NewSecret | None) -> None:
        if made is not None:
            await register_secret(self._usage, client.client_id, made)

    def _stored(self, secret: NewSecret) -> ClientSecret:
        return ClientSecret(secret.id, secret.hash, created_at=self._now())


def check_changeable(client: Client) -> None:
    """Raises KeptInFile for a client that stands in a file: the next start would undo it."""
    if client.is_configured:
        raise KeptInFile(
            f"{client.client_id} stands in a file of the setting client_files: change it there, or"
            " take it out there and run `apogee-idp apply --prune`"
        )


def _duplicate(client_id: str) -> Duplicate:
    return Duplicate(f"a client {client_id} exists already", field="client_id")


def _changed_meanwhile(client_id: str) -> ChangedMeanwhile:
    return ChangedMeanwhile(f"{client_id} was changed meanwhile: try again")
