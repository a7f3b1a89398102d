"""The composition root: from settings to everything that a server needs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from .crypto.keys import ENCRYPTION_ALGORITHM
from .crypto.sealing import KeyEncryptionKey
from .crypto.secrets import generate_subject
from .errors import CommandRefused, HandlerFault
from .foundation import Foundation, Given, founded, patience_of
from .housekeeping import Housekeeper
from .identity_providers import read_identity_providers
from .ids import RandomIds
from .key_encryption import key_encryption_keys
from .key_keeping import KeyKeeper
from .key_rotation import KeyPeriods
from .key_sources import KeyFiles, PluginKeys
from .keyring import KeyRing
from .logs import log_command_fault
from .management.actor import SERVER_ACTOR
from .management.audit import Audit
from .management.changes import Changes
from .management.client_files import ConfiguredClient, read_client_files
from .management.desk import Management
from .management.key_ring import AuditedKeyRing
from .management.previews import Previews
from .pipeline import Registry
from .readiness import Readiness
from .services import Services
from .settings import Settings
from .stores.base import Store
from .stores.mongo import MongoStore
from .stores.repositories import load_key_ring
from .stores.sqlite import SqliteStore
from .telemetry.key_gauges import KeyGauges
from .telemetry.observed_store import observed
from .telemetry.opening import Telemetry, opened_telemetry
from .upkeep import directories_of, kept_in_step
from .wiring import build_registry, build_services

_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Installation:
    """A store, there yet or not, with all that stands on it.

    ``configured_clients`` are those of the files, not brought to the store yet. ``following`` ends
    only with an error: KeyringError.
    """

    settings: Settings
    store: Store
    services: Services
    registry: Registry
    configured_clients: tuple[ConfiguredClient, ...]
    management: Management
    key_encryption_key: KeyEncryptionKey
    telemetry: Telemetry
    readiness: Readiness
    housekeeper: Housekeeper
    following: asyncio.Task[None]

    async def until_ready(self) -> None:
        """Until store and keys are there; raises KeyringError if they can't be opened."""
        ready = asyncio.create_task(self.readiness.wait())
        try:
            await asyncio.wait({ready, self.following}, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                await self.following
        finally:
            ready.cancel()


def now() -> int:
    """Unix seconds."""
    return int(time.time())


new_id = RandomIds()


def store_of(
    settings: Settings, *, now: Callable[[], int] = now, patience: float = _PATIENCE
) -> Store:
    """The store of the settings, not opened; raises SettingsError if its URL is unusable.

    An operation is waited for ``patience`` seconds.
    """
    if settings.sqlite_path is not None:
        return SqliteStore(settings.sqlite_path, now=now, new_id=new_id, patience=patience)
    prefix = settings.mongodb_prefix
    return MongoStore(settings.store, prefix=prefix, now=now, new_id=new_id, patience=patience)


def audit_of(store: Store, *, now: Callable[[], int] = now) -> Audit:
    """The trail of all changes in ``store``."""
    return Audit(store.audit, now=now, new_id=new_id)


def periods_of(settings: Settings) -> KeyPeriods:
    """How long a key signs, and is published before and after."""
    return KeyPeriods(
        active=settings.key_active_seconds,
        ahead=settings.key_ahead_seconds,
        retired=settings.key_retired_seconds,
    )


def key_files_of(settings: Settings) -> KeyFiles:
    """The source of the keys that are mounted as files."""
    return KeyFiles(tuple(map(Path, settings.key_files)), settings.key_files_password)


def changes_in(
    store: Store,
    *,
    now: Callable[[], int] = now,
    report: Callable[[HandlerFault], None] = log_command_fault,
) -> Changes:
    """The way in which anything in ``store`` is changed; ``report`` is told of failing plugins."""
    return Changes(audit_of(store, now=now), report)


def management_of(on: Foundation, changes: Changes) -> Management:
    """The commands and queries on this store, by these settings."""
    return Management(
        on.settings,
        on.store,
        on.usage,
        on.refusals,
        changes,
        periods_of(on.settings),
        on.passwords,
        now=on.now,
        new_subject=generate_subject,
    )


@asynccontextmanager
async def opened_management(
    settings: Settings, *, report: Callable[[HandlerFault], None]
) -> AsyncIterator[Management]:
    """The commands on the store of the settings, and their plugins, without a server.

    ``report`` is told of plugins that fail once a change is made. Raises StoreUnavailable,
    SettingsError or RegistryError.
    """
    ring = KeyRing(lambda: None, now=now)
    async with (
        opened_store(settings) as store,
        founded(settings, store, ring, Given(), now=now, new_id=new_id) as foundation,
    ):
        changes = changes_in(store, report=report)
        changes.ask(build_registry(build_services(foundation)))
        yield management_of(foundation, changes)


@asynccontextmanager
async def opened_previews(settings: Settings) -> AsyncIterator[Previews]:
    """Previews by the keys and plugins of the settings, without a server: nothing is maintained.

    Raises what ``opened_installation`` raises, and CommandRefused where there are no keys yet.
    """
    guards = key_encryption_keys(settings)
    async with opened_store(settings) as store:
        if await load_key_ring(store) is None:
            raise CommandRefused("there are no keys yet: the first start of the server makes them")
        changes, plugin_keys = changes_in(store), PluginKeys()
        keeper = _key_keeper(settings, store, changes, plugin_keys, guards, now)
        async with founded(
            settings, store, keeper.ring, Given(guards), now=now, new_id=new_id
        ) as foundation:
            services = build_services(foundation)
            registry = build_registry(services)
            plugin_keys.ask(registry)
            await keeper.load()
            yield Previews(services, registry)


def _key_keeper(
    settings: Settings,
    store: Store,
    changes: Changes,
    plugin_keys: PluginKeys,
    guards: Sequence[KeyEncryptionKey],
    now: Callable[[], int],
) -> KeyKeeper:
    return KeyKeeper(
        AuditedKeyRing(store, changes, SERVER_ACTOR),
        guards,
        algorithms=settings.signing_algorithms,
        periods=periods_of(settings),
        now=now,
        sources={"files": key_files_of(settings), "plugins": plugin_keys},
    )


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """The store of the settings, its schema up to date, closed in the end.

    Raises StoreUnavailable or SettingsError.
    """
    async with closing_store(settings) as store:
        await store.open()
        await store.upgrade()
        yield store


@asynccontextmanager
async def closing_store(
    settings: Settings, *, now: Callable[[], int] = now, patience: float = _PATIENCE
) -> AsyncIterator[Store]:
    """The store of the settings, not opened, closed in the end; raises SettingsError."""
    store = store_of(settings, now=now, patience=patience)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def opened_installation(
    settings: Settings,
    *,
    now: Callable[[], int] = now,
    metrics_directory: Path | None = None,
) -> AsyncIterator[Installation]:
    """Everything a server needs, checked and sealed; ``now`` is its clock, in Unix seconds.

    The store may still have to come: see ``Installation.until_ready``. Processes that are given the
    same ``metrics_directory``, empty at first, count together. Raises SettingsError, KeyringError
    or RegistryError: then it must not start.
    """
    keys = key_encryption_keys(settings)
    configured = await asyncio.to_thread(read_client_files, settings.client_files)
    files = settings.identity_provider_files
    given = Given(keys, await asyncio.to_thread(read_identity_providers, files))
    async with (
        opened_telemetry(settings, metrics_directory=metrics_directory) as telemetry,
        closing_store(settings, now=now, patience=patience_of(settings)) as unobserved,
    ):
        store = observed(unobserved, telemetry.metrics)
        changes, plugin_keys = changes_in(store, now=now), PluginKeys()
        keeper = _key_keeper(settings, store, changes, plugin_keys, keys, now)
        async with founded(
            settings, store, keeper.ring, given, now=now, new_id=new_id
        ) as foundation:
            services = build_services(foundation)
            registry = build_registry(services, telemetry)
            plugin_keys.ask(registry)
            changes.ask(registry)
            management = management_of(foundation, changes)
            _watch(telemetry, services, keeper)
            async with kept_in_step(foundation, keeper, services, changes.audit) as kept:
                try:
                    yield Installation(
                        settings,
                        store,
                        services,
                        registry,
                        configured,
                        management,
                        keys[0],
                        telemetry,
                        *kept,
                    )
                finally:
                    await services.backchannel_logout.close()


def _watch(telemetry: Telemetry, services: Services, keeper: KeyKeeper) -> None:
    """Lets the metrics ask what is counted elsewhere."""
    metrics, settings = telemetry.metrics, services.settings
    if metrics is None:
        return
    for name, directory in directories_of(services).items():
        metrics.watch_cache(name, directory.lookups)
    renewed = (*settings.signing_algorithms, ENCRYPTION_ALGORITHM)
    periods = periods_of(settings)
    metrics.watch_keys(KeyGauges(lambda: keeper.records, renewed, periods, services.now))
