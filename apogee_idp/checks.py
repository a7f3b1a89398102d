"""What an operator can ask before serving: is everything fit, and which handlers would run?"""

from __future__ import annotations

import asyncio
import base64
import secrets
from dataclasses import replace
from typing import Any

from .app import closing_store, key_files_of, opened_installation
from .crypto.keys import open_record
from .crypto.sealing import KeyEncryptionKey
from .errors import ApogeeError, SettingsError
from .identity_providers import read_identity_providers
from .key_encryption import key_encryption_keys
from .management.client_files import read_client_files
from .model import Finding
from .settings import Settings
from .stores.base import Schema, Store
from .stores.repositories import load_key_ring
from .web.pages import check_templates

_NO_KEYS_YET = Finding("keys", True, "none yet: the first start makes them")


async def check(settings: Settings) -> list[Finding]:
    """Settings (loaded already), store with its schema, keys, and handlers with plugins."""
    findings = [Finding("settings", True, f"issuer {settings.issuer}")]
    keys: list[KeyEncryptionKey] | None = None
    try:
        keys = key_encryption_keys(settings)
    except ApogeeError as error:
        findings.append(Finding("keys", False, str(error)))
    findings += await _check_key_files(settings)
    findings += await _check_client_files(settings)
    findings += await _check_identity_providers(settings)
    findings += _check_templates(settings)
    findings += await _check_store(settings, keys)
    try:
        table = await handler_table(settings)
        findings.append(Finding("handlers", True, f"{len(table)} registered, all stages present"))
    except ApogeeError as error:
        findings.append(Finding("handlers", False, str(error)))
    return findings


async def _check_key_files(settings: Settings) -> list[Finding]:
    if not settings.key_files:
        return []
    try:
        found = await key_files_of(settings)()
    except ApogeeError as error:
        return [Finding("key files", False, str(error))]
    algorithms = ", ".join(key.algorithm for key in found)
    return [Finding("key files", True, f"{len(found)} keys: {algorithms}")]


async def _check_client_files(settings: Settings) -> list[Finding]:
    if not settings.client_files:
        return []
    try:
        found = await asyncio.to_thread(read_client_files, settings.client_files)
    except SettingsError as error:
        return [Finding("client files", False, problem) for problem in error.problems]
    return [Finding("client files", True, f"{len(found)} clients")]


async def _check_identity_providers(settings: Settings) -> list[Finding]:
    files = settings.identity_provider_files
    if not files and not settings.administrators:
        return []
    try:
        found = await asyncio.to_thread(read_identity_providers, files)
    except SettingsError as error:
        return [Finding("identity providers", False, problem) for problem in error.problems]
    names = [each.name for each in found]
    unknown = [e for e in settings.administrators if e.partition(":")[0] not in names]
    return [
        Finding("identity providers", True, ", ".join(names) or "none"),
        *(Finding("administrators", False, f"{e}: there is no such provider") for e in unknown),
    ]


def _check_templates(settings: Settings) -> list[Finding]:
    if not settings.templates:
        return []
    try:
        check_templates(settings)
    except SettingsError as error:
        problems = (problem.removeprefix("templates: ") for problem in error.problems)
        return [Finding("templates", False, problem) for problem in problems]
    return [Finding("templates", True, ", ".join(settings.templates))]


async def _check_store(settings: Settings, keys: list[KeyEncryptionKey] | None) -> list[Finding]:
    """Looks without making anything: a store that isn't there yet is left to the first start."""
    try:
        async with closing_store(settings) as store:
            prospect = store.prospect()
            if prospect is not None:
                return [prospect, *([] if keys is None else [_NO_KEYS_YET])]
            await store.open()
            schema = await store.schema()
            found = [*await store.check(), _schema_finding(schema)]
            if keys is not None:
                found.append(await _check_keys(store, keys) if schema.done else _NO_KEYS_YET)
            return found
    except ApogeeError as error:
        return [Finding("store", False, str(error))]


def _schema_finding(schema: Schema) -> Finding:
    if not schema.missing:
        return Finding("schema", True, str(schema))
    detail = f"{schema}: the next start, or `apogee-idp db upgrade`, goes on"
    return Finding("schema", True, detail)


async def handler_table(settings: Settings) -> list[dict[str, Any]]:
    """The sealed table as rows; raises RegistryError.

    Rehearsed on an empty store in memory, so it needs neither the real one nor its keys.
    """
    rehearsal = replace(
        settings,
        store="sqlite:///:memory:",
        client_files=(),
        key_encryption_key=(base64.b64encode(secrets.token_bytes(32)).decode(),),
    )
    async with opened_installation(rehearsal) as installation:
        return [
            {
                "event": row.event.__name__,
                "order": row.order,
                "name": row.name,
                "distribution": row.source.distribution,
                "version": row.source.version,
                "filter": row.filter_name,
            }
            for row in installation.registry.registrations()
        ]


async def _check_keys(store: Store, keys: list[KeyEncryptionKey]) -> Finding:
    try:
        ring = await load_key_ring(store)
        if ring is None:
            return _NO_KEYS_YET
        for record in ring.keys:
            open_record(record, keys, {})
    except ApogeeError as error:
        return Finding("keys", False, str(error))
    algorithms = ", ".join(record.algorithm for record in ring.keys)
    return Finding("keys", True, f"{len(ring.keys)} open: {algorithms}")
