"""Accounts of people: one address leads to one of them, and what ends what she began."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import argon2
import pytest

from apogee_idp.app import new_id
from apogee_idp.crypto.secrets import generate_subject
from apogee_idp.errors import (
    ChangedMeanwhile,
    CommandRefused,
    Duplicate,
    Forbidden,
    NotFound,
    SignInRefused,
    StoreUnavailable,
    TooManyFailures,
)
from apogee_idp.management.users import NewUser, UserCommands
from apogee_idp.requests import Actor
from apogee_idp.sessions import SessionLimits, Sessions
from apogee_idp.stores.base import Store
from apogee_idp.stores.logins import CLAIM_SECONDS, Logins
from apogee_idp.stores.repositories import users_in
from apogee_idp.throttling import SignInThrottle
from apogee_idp.user_authentication import UserAuthenticator
from apogee_idp.user_model import User
from tests.acting import acting, entries_in
from tests.clock import Clock

from .all_commands import PASSWORDS

EMAIL, PASSWORD, OTHER = "Ann.Lee@Example.com", "grüne Wolken über Ulm", "ein anderer langer Satz"
HOME = "192.0.2.7"


@pytest.fixture
def users(store: Store, clock: Clock) -> UserCommands:
    return users_of(store, clock)


def users_of(store: Store, clock: Clock, *scopes: str) -> UserCommands:
    """By an administrator, or by somebody who has these scopes."""
    who = acting(store, now=clock)
    if scopes:
        who["actor"] = Actor("helpdesk", frozenset(scopes))
    return UserCommands(store, PASSWORDS, now=clock, new_subject=generate_subject, **who)


@pytest.fixture
def authenticator(store: Store, clock: Clock) -> UserAuthenticator:
    return UserAuthenticator(store, PASSWORDS, SignInThrottle(monotonic=clock), now=clock)


@pytest.mark.parametrize(
    "typed",
    [
        "Ann.Lee@Example.com",
        "ann.lee@example.com",
        " ANN.LEE@EXAMPLE.COM ",
        "\uff21nn.lee@example.com",  # fullwidth
        "ann\u200b.lee@example.com",  # zero width
        "ann.lee@example\u3002com",
    ],
)
async def test_A_AZ_08_all_spellings_of_an_address_are_one_account(
    users: UserCommands, authenticator: UserAuthenticator, typed: str
) -> None:
    """To sign in with, and to be taken already."""
    ann = await users.add(NewUser(EMAIL, PASSWORD))
    assert (await authenticator.authenticate(typed, PASSWORD, HOME)).user.subject == ann.subject
    assert (await users.get(typed)).email == EMAIL
    with pytest.raises(CommandRefused):
        await users.add(NewUser(typed, PASSWORD))


async def test_of_many_accounts_with_one_address_at_once_one_is_made(
    users: UserCommands, store: Store
) -> None:
    """The others are told, and leave nothing behind."""
    made = await asyncio.gather(
        *(users.add(NewUser(EMAIL)) for _ in range(16)), return_exceptions=True
    )
    (ann,) = [each for each in made if isinstance(each, User)]
    assert all(isinstance(each, Duplicate) for each in made if each is not ann)
    assert [user.subject for user in (await users.all()).items] == [ann.subject]


async def test_a_claim_without_a_user_is_taken_over(
    users: UserCommands, store: Store, clock: Clock
) -> None:
    """Somebody died between claiming the address and writing the user."""
    await Logins(store, now=clock).claim(EMAIL, generate_subject())
    with pytest.raises(Duplicate):
        await users.add(NewUser(EMAIL))
    clock.now += CLAIM_SECONDS + 1
    ann = await users.add(NewUser(EMAIL))
    assert (await users.get(EMAIL)).subject == ann.subject


async def test_another_address_frees_the_old_one(
    users: UserCommands, authenticator: UserAuthenticator, clock: Clock
) -> None:
    """The subject stays; the new address has to be verified anew."""
    ann = await users.add(NewUser(EMAIL, PASSWORD, email_verified=True))
    changed = await users.update(replace(ann, email="ann@example.org", email_verified=False))
    assert (changed.subject, changed.email_verified) == (ann.subject, False)
    assert (await authenticator.authenticate("ann@example.org", PASSWORD, HOME)).user == changed
    with pytest.raises(SignInRefused):
        await authenticator.authenticate(EMAIL, PASSWORD, HOME)
    clock.now += CLAIM_SECONDS + 1
    assert (await users.add(NewUser(EMAIL))).subject != ann.subject


async def test_an_address_of_somebody_else_is_refused(users: UserCommands) -> None:
    """And both users stay what they were."""
    ann, bob = await users.add(NewUser(EMAIL)), await users.add(NewUser("bob@example.com"))
    with pytest.raises(Duplicate):
        await users.update(replace(bob, email=EMAIL.upper()))
    assert await users.get(ann.subject) == ann
    assert await users.get("bob@example.com") == bob


async def test_a_change_of_what_others_have_changed_is_refused(users: UserCommands) -> None:
    """By the concurrency token."""
    ann = await users.add(NewUser(EMAIL))
    await users.update(replace(ann, profile={"name": "Ann"}))
    with pytest.raises(ChangedMeanwhile):
        await users.update(replace(ann, profile={"name": "Anna"}))


async def test_a_new_password_ends_what_was_begun_with_the_old_one(
    users: UserCommands, authenticator: UserAuthenticator, clock: Clock
) -> None:
    """A password that was never set signs nobody in."""
    ann = await users.add(NewUser(EMAIL))
    with pytest.raises(SignInRefused):
        await authenticator.authenticate(EMAIL, "", HOME)
    clock.now += 5
    ann = await users.set_password(EMAIL, PASSWORD)
    assert ann.has_ended(clock.now - 5)
    assert ann.has_ended(clock.now)
    assert not ann.has_ended(clock.now + 1)
    await users.set_password(ann.subject, OTHER)
    with pytest.raises(SignInRefused):
        await authenticator.authenticate(EMAIL, PASSWORD, HOME)
    await authenticator.authenticate(EMAIL, OTHER, HOME)


async def test_a_new_password_ends_what_begins_with_the_old_one_meanwhile(
    users: UserCommands, authenticator: UserAuthenticator, store: Store, clock: Clock
) -> None:
    """Hashing takes a while, in which somebody may lock the thief out."""
    await users.add(NewUser(EMAIL, PASSWORD))
    clock.now += 5
    sessions = Sessions(
        store.sessions,
        users_in(store).get,
        SessionLimits(60, 600),
        now=clock,
        new_id=new_id,
        ended=print,
    )
    old = await authenticator.authenticate(EMAIL, PASSWORD, HOME)
    value, _ = await sessions.begin(old)
    assert await sessions.find(value)
    clock.now += 5
    await users.set_password(EMAIL, OTHER)
    clock.now += 5
    value, _ = await sessions.begin(old)
    assert await sessions.find(value) is None


async def test_who_is_disabled_or_deleted_cant_sign_in(
    users: UserCommands, authenticator: UserAuthenticator, clock: Clock
) -> None:
    """Once enabled again she can; what she had begun before stays ended."""
    begun_at = clock.now
    ann = await users.add(NewUser(EMAIL, PASSWORD))
    clock.now += 5
    assert (await users.set_enabled(EMAIL, enabled=False)).has_ended(clock.now + 1)
    with pytest.raises(SignInRefused):
        await authenticator.authenticate(EMAIL, PASSWORD, HOME)
    enabled = await users.set_enabled(EMAIL, enabled=True)
    assert enabled.has_ended(begun_at)
    await authenticator.authenticate(EMAIL, PASSWORD, HOME)
    await users.delete(EMAIL)
    with pytest.raises(SignInRefused):
        await authenticator.authenticate(EMAIL, PASSWORD, HOME)
    with pytest.raises(NotFound):
        await users.get(ann.subject)


async def test_roles_come_and_go(users: UserCommands, clock: Clock) -> None:
    """A role that is lost ends what was begun with it; one that is there is given once."""
    await users.add(NewUser(EMAIL))
    assert (await users.grant_role(EMAIL, "idp-admin")).is_administrator
    again = await users.grant_role(EMAIL, "idp-admin")
    assert again.roles == ("idp-admin",)
    lost = await users.revoke_role(EMAIL, "idp-admin")
    assert not lost.is_administrator
    assert lost.has_ended(clock.now)
    with pytest.raises(NotFound):
        await users.revoke_role(EMAIL, "idp-admin")
    with pytest.raises(CommandRefused):
        await users.grant_role(EMAIL, "no spaces")


async def test_administrators_are_made_and_touched_by_administrators(
    users: UserCommands, store: Store, clock: Clock
) -> None:
    """Whoever could set her password could be her."""
    ann = await users.add(NewUser(EMAIL, roles=("idp-admin",)))
    await users.add(NewUser("bob@example.com"))
    helpdesk = users_of(store, clock, "idp:clients")
    known = len(await entries_in(store))
    for attempt in (
        helpdesk.add(NewUser("eve@example.com", roles=("idp-admin",))),
        helpdesk.grant_role("bob@example.com", "idp-admin"),
        helpdesk.set_password(EMAIL, PASSWORD),
        helpdesk.update(replace(ann, email="eve@example.com")),
        helpdesk.set_enabled(EMAIL, enabled=False),
        helpdesk.revoke_role(EMAIL, "idp-admin"),
        helpdesk.delete(EMAIL),
    ):
        with pytest.raises(Forbidden):
            await attempt
    assert len(await entries_in(store)) == known
    assert await users.get(EMAIL) == ann


@pytest.mark.parametrize(
    ("account", "field"),
    [
        (NewUser("ann"), "email"),
        (NewUser("ann@" + "a" * 300), "email"),
        (NewUser("ann lee@example.com"), "email"),
        (NewUser("ann@example.com\nBcc: bob@example.com"), "email"),
        (NewUser(EMAIL, "short"), "password"),
        (NewUser(EMAIL, "password123"), "password"),
        (NewUser(EMAIL, EMAIL.lower()), "password"),
        (NewUser(EMAIL, profile={"admin": True}), "profile"),
        (NewUser(EMAIL, profile={"name": 7}), "profile"),
        (NewUser(EMAIL, profile={"website": "javascript:alert(1)"}), "profile"),
        (NewUser(EMAIL, profile={"address": {"planet": "Mars"}}), "profile"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_what_cant_be_is_refused(users: UserCommands, account: NewUser, field: str) -> None:
    """The field is named; the password isn't repeated."""
    with pytest.raises(CommandRefused) as refused:
        await users.add(account)
    assert refused.value.field == field
    assert account.password is None or account.password not in str(refused.value)
    assert (await users.all()).items == ()


async def test_an_unknown_address_is_refused_like_a_wrong_password(
    users: UserCommands, authenticator: UserAuthenticator
) -> None:
    """In the same words; the reasons differ, for the log."""
    await users.add(NewUser(EMAIL, PASSWORD))
    answers = []
    for email in (EMAIL, "bob@example.com", "no address"):
        with pytest.raises(SignInRefused) as refused:
            await authenticator.authenticate(email, OTHER, HOME)
        answers.append(refused.value)
    assert len({str(answer) for answer in answers}) == 1
    assert [a.reason for a in answers] == [
        "wrong password",
        "unknown e-mail address",
        "unknown e-mail address",
    ]


async def test_guesses_have_to_wait_and_a_lost_store_is_no_guess(
    users: UserCommands, authenticator: UserAuthenticator, store: Store, clock: Clock
) -> None:
    """Whether or not there is such a user."""
    await users.add(NewUser(EMAIL, PASSWORD))
    for email in (EMAIL, "bob@example.com"):
        for _ in range(5):
            with pytest.raises(SignInRefused):
                await authenticator.authenticate(email, OTHER, HOME)
        with pytest.raises(TooManyFailures):
            await authenticator.authenticate(email.upper(), PASSWORD, HOME)
    clock.now += 3600
    await authenticator.authenticate(EMAIL, PASSWORD, HOME)
    await store.close()
    for _ in range(7):
        with pytest.raises(StoreUnavailable):
            await authenticator.authenticate(EMAIL, PASSWORD, HOME)


async def test_a_hash_of_another_kind_is_renewed_when_its_owner_comes(
    users: UserCommands, authenticator: UserAuthenticator, store: Store
) -> None:
    """Nobody else ever sees her password again."""
    ann = await users.add(NewUser(EMAIL))
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=64).hash(PASSWORD)
    await users_in(store).update(replace(ann, password_hash=weak))
    await authenticator.authenticate(EMAIL, PASSWORD, HOME)
    assert (await users.get(EMAIL)).password_hash not in ("", weak)
    await authenticator.authenticate(EMAIL, PASSWORD, HOME)
