"""Passwords of people: which are taken, and that hashing them is bounded and off the loop."""

from __future__ import annotations

import asyncio

import argon2
import pytest

from apogee_idp.crypto.passwords import PasswordHashes, checked_password, normalised
from apogee_idp.errors import TemporarilyUnavailable

GOOD = "grüne Wolken über Ulm"


@pytest.mark.parametrize(
    "bad",
    ["seven77", "Password123", "aaaaaaaaaaaa", "alice.smith@x.org", "ALICE.SMITH", "é" * 600],
)
def test_bad_passwords_are_refused(bad: str) -> None:
    """Short, common, the address itself, too long; the text repeats nothing."""
    with pytest.raises(ValueError, match="password") as refused:
        checked_password(bad, "alice.smith@x.org")
    assert bad not in str(refused.value)


async def test_a_password_matches_from_every_keyboard() -> None:
    """Composed or not; nothing matches no hash, and a cheap hash is outdated."""
    hashes = PasswordHashes()
    stored = await hashes.hash(checked_password(GOOD, "a@x.org"))
    assert await hashes.matches(stored, normalised(GOOD.replace("ü", "u\u0308")))
    assert not await hashes.matches(stored, normalised(GOOD.upper()))
    assert not await hashes.matches("", GOOD)
    assert not hashes.is_outdated(stored)
    assert hashes.is_outdated(argon2.PasswordHasher(time_cost=1, memory_cost=1024).hash(GOOD))
    hashes.close()


async def test_A_DOS_03_waiting_for_hashes_is_bounded() -> None:
    """Past the bound: try again later."""
    hashes = PasswordHashes(threads=1, max_waiting=3)
    outcomes = await asyncio.gather(
        *(hashes.matches("", f"{GOOD} {n}") for n in range(5)), return_exceptions=True
    )
    assert [isinstance(o, TemporarilyUnavailable) for o in outcomes] == [False] * 3 + [True] * 2
    assert not await hashes.matches("", GOOD)
    hashes.close()


async def test_F_PR_06_hashing_leaves_the_loop_alone() -> None:
    """It goes round while a password is hashed elsewhere."""
    hashes = PasswordHashes()
    hashing, rounds = asyncio.create_task(hashes.hash(GOOD)), 0
    while not hashing.done():
        rounds += 1
        await asyncio.sleep(0)
    assert rounds > 10
    hashes.close()
