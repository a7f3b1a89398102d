"""The second factor of people: what proves it, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from .crypto.one_time_passwords import (
    matching_step,
    new_recovery_codes,
    new_totp_secret,
    recovery_hash,
)
from .crypto.sealing import KeyEncryptionKey, seal_text, unseal_text
from .errors import Conflict, KeyringError, SignInRefused, TemporarilyUnavailable
from .requests import UserAuthentication
from .stores.repositories import Repository
from .throttling import SignInThrottle
from .user_model import SecondFactor, User

_ATTEMPTS = 3


class SecondFactors:
    """One-time passwords and recovery codes, each good once.

    Secrets rest sealed by the first of ``guards``, bound to their user; any of ``guards`` opens
    them. ``now`` gives Unix seconds.
    """

    __slots__ = ("_guards", "_now", "_throttle", "_users")

    def __init__(
        self,
        users: Repository[User],
        guards: Sequence[KeyEncryptionKey],
        throttle: SignInThrottle,
        *,
        now: Callable[[], int],
    ) -> None:
        self._users = users
        self._guards = guards
        self._throttle = throttle
        self._now = now

    @staticmethod
    def new_secret() -> str:
        """A secret for an app, as base32."""
        return new_totp_secret()

    def enrol(self, subject: str, secret: str, code: str) -> tuple[SecondFactor, tuple[str, ...]]:
        """What is to be kept, and the recovery codes that are shown once.

        Raises SignInRefused unless ``code`` shows that the app has the secret.
        """
        now = self._now()
        step = matching_step(secret, code, now=now, after=0)
        if step is None:
            raise SignInRefused(reason="wrong code")
        codes = new_recovery_codes()
        sealed = seal_text(secret, _purpose(subject), self._guards[0])
        hashes = tuple(map(recovery_hash, codes))
        return SecondFactor(sealed, hashes, enrolled_at=now, last_step=step), codes

    async def verify(
        self, authentication: UserAuthentication, code: str, source: str
    ) -> UserAuthentication:
        """The proof with its second factor; ``source`` is the IP address that asks.

        Raises SignInRefused, also for a code that was used, and if what was proven has ended since;
        TooManyFailures; TemporarilyUnavailable or StoreUnavailable when nobody can tell now.
        """
        subject = authentication.user.subject
        with self._throttle.attempting(f"second factor of {subject}", source):
            user = await self._spent(authentication, code)
        methods = tuple(dict.fromkeys((*authentication.methods, "otp", "mfa")))
        return replace(authentication, user=user, methods=methods)

    async def _spent(self, authentication: UserAuthentication, code: str) -> User:
        for _ in range(_ATTEMPTS):
            user = await self._users.get(authentication.user.subject)
            if user is None or user.has_ended(authentication.since) or user.second_factor is None:
                raise SignInRefused(reason="what was proven before has ended")
            after = self._without(user.subject, user.second_factor, code)
            if after is None:
                raise SignInRefused(reason="wrong or used code")
            try:
                return await self._users.update(replace(user, second_factor=after))
            except Conflict:
                continue  # perhaps it was used just now: look again
        raise TemporarilyUnavailable(reason="an account changes faster than a code can be used")

    def _without(self, subject: str, known: SecondFactor, code: str) -> SecondFactor | None:
        """What is left once ``code`` is used; None if it can't be."""
        hashed = recovery_hash(code)
        if hashed and hashed in known.recovery_hashes:
            rest = tuple(other for other in known.recovery_hashes if other != hashed)
            return replace(known, recovery_hashes=rest)
        try:
            secret = unseal_text(known.sealed, _purpose(subject), self._guards)
        except KeyringError as error:
            raise TemporarilyUnavailable(reason=str(error)) from None
        step = matching_step(secret, code, now=self._now(), after=known.last_step)
        return None if step is None else replace(known, last_step=step)


async def rewrap_second_factors(users: Repository[User], guards: Sequence[KeyEncryptionKey]) -> int:
    """Seals every secret anew with the first of ``guards``; how many there are.

    Raises KeyringError if one can't be opened, and StoreUnavailable.
    """
    count = 0
    for user in (await users.all()).items:
        count += await _rewrapped(users, user, guards)
    return count


async def _rewrapped(
    users: Repository[User], user: User, guards: Sequence[KeyEncryptionKey]
) -> bool:
    current: User | None = user
    while current is not None and current.second_factor is not None:
        known, purpose = current.second_factor, _purpose(current.subject)
        sealed = seal_text(unseal_text(known.sealed, purpose, guards), purpose, guards[0])
        try:
            await users.update(replace(current, second_factor=replace(known, sealed=sealed)))
        except Conflict:
            current = await users.get(current.subject)
        else:
            return True
    return False


def _purpose(subject: str) -> str:
    return f"totp {subject}"
