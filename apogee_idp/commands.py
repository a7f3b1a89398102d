"""The commands of administrators as events: plugins may veto what is to change, and follow it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from .key_model import KeyRingRecord
from .model import Client, Resource, Scope
from .requests import Actor, Session, ValidatedToken
from .user_model import User

Entity = TypeVar("Entity")
_CAPITAL = re.compile("(?<!^)(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Command(Generic[Entity]):
    """``actor`` turns ``before`` into ``after``, which keeps every built-in rule already.

    What is added has nothing before, what is deleted nothing after. Handlers before
    ``CommandStage.EXECUTE`` may refuse by raising CommandRefused; those behind it are told what
    was done. ``after`` has neither its new version nor its ``change_id`` yet.
    """

    is_vetoable: ClassVar[bool] = True

    actor: Actor
    before: Entity | None
    after: Entity | None


def action_of(command: type[Command[Any]]) -> str:
    """The command's name in the audit: ``add_client`` for AddClient."""
    return _CAPITAL.sub("_", command.__name__).lower()


class AddClient(Command[Client]):
    """A client is registered."""

    __slots__ = ()


class ImportClient(Command[Client]):
    """A client is copied from another database."""

    __slots__ = ()


class UpdateClient(Command[Client]):
    """A client's registration is changed."""

    __slots__ = ()


class EnableClient(Command[Client]):
    """A client gets tokens again."""

    __slots__ = ()


class DisableClient(Command[Client]):
    """A client gets no token any more, for now."""

    __slots__ = ()


class DeleteClient(Command[Client]):
    """A client is deleted."""

    __slots__ = ()


class RevokeTokens(Command[Client]):
    """Every token that a client has is ended."""

    __slots__ = ()


class RevokeToken(Command[ValidatedToken]):
    """One token is ended by an administrator."""

    __slots__ = ()


class AddSecret(Command[Client]):
    """A client gets one more secret."""

    __slots__ = ()


class RotateSecret(Command[Client]):
    """A client gets a new secret, and its others end."""

    __slots__ = ()


class RetireSecret(Command[Client]):
    """One secret of a client ends."""

    __slots__ = ()


class EndLeakedSecret(Command[Client]):
    """A secret ends that somebody has found; nobody can refuse that."""

    __slots__ = ()

    is_vetoable = False


class AddScope(Command[Scope]):
    """A scope is created."""

    __slots__ = ()


class ImportScope(Command[Scope]):
    """A scope is copied from another database."""

    __slots__ = ()


class UpdateScope(Command[Scope]):
    """A scope is changed."""

    __slots__ = ()


class DeleteScope(Command[Scope]):
    """A scope is deleted."""

    __slots__ = ()


class AddResource(Command[Resource]):
    """A resource is registered."""

    __slots__ = ()


class UpdateResource(Command[Resource]):
    """A resource is changed."""

    __slots__ = ()


class DeleteResource(Command[Resource]):
    """A resource's registration ends."""

    __slots__ = ()


class AddUser(Command[User]):
    """A person gets an account."""

    __slots__ = ()


class UpdateUser(Command[User]):
    """The profile or the e-mail address of a person is changed."""

    __slots__ = ()


class SetPassword(Command[User]):
    """A person gets another password, which ends her sessions."""

    __slots__ = ()


class LinkIdentity(Command[User]):
    """A person can sign in at one more provider."""

    __slots__ = ()


class UnlinkIdentity(Command[User]):
    """A person can't sign in at a provider any more."""

    __slots__ = ()


class AddSecondFactor(Command[User]):
    """A person has set up a second factor, which she needs from now on."""

    __slots__ = ()


class RemoveSecondFactor(Command[User]):
    """A person needs no second factor any more."""

    __slots__ = ()


class EnableUser(Command[User]):
    """A person may sign in again."""

    __slots__ = ()


class DisableUser(Command[User]):
    """A person can't sign in any more, for now."""

    __slots__ = ()


class GrantRole(Command[User]):
    """A person gets a role."""

    __slots__ = ()


class RevokeRole(Command[User]):
    """A person loses a role, which ends her sessions."""

    __slots__ = ()


class EndSessions(Command[User]):
    """All that a person has begun ends: sessions, and what applications got in them."""

    __slots__ = ()


class EndSession(Command[Session]):
    """One session of a person ends."""

    __slots__ = ()


class DeleteUser(Command[User]):
    """The account of a person is deleted."""

    __slots__ = ()


class RotateKey(Command[KeyRingRecord]):
    """Somebody has a new key made."""

    __slots__ = ()


class RevokeKey(Command[KeyRingRecord]):
    """A key ends at once; nobody can refuse that."""

    __slots__ = ()

    is_vetoable = False


class RewrapKeys(Command[KeyRingRecord]):
    """The stored keys are encrypted anew."""

    __slots__ = ()


class MaintainKeys(Command[KeyRingRecord]):
    """The server makes the keys that are due, and drops the old; nobody can refuse that."""

    __slots__ = ()

    is_vetoable = False


COMMANDS: tuple[type[Command[Any]], ...] = (
    *(AddClient, ImportClient, UpdateClient, EnableClient, DisableClient, DeleteClient),
    *(RevokeTokens, RevokeToken, AddSecret, RotateSecret, RetireSecret, EndLeakedSecret),
    *(AddScope, ImportScope, UpdateScope, DeleteScope),
    *(AddResource, UpdateResource, DeleteResource),
    *(AddSecondFactor, RemoveSecondFactor, LinkIdentity, UnlinkIdentity),
    *(AddUser, UpdateUser, SetPassword, EnableUser, DisableUser, GrantRole, RevokeRole, DeleteUser),
    *(EndSessions, EndSession),
    *(RotateKey, RevokeKey, RewrapKeys, MaintainKeys),
)
"""Every command that changes something."""
