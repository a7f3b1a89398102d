"""Second factors of people: proven once with each code, however many ask at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from apogee_idp.crypto.one_time_passwords import PERIOD_SECONDS, new_totp_secret, totp_at
from apogee_idp.crypto.sealing import KeyEncryptionKey
from apogee_idp.errors import (
    KeyringError,
    SignInRefused,
    TemporarilyUnavailable,
    TooManyFailures,
)
from apogee_idp.management.users import NewUser, UserCommands
from apogee_idp.requests import UserAuthentication
from apogee_idp.second_factors import SecondFactors, rewrap_second_factors
from apogee_idp.stores.base import Store
from apogee_idp.stores.repositories import Repository, users_in
from apogee_idp.throttling import SignInThrottle
from apogee_idp.user_model import User
from tests.clock import Clock
from tests.keys import fresh_key_encryption_key

from .test_users import HOME, users_of

GUARD = fresh_key_encryption_key()


class Scene:
    """Ann, her app, and what checks its codes."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.users = users_in(store)
        self.clock = clock
        self.secret = new_totp_secret()
        self.commands: UserCommands = users_of(store, clock)
        self.factors = self.guarded_by(GUARD)
        self.recovery: tuple[str, ...] = ()
        self.ann: User

    def guarded_by(self, *guards: KeyEncryptionKey) -> SecondFactors:
        throttle = SignInThrottle(monotonic=self.clock)
        return SecondFactors(self.users, guards, throttle, now=self.clock)

    def code(self) -> str:
        return totp_at(self.secret, self.clock.now)

    async def enrol(self) -> None:
        ann = await self.commands.add(NewUser("ann@example.com"))
        factor, self.recovery = self.factors.enrol(ann.subject, self.secret, self.code())
        self.ann = await self.commands.add_second_factor(ann.subject, factor)
        self.clock.now += PERIOD_SECONDS

    async def verify(self, code: str, factors: SecondFactors | None = None) -> UserAuthentication:
        password = UserAuthentication(self.ann, self.clock.now, self.clock.now)
        return await (factors or self.factors).verify(password, code, HOME)


@pytest.fixture
async def scene(store: Store, clock: Clock) -> Scene:
    scene = Scene(store, clock)
    await scene.enrol()
    return scene


async def test_a_code_of_the_app(scene: Scene) -> None:
    """Once; the code that it was set up with is used already."""
    proof = await scene.verify(scene.code())
    assert proof.methods == ("pwd", "otp", "mfa")
    for used in (scene.code(), totp_at(scene.secret, scene.clock.now - PERIOD_SECONDS)):
        with pytest.raises(SignInRefused):
            await scene.verify(used)
    scene.clock.now += PERIOD_SECONDS
    await scene.verify(scene.code())


async def test_a_recovery_code(scene: Scene) -> None:
    """Each once, and the app goes on."""
    first, second, *_ = scene.recovery
    await scene.verify(first.upper())
    with pytest.raises(SignInRefused):
        await scene.verify(first)
    await scene.verify(second)
    await scene.verify(scene.code())


@pytest.mark.parametrize("kind", ["app", "recovery"])
async def test_one_of_many_at_once_passes(scene: Scene, kind: str) -> None:
    """Also where each process counts for itself."""
    code = scene.code() if kind == "app" else scene.recovery[0]
    done = await asyncio.gather(
        *(scene.verify(code, scene.guarded_by(GUARD)) for _ in range(16)), return_exceptions=True
    )
    assert sum(isinstance(each, UserAuthentication) for each in done) == 1
    others = [each for each in done if not isinstance(each, UserAuthentication)]
    assert all(isinstance(each, SignInRefused | TemporarilyUnavailable) for each in others)


class Overtaken:
    """Users as a process knows them that another one overtakes, once, before it writes."""

    def __init__(self, users: Repository[User], overtake: Callable[[], Awaitable[object]]) -> None:
        self._users = users
        self._overtake = [overtake]
        self.update = users.update

    async def get(self, subject: str) -> User | None:
        user = await self._users.get(subject)
        if self._overtake:
            await self._overtake.pop()()
        return user


@pytest.mark.parametrize("kind", ["app", "recovery"])
async def test_who_is_overtaken_looks_again(scene: Scene, kind: str) -> None:
    """What was read before another process used the code counts for nothing."""
    code = scene.code() if kind == "app" else scene.recovery[0]
    users: Any = Overtaken(scene.users, lambda: scene.verify(code, scene.guarded_by(GUARD)))
    slow = SecondFactors(users, [GUARD], SignInThrottle(monotonic=scene.clock), now=scene.clock)
    with pytest.raises(SignInRefused):
        await scene.verify(code, slow)


async def test_A_AZ_08_guesses_wait(scene: Scene) -> None:
    """Whoever knows the password has a million codes to try, and few attempts."""
    for _ in range(5):
        with pytest.raises(SignInRefused):
            await scene.verify("000000")
    with pytest.raises(TooManyFailures):
        await scene.verify(scene.code())


@pytest.mark.parametrize("change", ["disabled", "new password", "removed", "deleted"])
async def test_what_was_proven_may_have_ended(scene: Scene, change: str) -> None:
    """Between the password and the code."""
    password = UserAuthentication(scene.ann, scene.clock.now, scene.clock.now)
    subject = scene.ann.subject
    if change == "disabled":
        await scene.commands.set_enabled(subject, enabled=False)
    elif change == "new password":
        await scene.commands.set_password(subject, "a sentence of her own")
    elif change == "removed":
        await scene.commands.remove_second_factor(subject)
    else:
        await scene.commands.delete(subject)
    with pytest.raises(SignInRefused):
        await scene.factors.verify(password, scene.code(), HOME)


async def test_nobody_else_s_secret_opens(scene: Scene) -> None:
    """Whoever can write to the database can't give Bob Ann's app."""
    bob = replace(scene.ann, subject="usr_" + "B" * 22, email="bob@example.com", change_id="")
    scene.ann = await scene.users.add(bob)
    with pytest.raises(TemporarilyUnavailable):
        await scene.verify(scene.code())


async def test_the_key_that_guards_it_can_be_another(scene: Scene) -> None:
    """Both open it until it is sealed anew, then the new one alone."""
    fresh = fresh_key_encryption_key()
    await scene.verify(scene.code(), scene.guarded_by(fresh, GUARD))
    assert await rewrap_second_factors(scene.users, [fresh, GUARD]) == 1
    scene.clock.now += PERIOD_SECONDS
    await scene.verify(scene.code(), scene.guarded_by(fresh))
    scene.clock.now += PERIOD_SECONDS
    with pytest.raises(TemporarilyUnavailable):
        await scene.verify(scene.code())
    with pytest.raises(KeyringError):
        await rewrap_second_factors(scene.users, [GUARD])


async def test_the_store_has_neither_secret_nor_codes(scene: Scene, store: Store) -> None:
    """Nor does what is printed of a user."""
    (ann,) = (await store.users.list()).items
    kept = str(ann.document) + repr(scene.ann)
    for secret in (scene.secret, *scene.recovery, *(c.replace("-", "") for c in scene.recovery)):
        assert secret not in kept
