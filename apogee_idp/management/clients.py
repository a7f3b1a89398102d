"""Commands on clients and their secrets, with the invariants of their flow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from ..crypto.secrets import NewSecret, adopt_secret, generate_secret
from ..errors import AlreadyExists, CommandRefused, Conflict
from ..model import (
    CLIENT_CREDENTIALS,
    ENDPOINT_PERMISSIONS,
    GRANT_TYPE_PERMISSION,
    ROLES_SCOPE,
    SCOPE_PERMISSION,
    SIGNING_ALGORITHMS,
    TOKEN_ENDPOINT_PERMISSION,
    Client,
    ClientSecret,
    Scope,
    TokenProfile,
    could_pass_for_id_token,
    is_client_id,
)
from ..stores.base import Store
from ..stores.repositories import clients_in, scopes_in
from .client_keys import ClientKeys, check_client_keys
from .profiles import check_profile


@dataclass(frozen=True, slots=True)
class AddClient:
    """A client of the client credentials flow.

    ``secret`` is the operator's own, if any; a client with ``keys`` needs none.
    ``endpoints`` are the names in ENDPOINT_PERMISSIONS that it may use beside the token endpoint.
    """

    client_id: str
    display_name: str = ""
    scopes: tuple[str, ...] = ()
    default_scopes: tuple[str, ...] = ()
    default_audience: str | None = None
    roles: tuple[str, ...] = ()
    skip_token_encryption: bool = False
    token_profile: TokenProfile = TokenProfile()
    endpoints: tuple[str, ...] = ()
    keys: ClientKeys = field(default_factory=ClientKeys)
    secret: str | None = field(default=None, repr=False)


class ClientCommands:
    """Raises CommandRefused for what breaks a rule, and whatever the store raises.

    ``algorithms`` and ``private_hosts`` are those of the settings.
    """

    def __init__(
        self,
        store: Store,
        *,
        now: Callable[[], int],
        algorithms: Collection[str] = SIGNING_ALGORITHMS,
        private_hosts: Collection[str] = (),
    ) -> None:
        self._algorithms = algorithms
        self._private_hosts = private_hosts
        self._clients = clients_in(store)
        self._scopes = scopes_in(store)
        self._now = now

    async def add(self, command: AddClient) -> tuple[Client, NewSecret | None]:
        """The new client, and its secret, if it has one: that is nowhere to be had again.

        The flow forces its invariants: confidential, ``web``, no redirect URIs, and OpenIddict's
        permissions for the grant, ``roles``, the given scopes and endpoints.
        """
        if not is_client_id(command.client_id):
            raise CommandRefused(
                "the client id needs 3 to 100 characters of A-Z a-z 0-9 . _ ~ - and can't begin"
                " with usr_, which marks people"
            )
        self._check_keys(command)
        _check_texts(command)
        check_profile(command.token_profile, skip_token_encryption=command.skip_token_encryption)
        await self._check_scopes(command)
        secret = await _new_secret(command)
        client = Client(
            client_id=command.client_id,
            display_name=command.display_name or command.client_id,
            client_type="confidential",
            application_type="web",
            permissions=_permissions(command),
            roles=command.roles,
            default_scopes=command.default_scopes,
            default_audience=command.default_audience,
            skip_token_encryption=command.skip_token_encryption,
            token_profile=command.token_profile,
            secrets=() if secret is None else (self._stored(secret),),
            jwks=command.keys.jwks,
            jwks_uri=command.keys.jwks_uri,
            accepts_token_endpoint_audience=command.keys.accepts_token_endpoint_audience,
            # Tokens of a client that had this id before must not come back to life.
            tokens_not_before=self._now() - 1,
            created_at=self._now(),
        )
        try:
            return await self._clients.add(client), secret
        except AlreadyExists:
            raise CommandRefused(f"a client {command.client_id} exists already") from None

    async def get(self, client_id: str) -> Client:
        """The client of this id."""
        client = await self._clients.get(client_id)
        if client is None:
            raise CommandRefused(f"there is no client {client_id}")
        return client

    async def all(self) -> list[Client]:
        """Every client, by id."""
        return [client async for client in self._clients.all()]

    async def delete(self, client_id: str) -> None:
        """Ends the client.

        Introspection refuses its tokens; those that APIs verify themselves live until they expire.
        """
        if not await self._clients.delete(client_id):
            raise CommandRefused(f"there is no client {client_id}")

    async def rotate_secret(self, client_id: str) -> NewSecret:
        """A new secret in place of all the client had, which stop working."""
        client = await self.get(client_id)
        if client.client_type != "confidential":
            raise CommandRefused(f"{client_id} is a public client: it has no secret")
        secret = generate_secret()
        await self._update(replace(client, secrets=(self._stored(secret),)))
        return secret

    async def revoke_tokens(self, client_id: str) -> int:
        """Ends every token that was issued until now, in Unix seconds, which it returns."""
        client, now = await self.get(client_id), self._now()
        await self._update(replace(client, tokens_not_before=now))
        return now

    async def _update(self, client: Client) -> None:
        try:
            await self._clients.update(client)
        except Conflict:
            raise CommandRefused(f"{client.client_id} was changed meanwhile: try again") from None

    def _stored(self, secret: NewSecret) -> ClientSecret:
        return ClientSecret(secret.id, secret.hash, created_at=self._now())

    def _check_keys(self, command: AddClient) -> None:
        check_client_keys(command.keys, self._private_hosts)
        algorithm = command.token_profile.signing_algorithm
        if algorithm in SIGNING_ALGORITHMS and algorithm not in self._algorithms:
            raise CommandRefused(
                f"this server has no key for {algorithm}: add it to the setting signing_algorithms"
            )

    async def _check_scopes(self, command: AddClient) -> None:
        chosen = [await self._scope(name) for name in command.scopes]
        not_chosen = set(command.default_scopes) - {*command.scopes, ROLES_SCOPE}
        if not_chosen:
            raise CommandRefused(f"default scopes must be scopes too: {_listed(not_chosen)}")
        resources = [resource for scope in chosen for resource in scope.resources]
        audience = [command.default_audience] if command.default_audience else resources
        if could_pass_for_id_token(
            command.token_profile.typ, audience or [command.client_id], command.client_id
        ):
            raise CommandRefused(
                "tokens of typ JWT need an audience of their own, or they could pass for"
                " id_tokens: give a default audience, or a scope with a resource"
            )

    async def _scope(self, name: str) -> Scope:
        scope = Scope(name) if name == ROLES_SCOPE else await self._scopes.get(name)
        if scope is None:
            raise CommandRefused(f"there is no scope {name}: create it first")
        return scope


async def _new_secret(command: AddClient) -> NewSecret | None:
    if command.secret is None:
        return None if command.keys.are_given else generate_secret()
    try:
        return await asyncio.to_thread(adopt_secret, command.secret)
    except ValueError as error:
        raise CommandRefused(str(error)) from None


def _check_texts(command: AddClient) -> None:
    audience = () if command.default_audience is None else (command.default_audience,)
    for what, values in (("a role", command.roles), ("the default audience", audience)):
        if not all(value and value.isprintable() and " " not in value for value in values):
            raise CommandRefused(f"{what} needs printable characters, without spaces")
    if not command.display_name.isprintable():
        raise CommandRefused("the name needs printable characters")
    if not ENDPOINT_PERMISSIONS.keys() >= {*command.endpoints}:
        raise CommandRefused(f"allowed can be {', '.join(ENDPOINT_PERMISSIONS)}")


def _permissions(command: AddClient) -> frozenset[str]:
    return frozenset(
        {
            TOKEN_ENDPOINT_PERMISSION,
            GRANT_TYPE_PERMISSION + CLIENT_CREDENTIALS,
            *(ENDPOINT_PERMISSIONS[name] for name in command.endpoints),
            *(SCOPE_PERMISSION + name for name in (ROLES_SCOPE, *command.scopes)),
        }
    )


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))
