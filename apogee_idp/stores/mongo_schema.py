"""The indexes that the MongoDB store stands on, and how one process of many makes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, OperationFailure

from ..errors import StoreUnavailable, UnreadableDocument
from ..model import Finding
from .base import Schema
from .mongo_errors import answered_within
from .values import EXPIRING, EXPIRY_MEMBER

_RECORD = {"_id": "schema"}
_LEASE_SECONDS = 5
_STEP_SECONDS = 60.0
_WAIT_SECONDS = 0.1
_WAITS = 100
_INDEX_CONFLICTS = (85, 86)
OPENIDDICTS = ("applications", "scopes")


def place_of(name: str, prefix: str) -> str:
    """The collection that ``name`` is kept in; ours apart from what OpenIddict may ever have."""
    return f"{prefix}.{name}" if name in OPENIDDICTS else f"{prefix}.apogee.{name}"


class StepRefused(Exception):
    """Documents, or another index, don't let a step be done; says what to do about it."""


class Step(Protocol):
    """One index that the store stands on; ``str`` says which."""

    @property
    def collection(self) -> str: ...

    async def is_done(self, documents: AsyncCollection[Any]) -> bool:
        """Whether there is such an index, whoever made it, under whatever name."""
        ...

    async def do(self, documents: AsyncCollection[Any]) -> None:
        """Makes the index; raises StepRefused if the documents or another index forbid it."""
        ...


@dataclass(frozen=True, slots=True)
class UniqueIndex:
    """No two documents of ``collection`` have the same ``member``."""

    collection: str
    member: str

    def __str__(self) -> str:
        return f"unique index on {self.collection}.{self.member}"

    async def is_done(self, documents: AsyncCollection[Any]) -> bool:
        indexes = (await documents.index_information()).values()
        return any(
            list(index["key"]) == [(self.member, 1)]
            and index.get("unique") is True
            and "partialFilterExpression" not in index
            for index in indexes
        )

    async def do(self, documents: AsyncCollection[Any]) -> None:
        try:
            await documents.create_index([(self.member, 1)], unique=True)
        except DuplicateKeyError as error:
            twice = ((error.details or {}).get("keyValue") or {}).get(self.member, "")
            raise StepRefused(
                f"several documents of {documents.name} have the same {self.member} {twice}: delete"
                " all but one of them, then run `apogee-idp db upgrade`"
            ) from error
        except OperationFailure as error:
            if error.code not in _INDEX_CONFLICTS:
                raise
            raise StepRefused(
                f"{documents.name} has another index on {self.member}, which is not unique: drop"
                " it, then run `apogee-idp db upgrade`"
            ) from error


@dataclass(frozen=True, slots=True)
class ExpiryIndex:
    """MongoDB itself cleans away the documents of ``collection`` that have expired."""

    collection: str

    def __str__(self) -> str:
        return f"expiry index on {self.collection}.{EXPIRY_MEMBER}"

    async def is_done(self, documents: AsyncCollection[Any]) -> bool:
        indexes = (await documents.index_information()).values()
        return any(
            list(index["key"]) == [(EXPIRY_MEMBER, 1)] and index.get("expireAfterSeconds") == 0
            for index in indexes
        )

    async def do(self, documents: AsyncCollection[Any]) -> None:
        try:
            await documents.create_index([(EXPIRY_MEMBER, 1)], expireAfterSeconds=0)
        except OperationFailure as error:
            if error.code not in _INDEX_CONFLICTS:
                raise
            raise StepRefused(
                f"{documents.name} has another index on {EXPIRY_MEMBER}: drop it, then run"
                " `apogee-idp db upgrade`"
            ) from error


STEPS: tuple[Step, ...] = (
    UniqueIndex("applications", "client_id"),
    UniqueIndex("scopes", "name"),
    *map(ExpiryIndex, EXPIRING),
)
"""Numbered from 1. A step that was released is never changed: new indexes are a new step.

A step adds, and takes nothing away that the version before needs, which may run beside this one.
"""


class MongoSchema:
    """The schema of the database, where collections have names beginning with ``prefix``.

    A document records how many steps were done, and who does them just now: a lease, that another
    process takes over when it runs out. Should its holder only have been asleep, both do the same
    steps, which is harmless.
    """

    def __init__(
        self,
        database: AsyncDatabase[Any],
        prefix: str,
        *,
        now: Callable[[], int],
        new_id: Callable[[], str],
        patience: float,
    ) -> None:
        self._records = database[f"{prefix}.apogee.schema"]
        self._collections = {
            step.collection: database[place_of(step.collection, prefix)] for step in STEPS
        }
        self._now = now
        self._owner = new_id()
        self._patience = patience
        self._refused: Mapping[Step, str] | None = None

    @property
    def is_upgraded(self) -> bool:
        """Whether this process has done what it could."""
        return self._refused is not None

    def is_unique(self, collection: str) -> bool:
        """Whether no two documents have the same key, as far as this process knows."""
        refused = self._refused or ()
        return not any(
            isinstance(step, UniqueIndex) and step.collection == collection for step in refused
        )

    async def read(self) -> Schema:
        """What there is, whatever was recorded; of later versions' steps, what was recorded."""
        newer = max(0, await self.recorded() - len(STEPS))
        missing = await self._missing(STEPS)
        return Schema(tuple(map(str, STEPS)), tuple(map(str, missing)), newer)

    async def upgrade(self) -> Sequence[str]:
        """Does the steps that are missing, or waits until another process has done them.

        Returns what stands in the way of those that can't be done, and what to do about it.
        """
        for _ in range(_WAITS):
            if not await self._is_outdated():
                self._refused = {}
            elif await self._take_lease():
                try:
                    self._refused = await self._do_steps()
                finally:
                    await self._end_lease()
            else:
                await asyncio.sleep(_WAIT_SECONDS)
                continue
            return tuple(self._refused.values())
        raise StoreUnavailable("another process is upgrading the schema")

    async def findings(self) -> list[Finding]:
        """Each index that was made and is missing now; if there is none, that."""
        made = STEPS[: await self.recorded()]
        missing = await self._missing(made)
        if not missing:
            return [Finding("index", True, f"{len(made)} of {len(made)}")]
        advice = "missing: run `apogee-idp db upgrade`"
        return [Finding("index", False, f"{step} {advice}") for step in missing]

    async def _is_outdated(self) -> bool:
        return await self.recorded() < len(STEPS) or bool(await self._missing(STEPS))

    async def recorded(self) -> int:
        """How many steps processes have gone through; raises StoreUnavailable."""
        async with answered_within(self._patience):
            record = await self._records.find_one(_RECORD) or {}
        done = record.get("done", 0)
        if not isinstance(done, int):
            raise UnreadableDocument("the record of the schema can't be read")
        return int(done)

    async def _missing(self, steps: Sequence[Step]) -> list[Step]:
        async with answered_within(self._patience):
            done = await asyncio.gather(*(step.is_done(self._documents(step)) for step in steps))
        return [step for step, is_done in zip(steps, done, strict=True) if not is_done]

    async def _do_steps(self) -> Mapping[Step, str]:
        refused: dict[Step, str] = {}
        for number, step in enumerate(STEPS, start=1):
            async with answered_within(_STEP_SECONDS):
                try:
                    if not await step.is_done(self._documents(step)):
                        await step.do(self._documents(step))
                except StepRefused as refusal:
                    refused[step] = str(refusal)
                await self._records.update_one(_RECORD, {"$max": {"done": number}})
        return refused

    async def _take_lease(self) -> bool:
        now = self._now()
        # No lease runs so long: its holder's clock is ahead, or something else was written there.
        odd = {"$not": {"$lte": now + _LEASE_SECONDS}}
        free = [
            {"lease_owner": self._owner},
            {"lease_until": {"$lte": now}},
            {"lease_until": odd},
        ]
        lease = {"lease_owner": self._owner, "lease_until": now + _LEASE_SECONDS}
        async with answered_within(self._patience):
            try:
                wanted = _RECORD | {"$or": free}
                await self._records.update_one(wanted, {"$set": lease}, upsert=True)
            except DuplicateKeyError:
                return False
        return True

    async def _end_lease(self) -> None:
        own = _RECORD | {"lease_owner": self._owner}
        with suppress(StoreUnavailable):  # then it runs out
            async with answered_within(self._patience):
                await self._records.update_one(
                    own, {"$unset": {"lease_owner": "", "lease_until": ""}}
                )

    def _documents(self, step: Step) -> AsyncCollection[Any]:
        return self._collections[step.collection]
