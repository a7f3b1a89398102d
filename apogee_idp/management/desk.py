"""All commands and queries of one installation, for whoever gives them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..crypto.passwords import PasswordHashes
from ..key_rotation import KeyPeriods
from ..refusals import Refusals
from ..requests import Actor
from ..secret_usage import SecretUsage
from ..sessions import Sessions
from ..settings import Settings
from ..stores.base import Store
from ..stores.repositories import clients_in
from .audit_queries import AuditQueries
from .changes import Changes
from .client_queries import ClientQueries
from .client_rules import ClientRules
from .client_secrets import SecretCommands
from .clients import ClientCommands
from .keys import KeyCommands
from .leaked_secrets import LeakedSecrets
from .overview import Overview
from .privileges import Privileges
from .resources import ResourceCommands
from .scopes import ScopeCommands
from .user_queries import UserQueries
from .user_sessions import SessionCommands
from .users import UserCommands


@dataclass(frozen=True, slots=True)
class Management:
    """Commands of an actor, and queries.

    ``now`` gives Unix seconds, ``new_subject`` that of a user who never was before.
    """

    settings: Settings
    store: Store
    usage: SecretUsage
    refusals: Refusals
    changes: Changes
    periods: KeyPeriods
    passwords: PasswordHashes
    now: Callable[[], int]
    new_subject: Callable[[], str]
    leaked: LeakedSecrets = field(init=False)

    def __post_init__(self) -> None:
        leaked = LeakedSecrets(self.store, self.usage, self.changes, now=self.now)
        object.__setattr__(self, "leaked", leaked)

    def clients(self, actor: Actor) -> ClientCommands:
        """His commands on clients."""
        rules = ClientRules(
            algorithms=self.settings.signing_algorithms,
            private_hosts=self.settings.private_hosts,
            management_audience=self.settings.management_audience,
        )
        return ClientCommands(
            self.store, now=self.now, changes=self.changes, actor=actor, rules=rules
        )

    def secrets(self, actor: Actor) -> SecretCommands:
        """His commands on the secrets of clients."""
        return SecretCommands(
            self.store,
            self.usage,
            now=self.now,
            changes=self.changes,
            actor=actor,
            leaked=self.leaked,
            management_audience=self.settings.management_audience,
        )

    def scopes(self, actor: Actor) -> ScopeCommands:
        """His commands on scopes."""
        return ScopeCommands(
            self.store,
            changes=self.changes,
            actor=actor,
            management_audience=self.settings.management_audience,
        )

    def resources(self, actor: Actor) -> ResourceCommands:
        """His commands on resources."""
        return ResourceCommands(
            self.store,
            changes=self.changes,
            actor=actor,
            management_audience=self.settings.management_audience,
        )

    def keys(self, actor: Actor) -> KeyCommands:
        """His commands on the ring of keys."""
        return KeyCommands(
            self.store,
            algorithms=self.settings.signing_algorithms,
            periods=self.periods,
            now=self.now,
            changes=self.changes,
            actor=actor,
        )

    def users(self, actor: Actor) -> UserCommands:
        """His commands on users."""
        return UserCommands(
            self.store,
            self.passwords,
            now=self.now,
            new_subject=self.new_subject,
            changes=self.changes,
            actor=actor,
        )

    def sessions(self, actor: Actor, sessions: Sessions) -> SessionCommands:
        """His commands on sessions."""
        return SessionCommands(sessions, self.users(actor), changes=self.changes, actor=actor)

    def privileges(self, actor: Actor) -> Privileges:
        """Which clients he may touch."""
        return Privileges(actor, clients_in(self.store), self.settings.management_audience)

    def overview(self, actor: Actor) -> Overview:
        """What he should know."""
        keys = self.keys(actor) if actor.may("idp:read") or actor.may("idp:keys") else None
        return Overview(self.store, self.secrets(actor), self.refusals, keys, now=self.now)

    def user_queries(self) -> UserQueries:
        """Questions about people."""
        return UserQueries(self.store, self.settings.administrators)

    def client_queries(self) -> ClientQueries:
        """Questions about clients."""
        return ClientQueries(self.store)

    def audit_queries(self) -> AuditQueries:
        """Questions about the trail."""
        return AuditQueries(self.store.audit)
