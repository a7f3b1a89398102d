"""Which user an e-mail address leads to: one at most, whatever happens at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ..errors import AlreadyExists, Conflict, StoreUnavailable, UnreadableDocument
from ..model import USER_SUBJECT_PREFIX
from ..user_model import User, comparable_email
from .base import Store, Stored
from .repositories import users_in

CLAIM_SECONDS = 60
"""So long a claim holds whose user isn't there yet; afterwards, whoever made it has ended."""

_NOBODY = USER_SUBJECT_PREFIX + "0" * 22
_ATTEMPTS = 5


class Logins:
    """Documents ``email:<address>`` that name a subject, each with the time of its claim.

    A document counts only while its user exists and has that address. So an address is claimed
    before the user is written and released after he is gone: what a crash leaves in between is
    taken over by the next who claims it, after CLAIM_SECONDS. ``now`` gives Unix seconds.

    Every method raises StoreUnavailable, and ValueError for what is no address.
    """

    __slots__ = ("_logins", "_now", "_users")

    def __init__(self, store: Store, *, now: Callable[[], int]) -> None:
        self._logins = store.logins
        self._users = users_in(store)
        self._now = now

    async def find(self, email: str) -> User | None:
        """The user whom ``email`` leads to, or None.

        Two reads either way, so that time doesn't tell who has an account.
        """
        key = _key(email)
        stored = await self._logins.get(key)
        user = await self._users.get(_NOBODY if stored is None else _subject(stored))
        return user if user is not None and _key(user.email) == key else None

    async def claim(self, email: str, subject: str) -> None:
        """Keeps the address for the user of this subject; raises AlreadyExists if it is taken."""
        key = _key(email)
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

    async def is_held(self, email: str, subject: str) -> bool:
        """Whether the address leads to the user of this subject, once he has it."""
        stored = await self._logins.get(_key(email))
        return stored is not None and _subject(stored) == subject

    async def release(self, email: str, subject: str) -> None:
        """Lets the address go, if it is still kept for that subject."""
        stored = await self._logins.get(_key(email))
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
        return user is None or _key(user.email) != stored.key


def _key(email: str) -> str:
    return f"email:{comparable_email(email)}"


def _subject(stored: Stored) -> str:
    subject = stored.document.get("subject")
    if not isinstance(subject, str):
        raise UnreadableDocument("a login can't be read")
    return subject
