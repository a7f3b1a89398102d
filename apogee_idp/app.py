"""The composition root: from settings to everything that a server needs."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import IntEnum

from .authentication import ClientAuthenticator
from .crypto.secrets import SecretVerifier
from .crypto.slow_hashes import SlowVerifier
from .events import (
    ConfigurationStage,
    GenerateToken,
    ProcessConfiguration,
    ProcessSignIn,
    Stage,
    TokenStage,
)
from .key_encryption import key_encryption_keys
from .keyring import KeyRing, open_key_ring
from .logs import observe_handler
from .minting import TokenMinter
from .pipeline import Registry
from .plugins import load_plugins
from .services import Services
from .settings import BUILT_IN_PLUGIN, Settings
from .stores.base import Store
from .stores.directory import Directory
from .stores.repositories import clients_in, scopes_in
from .stores.sqlite import SqliteStore

REQUIRED_STAGES: dict[type, Sequence[IntEnum]] = {
    ProcessSignIn: [stage for stage in Stage if stage is not Stage.REDEEM_GRANT],
    GenerateToken: list(TokenStage),
    ProcessConfiguration: list(ConfigurationStage),
}

_PATIENCE = 5.0


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


@asynccontextmanager
async def opened_store(
    settings: Settings, *, now: Callable[[], int] = now, patience: float = _PATIENCE
) -> AsyncIterator[Store]:
    """The store of the settings, closed in the end; raises StoreUnavailable.

    An operation is waited for ``patience`` seconds.
    """
    store = SqliteStore(settings.sqlite_path, now=now, new_id=new_id, patience=patience)
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
    # Half of a handler's time: waiting in vain for one thing is a 503, not the handler's fault.
    patience = settings.handler_timeout / 2
    slow = SlowVerifier(monotonic=time.monotonic, patience=patience)
    try:
        async with opened_store(settings, now=now, patience=patience) as store:
            key_ring = await open_key_ring(store, keys, now=now)
            services = _build_services(settings, store, key_ring, SecretVerifier(slow), now)
            yield Installation(settings, store, services, build_registry(services))
    finally:
        slow.close()


def build_registry(services: Services) -> Registry:
    """The built-in handlers and those of the settings' plugins, sealed; raises RegistryError."""
    settings = services.settings
    observe = observe_handler if settings.log_level == "debug" else None
    registry = Registry(handler_timeout=settings.handler_timeout, observe=observe)
    load_plugins([BUILT_IN_PLUGIN, *settings.plugins], registry, services)
    registry.seal(required=REQUIRED_STAGES)
    return registry


def _build_services(
    settings: Settings,
    store: Store,
    key_ring: KeyRing,
    verifier: SecretVerifier,
    now: Callable[[], int],
) -> Services:
    size, seconds = settings.cache_size, settings.cache_seconds
    clients = Directory(clients_in(store).get, size=size, seconds=seconds, monotonic=time.monotonic)
    scopes = Directory(scopes_in(store).get, size=size, seconds=seconds, monotonic=time.monotonic)
    authenticator = ClientAuthenticator(clients, verifier, now=now)
    return Services(
        settings=replace(settings, key_encryption_key=()),  # not for plugins
        clients=clients,
        scopes=scopes,
        keys=key_ring,
        authenticator=authenticator,
        minter=TokenMinter(settings.issuer, authenticator, now=now, new_id=new_id),
        now=now,
        new_id=new_id,
    )
