"""Where the keys that guard keys come from."""

from __future__ import annotations

import base64
import os
import secrets
from contextlib import suppress
from pathlib import Path

from .crypto.sealing import KeyEncryptionKey
from .errors import KeyringError
from .settings import Settings
from .stores.sqlite import MEMORY

DEVELOPMENT_KEY_SUFFIX = "-dev.key"


def key_encryption_keys(settings: Settings) -> list[KeyEncryptionKey]:
    """The keys of the settings; in development, one that is kept beside the SQLite file.

    Raises KeyringError if there is none, or one is malformed.
    """
    database = settings.sqlite_path
    if settings.development and database is not None and not settings.key_encryption_key:
        return [_development_key(database)]
    if not settings.key_encryption_key:
        raise KeyringError(
            "no key-encryption key: the signing keys in the store must be encrypted. Make one with"
            " `openssl rand -base64 32` and set APOGEE_KEY_ENCRYPTION_KEY to it, or"
            " APOGEE_KEY_ENCRYPTION_KEY_FILE to a file that holds it (only serve --dev on SQLite"
            " has its own)"
        )
    try:
        return [KeyEncryptionKey.parse(text) for text in settings.key_encryption_key]
    except ValueError as error:
        raise KeyringError(f"APOGEE_KEY_ENCRYPTION_KEY: {error}") from None


def development_key_exists(settings: Settings) -> bool:
    """Whether ``serve --dev`` keeps a key beside the SQLite file of the settings."""
    database = settings.sqlite_path
    return database is not None and Path(database + DEVELOPMENT_KEY_SUFFIX).exists()


def _development_key(database: str) -> KeyEncryptionKey:
    fresh = base64.b64encode(secrets.token_bytes(32)).decode()
    if database == MEMORY:
        return KeyEncryptionKey.parse(fresh)
    path = Path(database + DEVELOPMENT_KEY_SUFFIX)
    try:
        _write_once(path, fresh)
        return KeyEncryptionKey.parse(path.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise KeyringError(f"the development key {path} can't be used: {error}") from None


def _write_once(path: Path, text: str) -> None:
    """The file appears whole or not at all, and the first of several writers wins."""
    scratch = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(scratch)
    finally:
        scratch.unlink(missing_ok=True)
