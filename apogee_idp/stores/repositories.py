"""Clients, scopes and keys as documents in OpenIddict's shape, and back.

What OpenIddict has no field for goes under ``properties``: its own ``SkipTokenEncryption``, and
ours under ``properties.apogee``. Members that we don't know stay as they are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Generic, TypeVar

from ..errors import StoreUnavailable
from ..model import (
    SIGNING_ALGORITHMS,
    TOKEN_TYPS,
    Client,
    ClientSecret,
    KeyRecord,
    Scope,
    TokenProfile,
    frozen,
    thawed,
)
from .base import Collection, Document, Store, Stored

OPENIDDICT_SECRET_ID = "openiddict"
"""The id of the one secret that OpenIddict itself keeps, hashed, in the field ``client_secret``."""

_SKIP_TOKEN_ENCRYPTION = "SkipTokenEncryption"
_OURS = "apogee"
_KEY_SET = "current"

Entity = TypeVar("Entity", Client, Scope)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Repository(Generic[Entity]):
    """Typed access to one collection.

    Every method raises what the collection raises; a document that can't be read as an
    ``Entity`` is StoreUnavailable, never a wrong answer.
    """

    _collection: Collection
    _key: Callable[[Entity], str]
    _write: Callable[[Entity, Document], Document]
    _read: Callable[[Stored], Entity]

    async def get(self, key: str) -> Entity | None:
        """The entity under this key, or None."""
        stored = await self._collection.get(key)
        return None if stored is None else self._entity(stored)

    async def add(self, entity: Entity) -> Entity:
        """Stores a new entity; raises AlreadyExists."""
        version = await self._collection.insert(self._key(entity), self._write(entity, {}))
        return replace(entity, concurrency_token=version)

    async def update(self, entity: Entity) -> Entity:
        """Stores a changed entity; raises Conflict if its ``concurrency_token`` is not current."""
        key = self._key(entity)
        previous = await self._collection.get(key)
        document = self._write(entity, previous.document if previous else {})
        version = await self._collection.replace(key, document, version=entity.concurrency_token)
        return replace(entity, concurrency_token=version)

    async def delete(self, key: str) -> bool:
        """Whether there was something to delete."""
        return await self._collection.delete(key)

    async def all(self) -> AsyncIterator[Entity]:
        """Every entity in the order of its key, fetched page by page."""
        after: str | None = None
        while True:
            page = await self._collection.list(after=after)
            for stored in page.items:
                yield self._entity(stored)
            if page.after is None:
                return
            after = page.after

    def _entity(self, stored: Stored) -> Entity:
        try:
            return self._read(stored)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StoreUnavailable(
                f"the stored document {stored.key} can't be read: {type(error).__name__}"
            ) from error


def clients_in(store: Store) -> Repository[Client]:
    """The registered clients, by client_id."""
    return Repository(
        store.applications, lambda client: client.client_id, _write_client, _read_client
    )


def scopes_in(store: Store) -> Repository[Scope]:
    """The scopes, by name."""
    return Repository(store.scopes, lambda scope: scope.name, _write_scope, _read_scope)


async def load_key_records(store: Store) -> tuple[KeyRecord, ...] | None:
    """The key set of the installation, or None if none was ever made."""
    stored = await store.keys.get(_KEY_SET)
    if stored is None:
        return None
    try:
        return tuple(_read_key_record(record) for record in stored.document["keys"])
    except (TypeError, KeyError) as error:
        raise StoreUnavailable("the stored key set can't be read") from error


async def add_key_records(store: Store, records: tuple[KeyRecord, ...]) -> None:
    """Makes ``records`` the key set; raises AlreadyExists if there is one."""
    await store.keys.insert(_KEY_SET, {"keys": [asdict(record) for record in records]})


def _write_client(client: Client, previous: Document) -> Document:
    legacy = [s.hash for s in client.secrets if s.id == OPENIDDICT_SECRET_ID]
    facts = (previous.get("properties") or {}).get(_OURS, {})
    properties = thawed(client.properties) | {_OURS: {**facts, **_our_facts(client, facts)}}
    if client.skip_token_encryption:
        properties[_SKIP_TOKEN_ENCRYPTION] = True
    return {
        "client_id": client.client_id,
        "client_type": client.client_type,
        "application_type": client.application_type,
        "display_name": client.display_name or None,
        "permissions": sorted(client.permissions),
        "requirements": sorted(client.requirements),
        "client_secret": legacy[0] if legacy else None,
        "properties": properties,
    }


def _our_facts(client: Client, previous: Mapping[str, Any]) -> dict[str, Any]:
    known = {secret["id"]: secret for secret in previous.get("secrets", ())}
    own = [s for s in client.secrets if s.id != OPENIDDICT_SECRET_ID]
    return {
        "enabled": client.enabled,
        "roles": list(client.roles),
        "default_scopes": list(client.default_scopes),
        "default_audience": client.default_audience,
        "token_profile": previous.get("token_profile", {}) | asdict(client.token_profile),
        "created_at": client.created_at,
        "secrets": [known.get(secret.id, {}) | asdict(secret) for secret in own],
    }


def _read_client(stored: Stored) -> Client:
    document = stored.document
    properties = dict(document.get("properties") or {})
    ours = properties.pop(_OURS, {})
    # Only the boolean true opts out: "true", 1 and whatever else leave encryption on.
    skip = properties.pop(_SKIP_TOKEN_ENCRYPTION, None) is True
    if document["client_id"] != stored.key:
        raise ValueError("the document of another client")
    confidential = str(document.get("client_type")).lower() == "confidential"
    return Client(
        client_id=_text(document["client_id"]),
        display_name=_text(document.get("display_name") or ""),
        client_type="confidential" if confidential else "public",
        application_type=_text(document.get("application_type") or "web"),
        enabled=ours.get("enabled", True) is True,
        permissions=frozenset(_texts(document.get("permissions"))),
        requirements=frozenset(_texts(document.get("requirements"))),
        roles=_texts(ours.get("roles")),
        default_scopes=_texts(ours.get("default_scopes")),
        default_audience=_optional(_text, ours.get("default_audience")),
        skip_token_encryption=skip,
        token_profile=_read_token_profile(ours.get("token_profile", {})),
        secrets=_read_secrets(document, ours),
        created_at=_whole(ours.get("created_at", 0)),
        properties=frozen(properties),
        concurrency_token=stored.version,
    )


def _read_token_profile(members: Mapping[str, Any]) -> TokenProfile:
    profile = TokenProfile(members.get("signing_algorithm", "RS256"), members.get("typ", "at+jwt"))
    if profile.signing_algorithm not in SIGNING_ALGORITHMS or profile.typ not in TOKEN_TYPS:
        raise ValueError("a token profile that nobody offers")
    return profile


def _read_secrets(document: Document, ours: Mapping[str, Any]) -> tuple[ClientSecret, ...]:
    secrets = [
        ClientSecret(
            _text(secret["id"]),
            _text(secret["hash"]),
            _whole(secret.get("created_at", 0)),
            _optional(_whole, secret.get("expires_at")),
        )
        for secret in ours.get("secrets", ())
    ]
    if document.get("client_secret"):
        secrets.append(ClientSecret(OPENIDDICT_SECRET_ID, _text(document["client_secret"])))
    return tuple(secrets)


def _write_scope(scope: Scope, _: Document) -> Document:
    return {
        "name": scope.name,
        "display_name": scope.display_name or None,
        "description": scope.description or None,
        "resources": list(scope.resources),
        "properties": thawed(scope.properties) or None,
    }


def _read_scope(stored: Stored) -> Scope:
    document = stored.document
    return Scope(
        name=_text(document["name"]),
        resources=_texts(document.get("resources")),
        display_name=_text(document.get("display_name") or ""),
        description=_text(document.get("description") or ""),
        properties=frozen(document.get("properties") or {}),
        concurrency_token=stored.version,
    )


def _read_key_record(members: Mapping[str, Any]) -> KeyRecord:
    return KeyRecord(
        _text(members["kid"]),
        members["use"],
        _text(members["algorithm"]),
        _whole(members["created_at"]),
        _text(members["sealed"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple | None):
        raise TypeError("expected a list")
    return tuple(_text(item) for item in value or ())


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError("expected a whole number")
    return value


def _optional(read: Callable[[object], Value], value: object) -> Value | None:
    return None if value is None else read(value)
