"""What a route is, what it is given, and what it gives back."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from marshmallow import Schema

from ...crypto.sealing import KeyEncryptionKey
from ...management.cursors import Cursors
from ...management.desk import Management
from ...model import MANAGEMENT_SCOPES
from ...pipeline import Registry
from ...requests import Actor, Session
from ...services import Services

IDEMPOTENCY_KEY = "Idempotency-Key"
"""The header under whose value a request that creates something is done once."""

REPLAYED = "Idempotency-Replayed"
"""The header of a reply that was given before: nothing was done, and no secret is in it."""

_PARAMETER = re.compile(r"\{(\w+)\}")
_ALWAYS = frozenset({400, 500, 503})
_WITH_TOKEN = frozenset({401, 403})
_WITHOUT_TOKEN = frozenset({429})
_WITH_BODY = frozenset({408, 413, 415, 422})
_WITH_KEY = frozenset({409, 422})


@dataclass(frozen=True, slots=True)
class Desk:
    """All that routes work with."""

    management: Management
    services: Services
    registry: Registry
    key_encryption_key: KeyEncryptionKey = field(repr=False)
    cursors: Cursors = field(init=False)

    def __post_init__(self) -> None:
        key = self.key_encryption_key.derive(b"apogee-idp cursors")
        object.__setattr__(self, "cursors", Cursors(key))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in in the console, and what her requests have to carry."""

    session: Session
    csrf_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: an actor, who may be a person in the console."""

    actor: Actor
    person: Person | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A request by an actor who may make it, taken apart and checked by the route's schemas.

    ``version`` is the one that If-Match names, ``idempotency_key`` that of the header; without
    them, empty. ``person`` is who makes it in the console, if it is made there.
    """

    actor: Actor
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Mapping[str, Any] = field(repr=False)
    version: str = ""
    idempotency_key: str = field(default="", repr=False)
    person: Person | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What is told, as the route's schema dumps it.

    ``version`` becomes the ETag; ``location`` is a path below the API, ``following`` the cursor of
    the next page of a list. What was replied before to the same request ``is_replay``. One that
    ``signs_out`` takes the cookie of the session from the browser.
    """

    body: Any = None
    version: str | None = None
    location: str | None = None
    following: str | None = None
    is_replay: bool = False
    signs_out: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """One operation, and everything that is documented of it.

    ``scopes`` are those of which one is needed. A route that is open to callers without a token has
    none, but a name for them: ``anonymous``; a ``personal`` one has none either, and is about the
    console session by which it is called, whatever the person may do. A ``conditional`` route needs
    If-Match; one that ``lists`` answers with pages; one that ``patches`` takes a merge patch
    (RFC 7396). ``refusals`` are statuses beside those that follow from the rest.
    """

    method: str
    path: str
    scopes: tuple[str, ...]
    summary: str
    handle: Callable[[Desk, Call], Awaitable[Reply]]
    answer: type[Schema] | None = None
    body: type[Schema] | None = None
    query: type[Schema] | None = None
    status: int = 200
    conditional: bool = False
    lists: bool = False
    patches: bool = False
    refusals: frozenset[int] = frozenset()
    anonymous: str = ""
    personal: bool = False
    description: str = ""

    def __post_init__(self) -> None:
        if self.anonymous or self.personal:
            if self.scopes:
                raise ValueError(f"{self.method} {self.path} is open to all: a scope says nothing")
        elif not self.scopes or not {*self.scopes} <= {*MANAGEMENT_SCOPES}:
            raise ValueError(f"{self.method} {self.path} needs a scope of the management API")

    def is_open_to(self, actor: Actor) -> bool:
        """Whether he may call it."""
        return (
            bool(self.anonymous) or self.personal or any(actor.may(scope) for scope in self.scopes)
        )

    @property
    def creates(self) -> bool:
        """Whether it makes something: then it may be called under an Idempotency-Key."""
        return self.status == HTTPStatus.CREATED

    @property
    def media_types(self) -> tuple[str, ...]:
        """Those of its body."""
        return ("application/json", *(("application/merge-patch+json",) if self.patches else ()))

    @property
    def parameters(self) -> list[str]:
        """The names in the path."""
        return _PARAMETER.findall(self.path)

    @property
    def statuses(self) -> frozenset[int]:
        """Every status that it can answer with."""
        return (
            _ALWAYS
            | {self.status}
            | (_WITHOUT_TOKEN if self.anonymous else _WITH_TOKEN)
            | (_WITH_BODY if self.body else frozenset())
            | (frozenset({404}) if self.parameters else frozenset())
            | (frozenset({412, 428}) if self.conditional else frozenset())
            | (_WITH_KEY if self.creates else frozenset())
            | self.refusals
        )
