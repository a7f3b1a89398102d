"""What ``apogee-idp keys`` says of what it has done."""

from __future__ import annotations

import asyncio
import base64
import secrets
import shutil
from pathlib import Path

import pytest

from apogee_idp.app import opened_store
from apogee_idp.crypto.sealing import KeyEncryptionKey, seal_text
from apogee_idp.settings import Settings
from apogee_idp.stores.repositories import users_in
from apogee_idp.user_model import SecondFactor, User

from .conftest import Cli

SUBJECT = "usr_" + "A" * 22


@pytest.fixture
def backend() -> str:
    return "sqlite"


@pytest.fixture
def guard(key_encryption_key: str, prepared_database: Path, empty_store_url: str) -> str:
    """The key that guards the store's keys, and the second factor of its only user."""
    shutil.copy(prepared_database, empty_store_url.removeprefix("sqlite:///"))
    sealed = seal_text("secret", f"totp {SUBJECT}", KeyEncryptionKey.parse(key_encryption_key))
    user = User(SUBJECT, "ann@example.com", second_factor=SecondFactor(sealed, (), 1))

    async def add() -> None:
        async with opened_store(Settings(store=empty_store_url)) as store:
            await users_in(store).add(user)

    asyncio.run(add())
    return key_encryption_key


def test_rewrap_says_all_that_it_seals_anew(cli: Cli, guard: str) -> None:
    """Else nobody would dare to leave the old key-encryption key out."""
    fresh = base64.b64encode(secrets.token_bytes(32)).decode()
    done = cli("keys", "rewrap", APOGEE_KEY_ENCRYPTION_KEY=f"{fresh},{guard}")
    told = f"all are encrypted with the key-encryption key {KeyEncryptionKey.parse(fresh).id}\n"
    assert (done.stdout, done.stderr) == (f"keys: 3, second factors: 1; {told}", "")
