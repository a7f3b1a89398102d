"""Commands on users: the people who sign in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from ..administrators import configured
from ..commands import (
    AddSecondFactor,
    AddUser,
    Command,
    DeleteUser,
    DisableUser,
    EnableUser,
    EndSessions,
    GrantRole,
    LinkIdentity,
    RemoveSecondFactor,
    RevokeRole,
    SetPassword,
    UnlinkIdentity,
    UpdateUser,
)
from ..crypto.passwords import PasswordHashes, checked_password
from ..errors import (
    AlreadyExists,
    ChangedMeanwhile,
    CommandRefused,
    Conflict,
    Duplicate,
    Forbidden,
    NotFound,
    StateConflict,
)
from ..model import ADMIN_SCOPE
from ..requests import Actor
from ..stores.base import Store
from ..stores.logins import Login, Logins
from ..stores.repositories import Listing, users_in
from ..user_model import (
    ADMINISTRATOR_ROLE,
    Identity,
    SecondFactor,
    User,
    checked_email,
    checked_profile,
    comparable_email,
    is_user_subject,
)
from .changes import Changes, Trail
from .facts import user_facts

_ROLE = re.compile(r"[\x21-\x7e]{1,100}")


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account to be made; without a ``password``, nobody can sign in to it by one."""

    email: str
    password: str | None = field(default=None, repr=False)
    email_verified: bool = False
    profile: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    roles: tuple[str, ...] = ()
    identity: Identity | None = None


class UserCommands:
    """Raises CommandRefused for what breaks a rule, and whatever the store raises.

    What ``actor`` changes is recorded; to change anything of an administrator, or to make one, he
    needs ``idp:admin``. ``who`` is a subject or an e-mail address. ``now`` gives Unix seconds.
    """

    def __init__(
        self,
        store: Store,
        passwords: PasswordHashes,
        *,
        now: Callable[[], int],
        new_subject: Callable[[], str],
        changes: Changes,
        actor: Actor,
    ) -> None:
        self._users = users_in(store)
        self._logins = Logins(store, now=now)
        self._passwords = passwords
        self._now = now
        self._new_subject = new_subject
        self._actor = actor
        self._trail = Trail(changes, actor, "user", lambda user: user.subject, user_facts)

    async def add(self, account: NewUser) -> User:
        """A new user, with a subject that is hers for ever."""
        now = self._now()
        user = User(
            self._new_subject(),
            _checked(checked_email, account.email, field="email"),
            email_verified=account.email_verified,
            profile=_checked(checked_profile, account.profile, field="profile"),
            roles=tuple(dict.fromkeys(map(_checked_role, account.roles))),
            identities=() if account.identity is None else (account.identity,),
            created_at=now,
            password_changed_at=now if account.password is not None else 0,
        )
        self.check_privilege(user)
        if account.password is not None:
            user = replace(user, password_hash=await self._hash(account.password, user.email))
        claimed = await self._claim_all(user)
        try:
            async with self._trail.recording(AddUser, before=None, after=user) as change_id:
                added = await self._users.add(replace(user, change_id=change_id))
        except CommandRefused:
            await self._release(user, claimed)
            raise
        await self._check_held(added, *claimed)
        return added

    async def get(self, who: str) -> User:
        """The user of this subject or e-mail address."""
        user = await (self._users.get(who) if is_user_subject(who) else self._find(who))
        if user is None:
            raise NotFound(f"there is no user {who}")
        return user

    async def all(self) -> Listing[User]:
        """Every user, by subject."""
        return await self._users.all()

    async def update(self, user: User) -> User:
        """Stores another e-mail address or profile, by the ``concurrency_token``.

        A new address isn't a verified one, unless that is said; the old one is free then.
        """
        current = await self.get(user.subject)
        wanted = replace(
            current,
            email=_checked(checked_email, user.email, field="email"),
            email_verified=user.email_verified,
            profile=_checked(checked_profile, user.profile, field="profile"),
            concurrency_token=user.concurrency_token,
        )
        if comparable_email(wanted.email) == comparable_email(current.email):
            return await self._change(UpdateUser, current, wanted)
        await self._claim(wanted.email, wanted)
        changed = await self._change(UpdateUser, current, wanted)
        await self._check_held(changed, changed.email)
        await self._logins.release(current.email, current.subject)
        return changed

    async def set_password(self, who: str, password: str) -> User:
        """Another password: whatever she began with the old one has ended."""
        user = await self.get(who)
        hashed = await self._hash(password, user.email)
        now = self._now()
        changed = replace(
            user, password_hash=hashed, password_changed_at=now, sessions_not_before=now
        )
        return await self._change(SetPassword, user, changed)

    async def link(self, who: str, identity: Identity) -> User:
        """She can sign in so, too; raises Duplicate if that is somebody, or has been hers."""
        user = await self.get(who)
        if any(_is_same(identity, known) for known in user.identities):
            raise Duplicate("this identity is linked already")
        await self._claim(identity, user)
        linked = replace(user, identities=(*user.identities, identity))
        try:
            changed = await self._change(LinkIdentity, user, linked)
        except CommandRefused:
            await self._release(user, (identity,))
            raise
        await self._check_held(changed, identity)
        return changed

    async def unlink(self, who: str, provider: str, subject: str) -> User:
        """She can't sign in so any more; what makes an administrator is lost with it.

        Raises StateConflict if she could not sign in at all then.
        """
        user = await self.get(who)
        ended = Identity(provider, subject)
        rest = tuple(known for known in user.identities if not _is_same(ended, known))
        if len(rest) == len(user.identities):
            raise NotFound("there is no such identity")
        if not rest and not user.password_hash:
            raise StateConflict("it is the only way in which she can sign in")
        changed = configured(replace(user, identities=rest), {user.administrator_by})
        done = await self._change(UnlinkIdentity, user, changed)
        await self._release(user, (ended,))
        return done

    async def store_signed_in(self, user: User) -> User:
        """``user`` as a provider has just described her, by the ``concurrency_token``.

        Her address here stays.
        """
        current = await self.get(user.subject)
        wanted = replace(
            current,
            profile=_checked(checked_profile, user.profile, field="profile"),
            identities=user.identities,
            roles=user.roles,
            administrator_by=user.administrator_by,
            concurrency_token=user.concurrency_token,
        )
        return await self._change(UpdateUser, current, wanted)

    async def add_second_factor(self, who: str, factor: SecondFactor) -> User:
        """From now on she needs it to sign in; raises Duplicate if she has one."""
        user = await self.get(who)
        if user.second_factor is not None:
            raise Duplicate(f"{who} has a second factor already")
        return await self._change(AddSecondFactor, user, replace(user, second_factor=factor))

    async def remove_second_factor(self, who: str) -> User:
        """From now on her password is enough; raises NotFound if she has no second factor."""
        user = await self.get(who)
        if user.second_factor is None:
            raise NotFound(f"{who} has no second factor")
        return await self._change(RemoveSecondFactor, user, replace(user, second_factor=None))

    async def set_enabled(self, who: str, *, enabled: bool) -> User:
        """Who is disabled can't sign in, and whatever she began has ended, for ever."""
        user = await self.get(who)
        if enabled:
            return await self._change(EnableUser, user, replace(user, enabled=True))
        self._check_other(user, "disable her own account")
        changed = replace(user, enabled=False, sessions_not_before=self._now())
        return await self._change(DisableUser, user, changed)

    async def end_sessions(self, who: str) -> User:
        """Ends whatever she has begun: sessions, and refresh tokens."""
        user = await self.get(who)
        changed = replace(user, sessions_not_before=self._now())
        return await self._change(EndSessions, user, changed)

    async def grant_role(self, who: str, role: str) -> User:
        """Gives her a role, unless she has it."""
        user = await self.get(who)
        if _checked_role(role) in user.roles:
            return user
        return await self._change(GrantRole, user, replace(user, roles=(*user.roles, role)))

    async def revoke_role(self, who: str, role: str) -> User:
        """Takes a role away, and ends what she began with it."""
        user = await self.get(who)
        if role not in user.roles:
            raise NotFound(f"{who} does not have the role {role}")
        if role == ADMINISTRATOR_ROLE:
            self._check_other(user, f"take {ADMINISTRATOR_ROLE} from herself")
        roles = tuple(other for other in user.roles if other != role)
        changed = replace(user, roles=roles, sessions_not_before=self._now())
        return await self._change(RevokeRole, user, changed)

    async def delete(self, who: str) -> User:
        """Ends the account; its subject is never given to anyone again."""
        user = await self.get(who)
        self.check_privilege(user)
        try:
            async with self._trail.recording(DeleteUser, before=user, after=None):
                if not await self._users.delete(user.subject, version=user.concurrency_token):
                    raise NotFound(f"there is no user {who}")
        except Conflict:
            raise _changed_meanwhile(user) from None
        await self._release(user, (user.email, *user.identities))
        return user

    async def _find(self, email: str) -> User | None:
        try:
            return await self._logins.find(email)
        except ValueError:
            raise CommandRefused(
                "a user is named by her subject (usr_...) or her e-mail address"
            ) from None

    async def _change(self, command: type[Command[User]], before: User, after: User) -> User:
        self.check_privilege(before)
        self.check_privilege(after)
        try:
            async with self._trail.recording(command, before=before, after=after) as change_id:
                return await self._users.update(replace(after, change_id=change_id))
        except Conflict:
            raise _changed_meanwhile(before) from None

    async def _hash(self, password: str, email: str) -> str:
        chosen = _checked(lambda given: checked_password(given, email), password, field="password")
        return await self._passwords.hash(chosen)

    async def _claim_all(self, user: User) -> tuple[Login, ...]:
        claimed: tuple[Login, ...] = ()
        wanted: tuple[Login, ...] = (user.email, *user.identities)
        for login in wanted:
            try:
                await self._claim(login, user)
            except CommandRefused:
                await self._release(user, claimed)
                raise
            claimed = (*claimed, login)
        return claimed

    async def _claim(self, login: Login, user: User) -> None:
        try:
            await self._logins.claim(login, user.subject)
        except AlreadyExists:
            raise _taken(login) from None

    async def _release(self, user: User, logins: Iterable[Login]) -> None:
        for login in logins:
            await self._logins.release(login, user.subject)

    async def _check_held(self, user: User, *logins: Login) -> None:
        """Whoever takes longer than a claim holds may have lost it to another."""
        for login in logins:
            if not await self._logins.is_held(login, user.subject):
                raise _taken(login)

    def _check_other(self, user: User, what: str) -> None:
        """Of two administrators who lock themselves out, the second could not be let in again."""
        if self._actor.subject == user.subject:
            raise CommandRefused(f"nobody can {what}: another administrator can")

    def check_privilege(self, user: User) -> None:
        """Raises Forbidden unless ``actor`` may change anything of this user."""
        if ADMINISTRATOR_ROLE in user.roles and not self._actor.may(ADMIN_SCOPE):
            raise Forbidden(f"{ADMINISTRATOR_ROLE} is the role of administrators: {ADMIN_SCOPE}")


def _checked(check: Callable[[Any], Any], value: object, *, field: str) -> Any:
    try:
        return check(value)
    except ValueError as error:
        raise CommandRefused(str(error), field=field) from None


def _checked_role(role: str) -> str:
    if not _ROLE.fullmatch(role):
        raise CommandRefused("a role is 1 to 100 printable ASCII characters without space")
    return role


def _is_same(identity: Identity, other: Identity) -> bool:
    return (identity.provider, identity.subject) == (other.provider, other.subject)


def _taken(login: Login) -> Duplicate:
    if isinstance(login, str):
        told = f"a user with the e-mail address {login} exists already"
        return Duplicate(told, field="email")
    return Duplicate("this identity is linked to another account")


def _changed_meanwhile(user: User) -> ChangedMeanwhile:
    return ChangedMeanwhile(f"{user.subject} was changed meanwhile: try again")
