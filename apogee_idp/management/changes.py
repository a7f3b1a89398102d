"""How anything is changed: plugins are asked, the trail is written, then plugins are told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..commands import COMMANDS, Command, action_of
from ..errors import HandlerFault, RegistryError
from ..pipeline import Registry
from ..requests import Actor
from ..stages import CommandStage
from .audit import Audit, Facts

Changed = TypeVar("Changed")


class Changes:
    """Dispatches each command to plugins and records it in ``audit``.

    ``report`` is told of plugins that fail once the change is made.
    """

    def __init__(self, audit: Audit, report: Callable[[HandlerFault], None]) -> None:
        self.audit = audit
        self._report = report
        self._registry: Registry | None = None

    def ask(self, registry: Registry) -> None:
        """From now on these handlers are asked and told.

        Raises RegistryError if some want to veto what can't be refused.
        """
        for row in registry.registrations():
            is_veto = row.event in COMMANDS and row.order < CommandStage.EXECUTE
            if is_veto and not row.event.is_vetoable:  # type: ignore[attr-defined]
                raise RegistryError(
                    f"{row.name}: {row.event.__name__} can't be refused; follow it, with an order"
                    " behind CommandStage.EXECUTE"
                )
        self._registry = registry

    @asynccontextmanager
    async def recording(
        self, command: Command[Any], kind: str, key: str, before: Facts | None, after: Facts | None
    ) -> AsyncIterator[str]:
        """Around one change, as ``Audit.recording``; raises also what plugins refuse it with."""
        registry = self._registry
        if registry is not None and command.is_vetoable:
            await registry.dispatch(command, until=CommandStage.EXECUTE)
        async with self.audit.recording(
            command.actor, action_of(type(command)), kind, key, before=before, after=after
        ) as change_id:
            yield change_id
        if registry is not None:
            for fault in await registry.tell(command, since=CommandStage.EXECUTE):
                self._report(fault)


@dataclass(frozen=True, slots=True)
class Trail(Generic[Changed]):
    """What one actor does to entities of one kind.

    ``key`` and ``facts`` say how an entity is called, and what the audit tells of it.
    """

    changes: Changes
    actor: Actor
    kind: str
    key: Callable[[Changed], str]
    facts: Callable[[Changed], Facts]

    @asynccontextmanager
    async def recording(
        self, command: type[Command[Changed]], *, before: Changed | None, after: Changed | None
    ) -> AsyncIterator[str]:
        """``Changes.recording`` for a change of this entity; one of both must be there."""
        entity = before if after is None else after
        if entity is None:
            raise ValueError("a change has something before or after it")
        async with self.changes.recording(
            command(self.actor, before, after),
            self.kind,
            self.key(entity),
            None if before is None else self.facts(before),
            None if after is None else self.facts(after),
        ) as change_id:
            yield change_id
