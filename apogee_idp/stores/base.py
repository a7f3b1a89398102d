"""What a store must do: few operations, each on one document, each exact on every store.

There is no transaction over several documents. An expired document counts as absent, whether
or not it has been cleaned away.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from ..model import Finding
from .values import Document

MAXIMUM_PAGE = 100


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as read, with the version that a compare-and-set must name."""

    key: str
    document: Document = field(repr=False)
    version: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some documents in the order of their keys; ``after`` is the cursor to the next page."""

    items: tuple[Stored, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class Foreign:
    """What another program keeps in the same database, counted; all of it is left alone.

    ``tokens`` and ``authorizations`` are OpenIddict's, by type; those without one under ``""``.
    ``nameless`` documents of a collection have no key that is text: nobody can ask for them.
    """

    tokens: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    authorizations: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    nameless: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Change:
    """A document that was written or deleted; without a ``key``, nobody can tell which."""

    collection: str
    key: str | None = None


ANYTHING = Change("*")
"""What a watcher is told when it may have missed changes, of whatever collection."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The steps that a database has to go through, in order, and those of them that it lacks.

    A step only adds. So a program also runs on what later versions of it have made: ``newer`` is
    the number of their steps, of which it knows nothing else.
    """

    steps: tuple[str, ...]
    missing: tuple[str, ...]
    newer: int = 0

    @property
    def done(self) -> int:
        """How many of ``steps``."""
        return len(self.steps) - len(self.missing)

    def __str__(self) -> str:
        told = f"step {self.done} of {len(self.steps)}"
        return f"{told}, and {self.newer} of a later version" if self.newer else told


def check_limit(limit: int) -> None:
    """Raises ValueError for a page of an impossible size."""
    if not 1 <= limit <= MAXIMUM_PAGE:
        raise ValueError(f"limit must be 1 to {MAXIMUM_PAGE}")


class Collection(Protocol):
    """Documents of one kind, each under a unique key.

    Every operation raises StoreUnavailable if the store does not answer, TypeError for a key or a
    version that is not a str, and InvalidDocument for what not every store could keep.
    """

    async def insert(self, key: str, document: Document, *, expires_at: int | None = None) -> str:
        """Stores under a free key and returns the version; raises AlreadyExists.

        ``expires_at`` is in Unix seconds.
        """
        ...

    async def get(self, key: str) -> Stored | None:
        """The document under ``key``, or None if there is none."""
        ...

    async def replace(self, key: str, changes: Document, *, version: str) -> str:
        """Compare-and-set: returns the new version; raises Conflict unless ``version`` stands.

        Members of the stored document that ``changes`` does not name are kept, at every depth,
        and so is its expiry; a member set to ABSENT is removed.
        """
        ...

    async def delete(self, key: str, *, version: str | None = None) -> bool:
        """Whether there was something to delete; raises Conflict if ``version`` is not it."""
        ...

    async def take(self, key: str) -> Stored | None:
        """Removes and returns: of any number of callers, one at most gets the document."""
        ...

    async def list(self, *, after: str | None = None, limit: int = MAXIMUM_PAGE) -> Page:
        """Up to ``limit`` documents whose keys come behind ``after``, by key."""
        ...

    async def expire(self) -> int:
        """Cleans expired documents away and returns how many."""
        ...


class Store(Protocol):
    """The collections of one installation, usable once ``open`` and ``upgrade`` have returned."""

    @property
    def applications(self) -> Collection: ...
    @property
    def scopes(self) -> Collection: ...
    @property
    def keys(self) -> Collection: ...
    @property
    def resources(self) -> Collection: ...
    @property
    def revocations(self) -> Collection: ...
    @property
    def tokens(self) -> Collection: ...
    @property
    def assertions(self) -> Collection: ...
    @property
    def idempotency(self) -> Collection: ...
    @property
    def audit(self) -> Collection: ...
    @property
    def secrets(self) -> Collection: ...
    @property
    def refusals(self) -> Collection: ...
    @property
    def users(self) -> Collection: ...
    @property
    def logins(self) -> Collection: ...
    @property
    def sessions(self) -> Collection: ...
    @property
    def consents(self) -> Collection: ...
    @property
    def interactions(self) -> Collection: ...
    @property
    def authorizations(self) -> Collection: ...

    def prospect(self) -> Finding | None:
        """What the first start would make; None if there is something to open."""
        ...

    async def open(self) -> None:
        """Connects, and leaves the schema alone; may be called again after StoreUnavailable."""
        ...

    async def schema(self) -> Schema:
        """How far the schema is; raises StoreUnavailable."""
        ...

    async def upgrade(self) -> Sequence[str]:
        """Does the steps of the schema that are missing; raises StoreUnavailable.

        Of several processes one does them, and the others wait. Returns what stands in the way of
        those that can't be done, and what to do about it: the store works all the same, but for
        what would be wrong without them.
        """
        ...

    def changes(self) -> AsyncGenerator[Sequence[Change], None]:
        """What any process changes from now on, soon after; raises StoreUnavailable.

        Told are changes of the FOLLOWED collections alone.
        The first item has ANYTHING: from then on nothing is missed. An empty item says that the
        store has answered and nothing has changed.
        """
        ...

    async def check(self) -> list[Finding]:
        """What a person should know of the store; raises StoreUnavailable."""
        ...

    async def foreign(self) -> Foreign:
        """What there is beside our documents; raises StoreUnavailable."""
        ...

    async def close(self) -> None:
        """Finishes what was begun and lets go of everything."""
        ...
