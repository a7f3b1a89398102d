"""Whom an external identity leads to: an account that is there, or a new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from .administrators import configured
from .errors import (
    ApogeeError,
    ChangedMeanwhile,
    CommandRefused,
    Duplicate,
    TemporarilyUnavailable,
)
from .external.model import ExternalIdentity
from .management.actor import SERVER_ACTOR, user_actor
from .management.desk import Management
from .management.users import NewUser
from .stores.logins import Logins
from .stores.repositories import Repository
from .user_model import Identity, User

_ATTEMPTS = 3


class NoAccount(ApogeeError):
    """Somebody whom the provider vouches for has no account here; ``name`` is that of the text."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class ExternalUsers:
    """Users by external identities; ``now`` gives Unix seconds. Raises StoreUnavailable."""

    def __init__(
        self, management: Management, users: Repository[User], *, now: Callable[[], int]
    ) -> None:
        self._management = management
        self._users = users
        self._logins = Logins(management.store, now=now)
        self._now = now

    async def of(self, external: ExternalIdentity, *, sign_up: bool) -> User:
        """Whose identity it is, as the provider describes her now.

        Raises NoAccount if it is nobody's and can't become anybody's, or her account is disabled,
        and TemporarilyUnavailable while it is becoming somebody's.
        An address that is an account's leads there by its password alone: whoever has it at the
        provider may not be whoever has it here.
        """
        found = await self._logins.find(Identity(external.provider, external.subject))
        if found is None:
            found = await self._signed_up(external, sign_up=sign_up)
        if not found.enabled:
            raise NoAccount("disabled")
        return await self._described(found, external)

    async def link(self, user: User, external: ExternalIdentity) -> str:
        """Lets her sign in so, too; the name of what she is told."""
        stored = await self._users.get(user.subject)
        users = self._management.users(user_actor(stored or user))
        try:
            linked = await users.link(user.subject, _identity(external, self._now()))
        except Duplicate:
            return "identity_taken"
        except CommandRefused:
            return "identity_refused"
        await self._described(linked, external)
        return "identity_linked"

    async def _signed_up(self, external: ExternalIdentity, *, sign_up: bool) -> User:
        if not sign_up:
            raise NoAccount("unknown")
        if not external.email or not external.email_verified:
            raise NoAccount("unverified")
        account = NewUser(
            external.email,
            email_verified=True,
            profile=external.profile,
            identity=_identity(external, self._now()),
        )
        try:
            return await self._management.users(SERVER_ACTOR).add(account)
        except Duplicate:
            return await self._first(external)
        except CommandRefused:
            raise NoAccount("refused") from None

    async def _first(self, external: ExternalIdentity) -> User:
        """Who was faster: she herself in another tab, or whose account it is.

        Raises TemporarilyUnavailable while nobody can tell.
        """
        holder = await self._logins.find(external.email)
        if holder is None:
            raise TemporarilyUnavailable(reason="an account with this address is being made")
        if not any(_is_of(each, external) for each in holder.identities):
            raise NoAccount("address_taken")
        return holder

    async def _described(self, user: User, external: ExternalIdentity) -> User:
        """With today's profile, and the role that her address gives; an audited change, if one."""
        for _ in range(_ATTEMPTS):
            wanted = configured(
                replace(
                    user,
                    profile=_told(user.profile, external.profile),
                    identities=tuple(_updated(each, external) for each in user.identities),
                ),
                self._management.settings.administrators,
            )
            if wanted == user:
                return user
            with suppress(ChangedMeanwhile):
                return await self._management.users(SERVER_ACTOR).store_signed_in(wanted)
            current = await self._users.get(user.subject)
            if current is None:
                raise NoAccount("disabled")
            user = current
        return user


def _identity(external: ExternalIdentity, linked_at: int) -> Identity:
    return Identity(
        external.provider,
        external.subject,
        external.email,
        email_verified=external.email_verified,
        linked_at=linked_at,
    )


def _told(known: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """A profile with what a provider tells; what was verified of one number is not of another."""
    profile = {**known, **told}
    if profile.get("phone_number") != known.get("phone_number"):
        profile.pop("phone_number_verified", None)
    return profile


def _updated(identity: Identity, external: ExternalIdentity) -> Identity:
    if not _is_of(identity, external):
        return identity
    return replace(identity, email=external.email, email_verified=external.email_verified)


def _is_of(identity: Identity, external: ExternalIdentity) -> bool:
    return (identity.provider, identity.subject) == (external.provider, external.subject)
