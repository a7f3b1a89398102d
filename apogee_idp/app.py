"""The composition root: from settings to a running server."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import cast

from aiohttp import web

from .authentication import ClientAuthenticator
from .crypto.keys import KeyEncryptionKey
from .crypto.secrets import SecretVerifier
from .errors import KeyringError
from .events import (
    ConfigurationStage,
    GenerateToken,
    ProcessConfiguration,
    ProcessSignIn,
    Stage,
    TokenStage,
)
from .keyring import open_key_ring
from .logs import log_lifecycle, log_loop_exception, observe_handler
from .minting import TokenMinter
from .model import Client, Scope
from .pipeline import Registry
from .plugins import load_plugins
from .services import Services
from .settings import BUILT_IN_PLUGIN, Settings
from .stores.base import Store
from .stores.directory import Directory
from .stores.repositories import clients_in, scopes_in
from .stores.sqlite import MEMORY, SqliteStore
from .web.application import create_application
from .web.connection import Connection

REQUIRED_STAGES: dict[type, Sequence[IntEnum]] = {
    ProcessSignIn: [stage for stage in Stage if stage is not Stage.REDEEM_GRANT],
    GenerateToken: list(TokenStage),
    ProcessConfiguration: list(ConfigurationStage),
}

_SQLITE_SCHEME = "sqlite:///"
_DEVELOPMENT_KEY_SUFFIX = "-dev.key"
_LINGERING_SECONDS = 2.0
_KEEPALIVE_SECONDS = 75.0


@dataclass(frozen=True, slots=True)
class Installation:
    """One opened store with all that stands on it."""

    settings: Settings
    store: Store
    services: Services
    registry: Registry


def now() -> int:
    """Unix seconds."""
    return int(time.time())


def new_id() -> str:
    """128 random bits, as hexadecimal digits."""
    return secrets.token_hex(16)


def sqlite_path(settings: Settings) -> str:
    """The file behind the store's URL, or ``:memory:``."""
    return settings.store.removeprefix(_SQLITE_SCHEME)


@asynccontextmanager
async def opened_store(settings: Settings, *, now: Callable[[], int] = now) -> AsyncIterator[Store]:
    """The store of the settings, closed in the end; raises StoreUnavailable."""
    store = SqliteStore(sqlite_path(settings), now=now, new_id=new_id)
    try:
        await store.open()
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def opened_installation(
    settings: Settings, *, now: Callable[[], int] = now
) -> AsyncIterator[Installation]:
    """Everything a server needs, checked and sealed; ``now`` is its clock, in Unix seconds.

    Raises StoreUnavailable, KeyringError or RegistryError: then it must not start.
    """
    keys = key_encryption_keys(settings)
    verifier = SecretVerifier(monotonic=time.monotonic)
    try:
        async with opened_store(settings, now=now) as store:
            services = await _build_services(settings, store, keys, verifier, now)
            registry = build_registry(services)
            yield Installation(settings, store, services, registry)
    finally:
        verifier.close()


def build_registry(services: Services) -> Registry:
    """The built-in handlers and those of the settings' plugins, sealed; raises RegistryError."""
    settings = services.settings
    observe = observe_handler if settings.log_level == "debug" else None
    registry = Registry(handler_timeout=settings.handler_timeout, observe=observe)
    load_plugins([BUILT_IN_PLUGIN, *settings.plugins], registry, services)
    registry.seal(required=REQUIRED_STAGES)
    return registry


def key_encryption_keys(settings: Settings) -> list[KeyEncryptionKey]:
    """The keys that guard keys; in development one is made and kept beside the SQLite file.

    Raises KeyringError if there is none, or one is malformed.
    """
    texts = settings.key_encryption_key
    if not texts and settings.development:
        texts = (_development_key(sqlite_path(settings)),)
    if not texts:
        raise KeyringError(
            "no key-encryption key: the signing keys in the store must be encrypted. Make one with"
            " `openssl rand -base64 32` and set APOGEE_KEY_ENCRYPTION_KEY to it, or"
            " APOGEE_KEY_ENCRYPTION_KEY_FILE to a file that holds it"
        )
    try:
        return [KeyEncryptionKey.parse(text) for text in texts]
    except ValueError as error:
        raise KeyringError(f"APOGEE_KEY_ENCRYPTION_KEY: {error}") from None


async def serve(
    settings: Settings, *, announce: Callable[[Installation], Awaitable[None]] | None = None
) -> None:
    """Serves until SIGTERM or SIGINT, then answers what is in flight and returns.

    ``announce`` is awaited once the server listens. Raises what ``opened_installation`` raises,
    and OSError if the address can't be had.
    """
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log_loop_exception)
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    async with opened_installation(settings) as installation, listening(installation) as port:
        if announce is not None:
            await announce(installation)
        log_lifecycle("serving", host=settings.host, port=port, issuer=settings.issuer)
        await stop.wait()
        log_lifecycle("stopping")
    log_lifecycle("stopped")


@asynccontextmanager
async def listening(installation: Installation) -> AsyncIterator[int]:
    """Serves on the settings' address meanwhile; yields the port.

    In the end it stops listening and waits up to ``shutdown_timeout`` for requests in flight.
    """
    settings = installation.settings
    loop = asyncio.get_running_loop()
    application = create_application(installation.services, installation.registry)
    runner = web.AppRunner(application, shutdown_timeout=settings.shutdown_timeout)
    await runner.setup()
    connections = cast(web.Server, runner.server)

    def connection() -> Connection:
        return Connection(
            connections,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # aiohttp documents None as "no log"
            auto_decompress=False,
            keepalive_timeout=_KEEPALIVE_SECONDS,
            lingering_time=_LINGERING_SECONDS,
        )

    try:
        server = await loop.create_server(connection, settings.host, settings.port, backlog=1024)
        yield server.sockets[0].getsockname()[1]
        server.close()
    finally:
        await runner.cleanup()


async def _build_services(
    settings: Settings,
    store: Store,
    keys: list[KeyEncryptionKey],
    verifier: SecretVerifier,
    now: Callable[[], int],
) -> Services:
    clients: Directory[Client] = Directory(
        clients_in(store).get,
        size=settings.cache_size,
        seconds=settings.cache_seconds,
        monotonic=time.monotonic,
    )
    scopes: Directory[Scope] = Directory(
        scopes_in(store).get,
        size=settings.cache_size,
        seconds=settings.cache_seconds,
        monotonic=time.monotonic,
    )
    authenticator = ClientAuthenticator(clients, verifier, now=now)
    return Services(
        settings=settings,
        clients=clients,
        scopes=scopes,
        keys=await open_key_ring(store, keys, now=now),
        authenticator=authenticator,
        minter=TokenMinter(settings.issuer, authenticator, now=now, new_id=new_id),
        now=now,
        new_id=new_id,
    )


def _development_key(database: str) -> str:
    fresh = base64.b64encode(secrets.token_bytes(32)).decode()
    if database == MEMORY:
        return fresh
    path = Path(database + _DEVELOPMENT_KEY_SUFFIX)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(fresh)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise KeyringError(f"{path}: can't be written: {error.strerror}") from None
    return fresh
