"""Which registrations are taken, by the settings, the scopes and the other clients."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from ..errors import CommandRefused, Duplicate
from ..model import (
    CLIENT_CREDENTIALS,
    MANAGEMENT_SCOPES,
    ROLES_SCOPE,
    SIGNING_ALGORITHMS,
    STANDARD_SCOPES,
    Client,
    Scope,
    could_pass_for_id_token,
    is_scope_name,
)
from ..secret_usage import SecretUsage
from ..stores.base import Store
from ..stores.repositories import documents_in, scopes_in
from .new_secrets import check_not_leaked
from .registrations import ClientRegistration, check_registration, forced, registration_of


@dataclass(frozen=True, slots=True)
class ClientRules:
    """What the settings have to say about clients."""

    algorithms: Collection[str] = SIGNING_ALGORITHMS
    private_hosts: Collection[str] = ()
    management_audience: str | None = None


class RegistrationChecks:
    """Raises CommandRefused for what breaks a rule, and whatever the store raises."""

    def __init__(self, store: Store, rules: ClientRules, usage: SecretUsage) -> None:
        self._applications = store.applications
        self._usage = usage
        self._scopes = scopes_in(store)
        self._rules = rules

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

        The secret of a public client is a mistake, and one that has leaked is over. Whoever knows
        the secret that a client has already must not become somebody who manages.
        """
        wanted = await self.check(registration, previous)
        if wanted.client_type == "public":
            if secret is not None:
                raise CommandRefused("a public client has no secret: take out its secret_file")
        elif secret is not None:
            await check_not_leaked(self._usage, secret)
        elif not wanted.keys.are_given:
            if previous is None or not any(s.expires_at is None for s in previous.secrets):
                raise CommandRefused(f"{wanted.client_id} needs a secret_file, or keys of its own")
            new = {*wanted.scopes}.difference(registration_of(previous).scopes)
            if may := new & MANAGEMENT_SCOPES:
                raise CommandRefused(
                    f"{wanted.client_id} needs a secret_file, or keys of its own: with the secret"
                    f" that it has, others could use {_listed(may)}"
                )
        return wanted

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


def _comparable(name: str) -> str:
    """Names that people would take for the same one are the same."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))
