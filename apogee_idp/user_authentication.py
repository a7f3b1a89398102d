"""Recognising people by e-mail address and password."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from .crypto.passwords import PasswordHashes, normalised
from .errors import Conflict, SignInRefused, StoreUnavailable, TemporarilyUnavailable
from .requests import UserAuthentication
from .stores.base import Store
from .stores.logins import Logins
from .stores.repositories import users_in
from .throttling import SignInThrottle
from .user_model import User, comparable_email


class UserAuthenticator:
    """Recognises people; ``now`` gives Unix seconds."""

    __slots__ = ("_logins", "_now", "_passwords", "_throttle", "_users")

    def __init__(
        self,
        store: Store,
        passwords: PasswordHashes,
        throttle: SignInThrottle,
        *,
        now: Callable[[], int],
    ) -> None:
        self._logins = Logins(store, now=now)
        self._users = users_in(store)
        self._passwords = passwords
        self._throttle = throttle
        self._now = now

    async def authenticate(self, email: str, password: str, source: str) -> UserAuthentication:
        """The user with this address and password; ``source`` is the IP address that asks.

        Raises SignInRefused, the same and after the same work for an unknown address, a wrong or
        missing password and a disabled user; TooManyFailures, whether or not there is such a
        user; TemporarilyUnavailable or StoreUnavailable when the question can't be answered now.
        """
        try:
            account = comparable_email(email)
        except ValueError:
            account = ""  # nobody's: whoever sends such addresses waits for himself
        with self._throttle.attempting(account, source):
            return await self._recognised(account, password)

    async def _recognised(self, account: str, password: str) -> UserAuthentication:
        try:
            given = normalised(password)
        except ValueError:
            raise SignInRefused(reason="no possible password") from None
        since = self._now()
        user = await self._logins.find(account) if account else None
        obstacle = _obstacle(user)
        # Nobody's hash is tried where there is none, so that the work is always the same.
        stored = "" if user is None or obstacle else user.password_hash
        is_right = await self._passwords.matches(stored, given)
        if user is None or obstacle or not is_right:
            raise SignInRefused(reason=obstacle or "wrong password")
        return UserAuthentication(await self._rehashed(user, given), since, since)

    async def _rehashed(self, user: User, password: str) -> User:
        """With a hash of today's kind: nobody else ever sees the password again to make one.

        It says the same as the old one, so it is no change of the account; and no reason to
        refuse, if it can't be stored now.
        """
        if self._passwords.is_outdated(user.password_hash):
            with suppress(Conflict, StoreUnavailable, TemporarilyUnavailable):
                hashed = await self._passwords.hash(password)
                return await self._users.update(replace(user, password_hash=hashed))
        return user


def _obstacle(user: User | None) -> str:
    if user is None:
        return "unknown e-mail address"
    if not user.enabled:
        return "disabled user"
    return "" if user.password_hash else "no password"
