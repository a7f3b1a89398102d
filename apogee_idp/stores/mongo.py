"""The store for production: MongoDB, in the documents and collections of OpenIddict.

The only file that imports motor: PyMongo's own asynchronous client, which succeeds it, has the same
methods but for ``watch`` and ``close``.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, cast

import pymongo
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError, WriteConcernError
from pymongo.write_concern import WriteConcern

from ..errors import SettingsError, StoreUnavailable
from ..model import Finding
from .base import ANYTHING, Change, Foreign, Schema
from .collections import Collections
from .mongo_collection import MongoCollection, Raw
from .mongo_errors import answered_within, translated_errors
from .mongo_schema import OPENIDDICTS, MongoSchema, place_of
from .polling import Versions, poll_versions
from .values import COLLECTIONS, FOLLOWED

_OLDEST = (5, 0)
_CLOCK_SECONDS = 5
_HEARTBEAT_SECONDS = 0.5
_SILENCE_SECONDS = 1.5
_NO_CHANGE_STREAMS = (13, 40573)  # no permission; no replica set
_CONNECTING_SECONDS = 5.0
_COUNTING_SECONDS = 60.0
_POOL_SIZE = 32


class MongoStore(Collections[MongoCollection]):
    """A store in the database that ``url`` names; raises SettingsError if ``url`` is unusable.

    ``prefix`` begins the name of every collection. ``now`` gives Unix seconds, ``new_id`` unique
    strings. An operation that takes longer than ``patience`` seconds is StoreUnavailable; a write
    may still have happened then.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "openiddict",
        now: Callable[[], int],
        new_id: Callable[[], str],
        patience: float = 5.0,
    ) -> None:
        self._client, self._motor_database = _connect(url, patience)
        self._database = cast(AsyncDatabase[Raw], self._motor_database)
        self._prefix = prefix
        self._names = {place_of(name, prefix): name for name in COLLECTIONS}
        self._followed = {place: n for place, n in self._names.items() if n in FOLLOWED}
        self._schema = MongoSchema(
            self._database, prefix, now=now, new_id=new_id, patience=patience
        )
        self._now, self._patience = now, patience
        self._collections = {
            name: MongoCollection(
                name,
                self._database[place],
                self._schema,
                now=now,
                new_id=new_id,
                patience=patience,
            )
            for place, name in self._names.items()
        }
        super().__init__(self._collections)

    def prospect(self) -> Finding | None:
        """There is always a server to ask."""
        return None

    async def open(self) -> None:
        await self._schema.recorded()

    async def schema(self) -> Schema:
        return await self._schema.read()

    async def upgrade(self) -> Sequence[str]:
        """Where keys can't be kept unique, nothing is inserted, and no ambiguous one is found."""
        return await self._schema.upgrade()

    async def changes(self) -> AsyncGenerator[Sequence[Change], None]:
        """By a change stream, where the server has them; else by polling versions."""
        with translated_errors():
            async with AsyncExitStack() as stack:
                try:
                    stream = await stack.enter_async_context(self._watch())
                except OperationFailure as error:
                    if error.code not in _NO_CHANGE_STREAMS:
                        raise
                    source = poll_versions(self._versions)
                else:
                    source = self._read_stream(stream)
                async for changes in source:
                    yield changes

    async def check(self) -> list[Finding]:
        """Version, indexes, whether a majority confirms writes, and the clocks' difference."""
        async with answered_within(self._patience):
            return [
                await self._check_version(),
                *await self._schema.findings(),
                await self._check_write_concern(),
                await self._check_clock(),
            ]

    async def foreign(self) -> Foreign:
        async with answered_within(_COUNTING_SECONDS):
            return Foreign(
                tokens=await self._types_in("tokens"),
                authorizations=await self._types_in("authorizations"),
                nameless={name: await self._collections[name].nameless() for name in OPENIDDICTS},
            )

    async def close(self) -> None:
        await asyncio.to_thread(self._client.close)

    def _watch(self) -> AsyncChangeStream[Raw]:
        ours = {"$in": [*self._followed]}
        of_ours = {"$match": {"$or": [{"ns.coll": ours}, {"to.coll": ours}, {"ns.coll": None}]}}
        places = ("fullDocument", "updateDescription.updatedFields")
        keys = [
            f"{place}.{member}" for place in places for member in {COLLECTIONS[n] for n in FOLLOWED}
        ]
        needed = {"$project": dict.fromkeys(("operationType", "ns", *keys), 1)}
        stream = self._motor_database.watch(
            [of_ours, needed],
            full_document="updateLookup",
            max_await_time_ms=round(_HEARTBEAT_SECONDS * 1000),
        )
        return cast(AsyncChangeStream[Raw], stream)

    async def _read_stream(
        self, stream: AsyncChangeStream[Raw]
    ) -> AsyncGenerator[Sequence[Change], None]:
        yield (ANYTHING,)
        while stream.alive:
            with pymongo.timeout(_SILENCE_SECONDS):
                event = await stream.try_next()
            yield () if event is None else (self._change_of(event),)
        raise StoreUnavailable("MongoDB ended the change stream")

    def _change_of(self, event: Mapping[str, Any]) -> Change:
        """With a key only where it is certain that the document had no other one before."""
        name = self._followed.get(event.get("ns", {}).get("coll", ""))
        if name is None:
            return ANYTHING
        member = COLLECTIONS[name]
        updated = event.get("updateDescription", {}).get("updatedFields", {})
        key = (event.get("fullDocument") or {}).get(member)
        certain = event["operationType"] in ("insert", "update") and member not in updated
        return Change(name, key if certain and isinstance(key, str) else None)

    async def _versions(self) -> Versions:
        return {
            Change(name, key): version
            for name in FOLLOWED
            for key, version in (await self._collections[name].versions()).items()
        }

    async def _types_in(self, name: str) -> dict[str, int]:
        """How many documents of each type there are in a collection that only OpenIddict has."""
        documents = self._database[f"{self._prefix}.{name}"]
        types = [kind for kind in await documents.distinct("type") if isinstance(kind, str)]
        counts = {kind: await documents.count_documents({"type": kind}) for kind in sorted(types)}
        untyped = await documents.count_documents({}) - sum(counts.values())
        return counts | ({"": untyped} if untyped else {})

    async def _check_version(self) -> Finding:
        build = await self._database.command("buildInfo")
        hello = await self._database.command("hello")
        kind = f"replica set {hello['setName']}" if "setName" in hello else "no replica set"
        told = f"MongoDB {build['version']}, {kind}, database {self._database.name}"
        if tuple(build["versionArray"][:2]) < _OLDEST:
            return Finding("store", False, f"{told}: needs MongoDB {_OLDEST[0]} or newer")
        return Finding("store", True, told)

    async def _check_write_concern(self) -> Finding:
        """By deleting nothing: the server waits for its majority all the same."""
        concern = WriteConcern("majority", j=True, wtimeout=round(self._patience * 500))
        applications = next(iter(self._names))
        documents = self._database.get_collection(applications, write_concern=concern)
        try:
            with pymongo.timeout(None):  # the driver's own deadline takes the place of wtimeout
                await documents.delete_one({"_id": "nothing"})
        except WriteConcernError:
            detail = "no majority of the replica set confirms writes: are its members up?"
            return Finding("writes", False, detail)
        return Finding("writes", True, "confirmed by a majority, journaled")

    async def _check_clock(self) -> Finding:
        before = self._now()
        options = self._database.codec_options
        hello = await self._database.command("hello", codec_options=options)
        away = abs(int(hello["localTime"]) / 1000 - (before + self._now() + 1) / 2)
        if away > _CLOCK_SECONDS:
            detail = f"{away:.0f} s apart from this machine's: synchronise both (NTP)"
            return Finding("clock", False, detail)
        return Finding("clock", True, f"less than {_CLOCK_SECONDS} s apart")


def _options(patience: float) -> dict[str, Any]:
    """Stronger than whatever the URL says of concerns, preferences and time-outs."""
    milliseconds = round(patience * 1000)
    heartbeat = round(_HEARTBEAT_SECONDS * 1000)
    connecting = min(milliseconds, round(_CONNECTING_SECONDS * 1000))
    return {
        "appname": "apogee-idp",
        "w": "majority",
        "journal": True,
        "readConcernLevel": "majority",
        "readPreference": "primary",
        "heartbeatFrequencyMS": heartbeat,
        "serverSelectionTimeoutMS": connecting,
        "connectTimeoutMS": connecting,
        "socketTimeoutMS": connecting + heartbeat,
        "waitQueueTimeoutMS": milliseconds,
        "maxPoolSize": _POOL_SIZE,
        "datetime_conversion": "DATETIME_MS",
    }


def _connect(url: str, patience: float) -> tuple[Any, Any]:
    try:
        with warnings.catch_warnings():
            # Of an option that it does not know, like a misspelt "tls", the driver only warns.
            warnings.simplefilter("error", UserWarning)
            client: Any = AsyncIOMotorClient(url, **_options(patience))
            return client, client.get_default_database()
    except (PyMongoError, ValueError, TypeError, OSError, UserWarning) as error:
        # Not its text: it may quote a part of the password.
        problem = (
            "store: is no MongoDB URL that can be used. It is"
            " mongodb://user:password@host1,host2/database?replicaSet=name, with user and password"
            " percent-encoded, and only options that the driver knows, each once"
            f" ({type(error).__name__})"
        )
        raise SettingsError([problem]) from None
