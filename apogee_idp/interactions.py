"""Requests that wait for a person: kept here, while the browser has only a handle to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from .browser_secrets import is_value, key_of, new_value
from .errors import Conflict, UnreadableDocument
from .stores.base import Collection, Stored
from .stores.members import one_of, optional, text, texts, whole

INTERACTION_SECONDS = 600

Purpose = Literal["authorization", "external", "login", "logout"]
Parameters = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FirstFactor:
    """Who has proven who she is by ``methods``, but for one more; see UserAuthentication."""

    subject: str
    since: int
    auth_time: int
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Interaction:
    """One request that waits; ``parameters`` as they were sent, in their order.

    ``browser`` is the key of the browser's own value (``browser_secrets.key_of``), once one has
    come for it; ``session_id`` is the session that began in it, if one has, ``first_factor`` who
    was about to begin one.
    """

    handle: str = field(repr=False)
    purpose: Purpose
    parameters: Parameters = field(repr=False)
    browser: str | None = field(default=None, repr=False)
    session_id: str | None = field(default=None, repr=False)
    first_factor: FirstFactor | None = None
    version: str = ""


class Interactions:
    """Interactions by the SHA-256 of their handles, for INTERACTION_SECONDS.

    ``now`` gives Unix seconds. Every method raises StoreUnavailable.
    """

    __slots__ = ("_interactions", "_now")

    def __init__(self, interactions: Collection, *, now: Callable[[], int]) -> None:
        self._interactions = interactions
        self._now = now

    async def park(
        self, purpose: Purpose, parameters: Sequence[tuple[str, str]], *, browser: str | None = None
    ) -> str:
        """The handle to a new one."""
        handle = new_value()
        await self._keep(Interaction(handle, purpose, tuple(parameters), browser))
        return handle

    async def find(self, handle: str, purpose: Purpose) -> Interaction | None:
        """The one with this handle, unless it was taken or has expired."""
        stored = await self._interactions.get(key_of(handle)) if is_value(handle) else None
        found = stored and _read(handle, stored)
        return found if found and found.purpose == purpose else None

    async def bind(self, interaction: Interaction, browser: str) -> Interaction | None:
        """Makes it that browser's, the first that comes; None if another was faster."""
        changes = {"browser": browser}
        with suppress(Conflict):
            version = await self._replace(interaction, changes)
            return replace(interaction, browser=browser, version=version)
        return None

    async def note_session(self, interaction: Interaction, session_id: str) -> None:
        """Notes which session began in it, unless something else has happened to it meanwhile."""
        with suppress(Conflict):
            await self._replace(interaction, {"session_id": session_id, "first_factor": None})

    async def note_first_factor(
        self, interaction: Interaction, first_factor: FirstFactor | None
    ) -> Interaction | None:
        """Notes who has still to prove more; None if something else has happened meanwhile."""
        noted = None if first_factor is None else json.dumps(asdict(first_factor))
        with suppress(Conflict):
            version = await self._replace(interaction, {"first_factor": noted})
            return replace(interaction, first_factor=first_factor, version=version)
        return None

    async def take(self, interaction: Interaction) -> bool:
        """Ends it: of any number of callers, one at most is told that it was there."""
        return await self._interactions.take(key_of(interaction.handle)) is not None

    async def _keep(self, interaction: Interaction) -> None:
        document = {
            "purpose": interaction.purpose,
            "parameters": json.dumps(interaction.parameters),
            "browser": interaction.browser,
            "session_id": interaction.session_id,
            "first_factor": None,
        }
        expires_at = self._now() + INTERACTION_SECONDS
        key = key_of(interaction.handle)
        await self._interactions.insert(key, document, expires_at=expires_at)

    async def _replace(self, interaction: Interaction, changes: dict[str, Any]) -> str:
        key = key_of(interaction.handle)
        return await self._interactions.replace(key, changes, version=interaction.version)


def _first_factor(noted: Any) -> FirstFactor:
    members = json.loads(text(noted))
    return FirstFactor(
        text(members["subject"]),
        whole(members["since"]),
        # Older versions don't say it: then nobody does.
        whole(members.get("auth_time", 0)),
        texts(members["methods"]),
    )


def _read(handle: str, stored: Stored) -> Interaction:
    document = stored.document
    try:
        return Interaction(
            handle,
            one_of(get_args(Purpose), document["purpose"]),
            tuple((text(n), text(v)) for n, v in json.loads(document["parameters"])),
            optional(text, document["browser"]),
            optional(text, document["session_id"]),
            optional(_first_factor, document["first_factor"]),
            stored.version,
        )
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableDocument("an interaction can't be read") from error
