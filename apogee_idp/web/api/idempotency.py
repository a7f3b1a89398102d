"""What makes something is made once, however often the request is sent under one Idempotency-Key.

The header is that of draft-ietf-httpapi-idempotency-key-header-07 §2, quoted or not. A request that
ended in a fault may have been done or not: its key never does it a second time.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from ...errors import AlreadyExists, StoreError, UnreadableDocument
from ...logs import annotate_request
from ...stores.base import Stored
from ...stores.members import optional, text, whole
from .calls import IDEMPOTENCY_KEY, Call, Desk, Reply, Route
from .problems import Problem, problem_of

KEPT_SECONDS = 86_400
LONGEST_REQUEST_SECONDS = 60

_SHOWN_ONCE = "client_secret"
_KEY = re.compile(r'"([!#-\[\]-~]{1,200})"|([!#-\[\]-~]{1,200})')


def idempotency_key(request: web.Request) -> str:
    """The key that ``request`` is sent under, or nothing; raises Problem."""
    given = request.headers.getall(IDEMPOTENCY_KEY, [])
    if not given:
        return ""
    match = _KEY.fullmatch(given[0].strip()) if len(given) == 1 else None
    if match is None:
        told = f"{IDEMPOTENCY_KEY} takes one key, of 1 to 200 printable ASCII characters."
        raise Problem(400, "invalid-request", told)
    return match[1] or match[2]


@dataclass(frozen=True, slots=True)
class _Record:
    """A request that was begun, in Unix seconds, and its reply once there is one."""

    fingerprint: str
    begun_at: int
    reply: Reply | None


class Idempotency:
    """Remembers for a day what was answered, without the secret that is shown once.

    A key belongs to the actor and the address that it was used with.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._records = desk.management.store.idempotency
        self._now = desk.management.now

    async def reply(self, route: Route, call: Call) -> Reply:
        """What the route replies, or has replied; raises Problem, and whatever the route raises."""
        if not call.idempotency_key:
            return await route.handle(self._desk, call)
        name, fingerprint = _name(route, call), _digest(call.body)
        begun_at = self._now()
        record = {"fingerprint": fingerprint, "begun_at": begun_at}
        try:
            version = await self._records.insert(name, record, expires_at=begun_at + KEPT_SECONDS)
        except AlreadyExists:
            return self._replay(await self._records.get(name), fingerprint)
        return await self._first_reply(route, call, name, version)

    async def _first_reply(self, route: Route, call: Call, name: str, version: str) -> Reply:
        try:
            reply = await route.handle(self._desk, call)
        except Exception as error:
            if problem_of(error).status < HTTPStatus.INTERNAL_SERVER_ERROR:
                await self._free(name, version)
            raise
        await self._keep(name, version, _written(route, reply))
        return reply

    async def _free(self, name: str, version: str) -> None:
        """Nothing was done: the request may be mended and sent again."""
        try:
            await self._records.delete(name, version=version)
        except StoreError:
            annotate_request(reason="the Idempotency-Key of a refused request could not be freed")

    async def _keep(self, name: str, version: str, written: str) -> None:
        """Whatever happens here, the secret has to reach the caller."""
        try:
            await self._records.replace(name, {"reply": written}, version=version)
        except StoreError:
            annotate_request(reason="the reply could not be kept under its Idempotency-Key")

    def _replay(self, stored: Stored | None, fingerprint: str) -> Reply:
        record = None if stored is None else _read(stored)
        if record is None:  # freed just now
            raise _in_use()
        if record.fingerprint != fingerprint:
            told = f"The {IDEMPOTENCY_KEY} was used with another body: choose a new one."
            raise Problem(422, "idempotency-key-reused", told)
        if record.reply is not None:
            annotate_request(is_replay=True)
            return record.reply
        if self._now() - record.begun_at < LONGEST_REQUEST_SECONDS:
            raise _in_use()
        told = (
            "Nobody knows whether the first request under this key was done: look, and if it was"
            f" not, send it under a new {IDEMPOTENCY_KEY}."
        )
        raise Problem(409, "idempotency-outcome-unknown", told)


def _in_use() -> Problem:
    told = "A request under this key is being answered: try again."
    return Problem(409, "idempotency-key-in-use", told, headers={"Retry-After": "1"})


def _name(route: Route, call: Call) -> str:
    whose = [call.actor.subject, route.method, route.path, dict(call.path), call.idempotency_key]
    return _digest(whose)


def _digest(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _written(route: Route, reply: Reply) -> str:
    """As JSON text, for its members may have names that no store takes."""
    body = route.answer().dump(reply.body) if route.answer is not None else None
    if isinstance(body, dict) and _SHOWN_ONCE in body:
        body[_SHOWN_ONCE] = None
    return json.dumps({"body": body, "version": reply.version, "location": reply.location})


def _read(stored: Stored) -> _Record:
    document = stored.document
    try:
        written = optional(text, document.get("reply"))
        reply = None if written is None else Reply(**json.loads(written), is_replay=True)
        return _Record(text(document["fingerprint"]), whole(document["begun_at"]), reply)
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableDocument("the record of an Idempotency-Key can't be read") from error
