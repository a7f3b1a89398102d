"""Which user an address or an external identity leads to: one at most, whatever happens at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress

from ..errors import AlreadyExists, Conflict, StoreUnavailable, UnreadableDocument
from ..model import USER_SUBJECT_PREFIX
from ..user_model import Identity, User, comparable_email
from .base import Store, Stored
from .repositories import users_in

Login = str | Identity
"""An e-mail address, or who somebody is at another provider."""

CLAIM_SECONDS = 60
"""So long a claim holds whose user isn't there yet; afterwards, whoever made it has ended."""

_NOBODY = USER_SUBJECT_PREFIX + "0" * 22
_ATTEMPTS = 5


class Logins:
    """Documents ``email:<address>`` and ``identity:<provider>:<hash>`` that name a subject.

    Each has the time of its claim, and counts only while its user exists and has that address or
    identity. So one is claimed
    before the user is written and released after he is gone: what a crash leaves in between is
    taken over by the next who claims it, after CLAIM_SECONDS. ``now`` gives Unix seconds.

    Every method raises StoreUnavailable, and ValueError for what is no address.
    """

    __slots__ = ("_logins", "_now", "_users")

    def __init__(self, store: Store, *, now: Callable[[], int]) -> None:
        self._logins = store.logins
        self._users = users_in(store)
        self._now = now

    async def find(self, login: Login) -> User | None:
        """The user whom ``login`` leads to, or None.

        Two reads either way, so that time doesn't tell who has an account.
        """
        key = _key(login)
        stored = await self._logins.get(key)
        user = await self._users.get(_NOBODY if stored is None else _subject(stored))
        return user if user is not None and key in _keys_of(user) else None

    async def claim(self, login: Login, subject: str) -> None:
        """Keeps the address for the user of this subject; raises AlreadyExists if it is taken."""
        key = _key(login)
        wanted = {"subject": subject, "claimed_at": self._now()}
        for _ in range(_ATTEMPTS):
            stored = await self._logins.get(key)
            if stored is not None and not await self._is_free(stored, subject):
                raise AlreadyExists("logins")
            with suppress(AlreadyExists, Conflict):  # somebody else was faster: look again
                if stored is None:
                    await self._logins.insert(key, wanted)
                else:
                    await self._logins.replace(key, wanted, version=stored.version)
                return
        raise StoreUnavailable("an e-mail address is claimed by too many at once")

    async def is_held(self, login: Login, subject: str) -> bool:
        """Whether the address leads to the user of this subject, once he has it."""
        stored = await self._logins.get(_key(login))
        return stored is not None and _subject(stored) == subject

    async def release(self, login: Login, subject: str) -> None:
        """Lets the address go, if it is still kept for that subject."""
        stored = await self._logins.get(_key(login))
        if stored is not None and _subject(stored) == subject:
            with suppress(Conflict):  # it was taken over, or is claimed anew
                await self._logins.delete(stored.key, version=stored.version)

    async def _is_free(self, stored: Stored, subject: str) -> bool:
        """It is his own, or nobody has the address and whoever claimed it had the time to."""
        holder, claimed_at = _subject(stored), stored.document.get("claimed_at")
        if holder == subject:
            return True
        if type(claimed_at) is int and abs(self._now() - claimed_at) <= CLAIM_SECONDS:
            return False
        user = await self._users.get(holder)
        return user is None or stored.key not in _keys_of(user)


def _key(login: Login) -> str:
    if isinstance(login, str):
        return f"email:{comparable_email(login)}"
    digest = hashlib.sha256(login.subject.encode()).hexdigest()
    return f"identity:{login.provider}:{digest}"


def _keys_of(user: User) -> set[str]:
    return {_key(user.email), *map(_key, user.identities)}


def _subject(stored: Stored) -> str:
    subject = stored.document.get("subject")
    if not isinstance(subject, str):
        raise UnreadableDocument("a login can't be read")
    return subject
