"""One MongoDB collection, with the few operations that every store has.

Written against PyMongo's asynchronous interface, which motor's is a twin of.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import bson
from bson.datetime_ms import DatetimeMS
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import AutoReconnect, DuplicateKeyError

from ..errors import AlreadyExists, Conflict, StoreUnavailable, UnreadableDocument
from ..model import thawed
from .base import MAXIMUM_PAGE, Page, Stored, check_limit
from .expiry import remove_in_batches
from .mongo_errors import answered_within, is_lost_reply, is_refusal
from .mongo_schema import MongoSchema
from .values import (
    COLLECTIONS,
    EXPIRY_MEMBER,
    VERSION_MEMBER,
    Document,
    check_document,
    check_expiry,
    check_key,
    check_size,
    check_version,
    merged,
)

Raw = dict[str, Any]
_ATTEMPTS = 10
_AMBIGUOUS = "keys can't be kept unique, so nothing is added: run `apogee-idp db upgrade`"


class MongoCollection:
    """The collection ``name``, kept in ``documents``; ``schema`` says whether to write yet.

    Where it has no index that keeps keys apart, nothing is inserted, and a key that several
    documents have is UnreadableDocument.

    An operation that takes longer than ``patience`` seconds is StoreUnavailable; a write may still
    have happened then. The same if an answer was lost, unless it can be known what became of the
    write; reads, and updates to a version of their own, are tried once more.
    """

    def __init__(
        self,
        name: str,
        documents: AsyncCollection[Raw],
        schema: MongoSchema,
        *,
        now: Callable[[], int],
        new_id: Callable[[], str],
        patience: float,
    ) -> None:
        self._name = name
        self._key = COLLECTIONS[name]
        self._documents = documents
        self._schema = schema
        self._now = now
        self._new_id = new_id
        self._patience = patience

    async def insert(self, key: str, document: Document, *, expires_at: int | None = None) -> str:
        version = self._new_id()
        raw: Raw = thawed(merged({}, check_document(self._name, document)))
        raw |= {self._key: check_key(key), VERSION_MEMBER: version}
        if (expiry := check_expiry(expires_at)) is not None:
            raw[EXPIRY_MEMBER] = _date(expiry)
        check_size(len(bson.encode(raw)))
        async with self._writing():
            if not self._schema.is_unique(self._name):
                raise StoreUnavailable(f"{self._name}: {_AMBIGUOUS}")
            if not await self._insert_once(raw):
                await self._documents.delete_one(self._by_key(key) | self._expired())
                if not await self._insert_once(raw):
                    raise AlreadyExists(self._name)
        return version

    async def get(self, key: str) -> Stored | None:
        async with self._reading():
            raw = await self._find(self._by_key(check_key(key)), key)
        return None if raw is None else self._stored(raw)

    async def replace(self, key: str, changes: Document, *, version: str) -> str:
        current = self._by_version(check_key(key), check_version(version))
        changes = thawed(check_document(self._name, changes))
        new_version = self._new_id()
        async with self._writing():
            raw = await self._find(current, key)
            if raw is None or not await self._update_once(
                current, _update(raw, changes, new_version), key, new_version
            ):
                raise Conflict(self._name)
        return new_version

    async def delete(self, key: str, *, version: str | None = None) -> bool:
        if version is not None:
            check_version(version)
        async with self._writing():
            removed = await self._remove(check_key(key), version)
        if version is not None and removed is None:
            raise Conflict(self._name)
        return removed is not None

    async def take(self, key: str) -> Stored | None:
        async with self._writing():
            return await self._remove(check_key(key), None)

    async def list(self, *, after: str | None = None, limit: int = MAXIMUM_PAGE) -> Page:
        check_limit(limit)
        behind = self._with_keys(behind="" if after is None else check_key(after))
        alive = {EXPIRY_MEMBER: {"$not": {"$lte": _date(self._now())}}}
        cursor = self._documents.find(behind | alive).sort(self._key, 1).limit(limit + 1)
        async with self._reading():
            found = await cursor.to_list(limit + 1)
        items = tuple(self._stored(raw) for raw in found[:limit])
        return Page(items, items[-1].key if len(found) > limit else None)

    async def expire(self) -> int:
        return await remove_in_batches(self._remove_expired)

    async def versions(self) -> dict[str, str]:
        """The version of each document, by key."""
        members = {"_id": False, self._key: True, VERSION_MEMBER: True}
        async with self._reading():
            found = await self._documents.find(self._with_keys(), members).to_list(None)
        return {raw[self._key]: _version(raw) for raw in found}

    async def nameless(self) -> int:
        """How many documents have no key that is text, so that nobody can ask for them."""
        nobodys = {"$nor": [self._with_keys()]}
        async with self._reading():
            return await self._documents.count_documents(nobodys)

    def _reading(self) -> AbstractAsyncContextManager[None]:
        return answered_within(self._patience)

    def _writing(self) -> AbstractAsyncContextManager[None]:
        if not self._schema.is_upgraded:
            raise StoreUnavailable("the MongoDB store is not open yet")
        return answered_within(self._patience)

    async def _find(self, filter: Raw, key: str) -> Raw | None:
        try:
            raw = await self._documents.find_one(filter)
        except AutoReconnect as error:
            if not is_lost_reply(error):
                raise
            raw = await self._documents.find_one(filter)
        if raw is not None and raw[self._key] != key:
            raise UnreadableDocument(f"{self._name}: another document is found under a key")
        if raw is not None and not self._schema.is_unique(self._name):
            await self._check_alone(raw)
        return None if raw is None or self._is_expired(raw) else raw

    async def _check_alone(self, raw: Raw) -> None:
        twins = self._by_key(raw[self._key]) | {"_id": {"$ne": raw["_id"]}}
        if await self._documents.find_one(twins) is not None:
            raise UnreadableDocument(f"{self._name}: several documents have the same key")

    async def _insert(self, raw: Raw) -> bool:
        try:
            await self._documents.insert_one(raw)
        except DuplicateKeyError:
            return False
        return True

    async def _insert_once(self, raw: Raw) -> bool:
        """Whether the document, of a version that nobody else can write, was inserted."""
        try:
            return await self._insert(raw)
        except AutoReconnect as error:
            key, version = raw[self._key], raw[VERSION_MEMBER]
            if is_refusal(error):
                return await self._insert(raw) or await self._is_written(error, key, version)
            if not await self._is_written(error, key, version):
                raise  # not inserted, or inserted and taken since: it must not come back
            return True

    async def _update(self, filter: Raw, update: Raw) -> bool:
        return (await self._documents.update_one(filter, update)).matched_count == 1

    async def _update_once(self, filter: Raw, update: Raw, key: str, version: str) -> bool:
        """Whether the update, to a version that nobody else can write, took effect."""
        try:
            return await self._update(filter, update)
        except AutoReconnect as error:
            if is_refusal(error):
                done = await self._update(filter, update)
                return done or await self._is_written(error, key, version)
            written = await self._is_written(error, key, version)
            if not written and not await self._update(filter, update):
                raise  # somebody was faster, or has built on what was written
            return True

    async def _is_written(self, error: AutoReconnect, key: str, version: str) -> bool:
        """Whether ``version`` is there, though the answer to writing it was lost.

        Asked by a write that changes nothing: only writes see what a majority doesn't have yet.
        """
        if not is_lost_reply(error):
            raise error
        return await self._update(
            self._by_version(key, version), {"$set": {VERSION_MEMBER: version}}
        )

    async def _remove(self, key: str, version: str | None) -> Stored | None:
        """Not tried again if its answer is lost: nobody could tell who removed the document."""
        for _ in range(_ATTEMPTS):
            raw = await self._find(self._by_key(key), key)
            if raw is None or version not in (None, _version(raw)):
                return None
            deletion = await self._documents.delete_one(self._by_version(key, _version(raw)))
            if deletion.deleted_count:
                return self._stored(raw)
        raise StoreUnavailable(f"{self._name}: the document changes faster than it can be removed")

    async def _remove_expired(self, limit: int) -> int:
        """Found first, by the expiry index: a deletion has no limit."""
        by_index = {EXPIRY_MEMBER: {"$lte": _date(self._now())}}
        cursor = self._documents.find(by_index, {"_id": True}).limit(limit)
        async with self._writing():
            found = [raw["_id"] for raw in await cursor.to_list(limit)]
            if not found:
                return 0
            these = {"_id": {"$in": found}}
            return (await self._documents.delete_many(these | self._expired())).deleted_count

    def _with_keys(self, *, behind: str = "") -> Raw:
        # Of an array, MongoDB compares each element.
        return {self._key: {"$gt": behind, "$not": {"$type": "array"}}}

    def _by_key(self, key: str) -> Raw:
        return {self._key: {"$eq": key}}

    def _by_version(self, key: str, version: str) -> Raw:
        # Documents that others made may have no version, or none that is text.
        current = {"$eq": version} if version else {"$not": {"$gt": ""}}
        return self._by_key(key) | {VERSION_MEMBER: current}

    def _expired(self) -> Raw:
        return {EXPIRY_MEMBER: {"$lte": _date(self._now()), "$not": {"$type": "array"}}}

    def _is_expired(self, raw: Raw) -> bool:
        expiry = raw.get(EXPIRY_MEMBER)
        return isinstance(expiry, DatetimeMS) and int(expiry) <= self._now() * 1000

    def _stored(self, raw: Raw) -> Stored:
        own = ("_id", self._key, VERSION_MEMBER, EXPIRY_MEMBER)
        document = {name: _plain(value) for name, value in raw.items() if name not in own}
        return Stored(raw[self._key], document, _version(raw))


def _update(raw: Raw, changes: Document, version: str) -> Raw:
    """The update that makes ``changes`` on ``raw``; whole top-level members, no paths."""
    after = merged(raw, changes)
    check_size(len(bson.encode(after)))
    gone = {name: "" for name in changes if name not in after}
    kept = {name: after[name] for name in changes if name in after}
    return {"$set": kept | {VERSION_MEMBER: version}} | ({"$unset": gone} if gone else {})


def _version(raw: Raw) -> str:
    version = raw.get(VERSION_MEMBER)
    return version if isinstance(version, str) else ""


def _date(seconds: int) -> DatetimeMS:
    return DatetimeMS(seconds * 1000)


def _plain(value: Any) -> Any:
    """A value that other programs may have written, as JSON has it; what JSON lacks, as text."""
    match value:
        case None | bool() | str() | float():
            return value
        case int():
            return int(value)  # BSON's 64-bit integers have a class of their own
        case DatetimeMS():
            return int(value)
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case _:
            return str(value)
