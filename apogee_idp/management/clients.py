"""Commands on clients."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable, Collection
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
from ..crypto.secrets import NewSecret, adopt_secret, generate_secret, is_any_secret, secret_id_of
from ..errors import (
    AlreadyExists,
    ChangedMeanwhile,
    CommandRefused,
    Conflict,
    Duplicate,
    KeptInFile,
    NotFound,
)
from ..model import (
    CLIENT_CREDENTIALS,
    MANAGEMENT_SCOPES,
    ROLES_SCOPE,
    SIGNING_ALGORITHMS,
    STANDARD_SCOPES,
    Client,
    ClientSecret,
    Scope,
    could_pass_for_id_token,
    is_scope_name,
)
from ..requests import Actor
from ..secret_usage import SecretUsage
from ..stores.base import Store
from ..stores.repositories import Listing, clients_in, documents_in, resources_in, scopes_in
from .changes import Changes, Trail
from .facts import client_facts
from .privileges import Privileges
from .registrations import (
    ClientRegistration,
    apply_registration,
    check_registration,
    forced,
    registration_of,
)


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """A client as it is now, and the secret that was made for it, if any.

    The secret is nowhere to be had again.
    """

    client: Client
    secret: NewSecret | None = None


@dataclass(frozen=True, slots=True)
class ClientRules:
    """What the settings have to say about clients."""

    algorithms: Collection[str] = SIGNING_ALGORITHMS
    private_hosts: Collection[str] = ()
    management_audience: str | None = None


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
        rules: ClientRules = ClientRules(),
    ) -> None:
        self._rules = rules
        self._applications = store.applications
        self._clients = clients_in(store)
        self._scopes = scopes_in(store)
        self._resources = resources_in(store)
        self._now = now
        self._privileges = Privileges(actor, self._clients, rules.management_audience)
        self._usage = SecretUsage(store.secrets, now=now)
        self._trail = Trail(changes, actor, "client", lambda c: c.client_id, client_facts)

    async def add(
        self, registration: ClientRegistration, *, secret: str | None = None
    ) -> RegisteredClient:
        """A new client; ``secret`` is the operator's own, if any.

        A confidential client without keys gets a secret, after its flow has forced its type.
        """
        return await self._add(await self.check(registration, None), secret)

    async def configure(
        self, registration: ClientRegistration, *, secret: str | None = None
    ) -> RegisteredClient:
        """Adds or updates a client that stands in a file, from where alone it is changed then.

        ``secret`` takes the place of all that it had, unless it is one of them.
        """
        previous = await self._clients.get(registration.client_id)
        wanted = await self.check_configured(registration, previous, secret)
        if previous is None:
            return await self._add(wanted, secret, is_configured=True)
        if secret is not None and not await has_secret(previous, secret):
            bare = replace(previous, secrets=(), is_configured=True)
            return await self._change(previous, bare, wanted, secret)
        return await self._change(previous, replace(previous, is_configured=True), wanted)

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
        wanted = await self.check(registration, previous)
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
        client = await self._clients.get(client_id)
        if client is None:
            raise NotFound(f"there is no client {client_id}")
        return client

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

    async def check(
        self, registration: ClientRegistration, previous: Client | None
    ) -> ClientRegistration:
        """The registration with what its flow forces; ``previous`` is the client it changes."""
        wanted = forced(registration)
        check_registration(
            wanted, algorithms=self._rules.algorithms, private_hosts=self._rules.private_hosts
        )
        await self._check_scopes(wanted, previous)
        if previous is None or wanted.display_name != previous.display_name:
            await self._check_name(wanted)
        return wanted

    async def check_configured(
        self, registration: ClientRegistration, previous: Client | None, secret: str | None
    ) -> ClientRegistration:
        """As ``check``; and there must be a way to authenticate, for nobody would see a new secret.

        The secret of a public client is a mistake.
        """
        wanted = await self.check(registration, previous)
        if wanted.client_type == "public":
            if secret is not None:
                raise CommandRefused("a public client has no secret: take out its secret_file")
        elif secret is None and not wanted.keys.are_given and not (previous and previous.secrets):
            raise CommandRefused(f"{wanted.client_id} needs a secret_file, or keys of its own")
        return wanted

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
        secret = await _new_secret(own)
        return replace(client, secrets=(*client.secrets, self._stored(secret))), secret

    async def _register(self, client: Client, secret: NewSecret | None) -> None:
        """So that a leaked secret leads to its client; one of another format has no such id."""
        if secret is not None and secret_id_of(secret.value) is not None:
            await self._usage.register(client.client_id, secret.id)

    def _stored(self, secret: NewSecret) -> ClientSecret:
        return ClientSecret(secret.id, secret.hash, created_at=self._now())

    async def _check_name(self, wanted: ClientRegistration) -> None:
        """No index holds this: in OpenIddict's own databases names may repeat."""
        name = _comparable(wanted.display_name)
        async for stored in documents_in(self._applications):
            other = stored.document.get("display_name")
            is_same = isinstance(other, str) and _comparable(other) == name
            if is_same and stored.key != wanted.client_id:
                told = f"the client {stored.key} has this name already"
                raise Duplicate(told, field="display_name")

    async def _check_scopes(self, wanted: ClientRegistration, previous: Client | None) -> None:
        known = () if previous is None else registration_of(previous).scopes
        chosen = [
            await self._scope(name, known, field=f"scopes.{place}")
            for place, name in enumerate(wanted.scopes)
        ]
        not_chosen = {*wanted.default_scopes} - {*wanted.scopes, ROLES_SCOPE}
        if not_chosen:
            told = f"default scopes must be scopes too: {_listed(not_chosen)}"
            raise CommandRefused(told, field="default_scopes")
        if wanted.flow_type != CLIENT_CREDENTIALS:
            return
        resources = [resource for scope in chosen for resource in scope.resources]
        audience = [wanted.default_audience] if wanted.default_audience else resources
        if could_pass_for_id_token(
            wanted.token_profile.typ, audience or [wanted.client_id], wanted.client_id
        ):
            raise CommandRefused(
                "tokens of typ JWT need an audience of their own, or they could pass for"
                " id_tokens: give a default audience, or a scope with a resource",
                field="token_profile.typ",
            )

    async def _scope(self, name: str, known: Collection[str], *, field: str) -> Scope:
        """A scope of ``known``, which the client has already, may be gone by now."""
        if name in STANDARD_SCOPES - {ROLES_SCOPE}:
            told = f"{name} follows from the flow: leave it out of the scopes"
            raise CommandRefused(told, field=field)
        if name not in known and not is_scope_name(name):
            told = "a scope's name is printable ASCII without space, quote, backslash"
            raise CommandRefused(told, field=field)
        is_built_in = name == ROLES_SCOPE or name in MANAGEMENT_SCOPES
        scope = Scope(name) if is_built_in else await self._scopes.get(name)
        if scope is None and name not in known:
            raise CommandRefused(f"there is no scope {name}: create it first", field=field)
        return scope or Scope(name)


def check_changeable(client: Client) -> None:
    """Raises KeptInFile for a client that stands in a file: the next start would undo it."""
    if client.is_configured:
        raise KeptInFile(
            f"{client.client_id} stands in a file of the setting client_files: change it there, or"
            " take it out there and run `apogee-idp apply --prune`"
        )


async def has_secret(client: Client, value: str) -> bool:
    """Whether ``value`` is one of the client's secrets."""

    def is_any() -> bool:
        return any(is_any_secret(secret, value) for secret in client.secrets)

    return await asyncio.to_thread(is_any)


async def _new_secret(own: str | None) -> NewSecret:
    if own is None:
        return generate_secret()
    try:
        return await asyncio.to_thread(adopt_secret, own)
    except ValueError as error:
        raise CommandRefused(str(error)) from None


def _duplicate(client_id: str) -> Duplicate:
    return Duplicate(f"a client {client_id} exists already", field="client_id")


def _changed_meanwhile(client_id: str) -> ChangedMeanwhile:
    return ChangedMeanwhile(f"{client_id} was changed meanwhile: try again")


def _comparable(name: str) -> str:
    """Names that people would take for the same one are the same."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))
