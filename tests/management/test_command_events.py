"""Commands as events: plugins are asked before a change, and told of it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from apogee_idp import (
    COMMANDS,
    AddScope,
    AddUser,
    Command,
    CommandRefused,
    CommandStage,
    HandlerFault,
    InvalidScope,
    MaintainKeys,
    Registry,
    RegistryError,
    StoreUnavailable,
)
from apogee_idp.commands import action_of
from apogee_idp.management.users import NewUser
from apogee_idp.model import Scope
from apogee_idp.stores.base import Store
from tests.acting import TESTER, entries_in
from tests.clock import Clock
from tests.keys import key_keeper

from .all_commands import (
    ALL,
    GUARD,
    Commands,
    changes_of,
    commands_on,
    contents,
)

Told = list[tuple[str, Command[Any]]]


def registry_of(*rows: tuple[type[Command[Any]], Any, int]) -> Registry:
    registry = Registry(handler_timeout=0.5)
    for number, (command, handler, order) in enumerate(rows):
        registry.add(command, handler, name=f"handler_{number}", order=order)
    registry.seal(required={})
    return registry


def noting(told: Told, moment: str) -> Any:
    async def note(event: Command[Any]) -> None:
        told.append((moment, event))

    return note


async def refuse(_: Command[Any]) -> None:
    raise CommandRefused("not on a Friday")


BEFORE, BEHIND = CommandStage.EXECUTE - 1, CommandStage.EXECUTE + 1


@pytest.fixture
async def plugged(commands: Commands, store: Store, clock: Clock) -> Callable[..., Commands]:
    """The commands, with a registry that they ask."""

    def plug(
        *rows: tuple[type[Command[Any]], Any, int], faults: list[Any] | None = None
    ) -> Commands:
        changes = changes_of(store, clock, report=(faults if faults is not None else []).append)
        changes.ask(registry_of(*rows))
        return commands_on(store, clock, changes)

    return plug


@pytest.mark.parametrize("action", ALL)
async def test_plugins_are_asked_and_told(
    plugged: Callable[..., Commands], store: Store, clock: Clock, action: str
) -> None:
    """Of one event each: who, and what was there before and is after, as the audit has it."""
    told: Told = []
    rows = [(c, noting(told, "asked"), BEFORE) for c in COMMANDS if c.is_vetoable]
    rows += [(c, noting(told, "told"), BEHIND) for c in COMMANDS]
    await ALL[action][2](plugged(*rows))
    moments, events = zip(*told, strict=True)
    assert moments == (("asked", "told") if events[0].is_vetoable else ("told",))
    assert len({id(event) for event in events}) == 1
    entry = (await entries_in(store))[0]
    assert (action_of(type(events[0])), events[0].actor) == (entry.action, TESTER)
    assert (events[0].before is None) == (entry.before is None)
    assert (events[0].after is None) == (entry.after is None)


@pytest.mark.parametrize("action", ALL)
async def test_a_veto_leaves_everything_as_it_was(
    plugged: Callable[..., Commands], store: Store, clock: Clock, action: str
) -> None:
    """No document, no entry, and the plugins' words for whoever gave the command."""
    before, known = await contents(store), await entries_in(store)
    vetoes = [(c, refuse, BEFORE) for c in COMMANDS if c.is_vetoable and action_of(c) == action]
    if not vetoes:
        assert action == "revoke_key"
        return
    with pytest.raises(CommandRefused, match="not on a Friday"):
        await ALL[action][2](plugged(*vetoes))
    assert (await contents(store), await entries_in(store)) == (before, known)


@pytest.mark.parametrize("command", [c for c in COMMANDS if not c.is_vetoable])
def test_what_cant_be_refused_takes_no_veto(
    plugged: Callable[..., Commands], command: type[Command[Any]]
) -> None:
    """The plugin's author is told so at the start."""
    with pytest.raises(RegistryError, match=f"handler_0: {command.__name__} can't be refused"):
        plugged((command, refuse, BEFORE))


async def test_followers_change_nothing_any_more(
    plugged: Callable[..., Commands], store: Store
) -> None:
    """However they fail, each is run, and whoever gave the command has his answer."""
    told: Told = []
    faults: list[HandlerFault] = []

    async def lose_the_store(_: object) -> None:
        raise StoreUnavailable("gone")

    async def stumble(_: object) -> None:
        raise ValueError("secret")

    async def take_the_wrong_door(_: object) -> None:
        raise InvalidScope("No.")

    failing = (refuse, lose_the_store, stumble, take_the_wrong_door)
    rows = [(AddScope, handler, BEHIND) for handler in failing]
    commands = plugged(*rows, (AddScope, noting(told, "told"), BEHIND + 1), faults=faults)
    added = await commands.scopes.add(Scope("new"))
    assert await commands.scopes.get("new") == added
    assert [moment for moment, _ in told] == ["told"]
    assert [fault.handler for fault in faults] == [f"handler_{n}" for n in range(4)]
    assert "secret" not in str(faults)


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (StoreUnavailable("gone"), StoreUnavailable),
        (ValueError("odd"), HandlerFault),
        (InvalidScope("No."), HandlerFault),
    ],
)
async def test_a_plugin_that_fails_when_asked_stops_the_command(
    plugged: Callable[..., Commands], store: Store, error: Exception, raised: type[Exception]
) -> None:
    """Nobody knows what it would have said."""

    async def fail(_: object) -> None:
        raise error

    before = await contents(store)
    with pytest.raises(raised):
        await plugged((AddScope, fail, BEFORE)).scopes.add(Scope("new"))
    assert await contents(store) == before


async def test_a_refused_command_is_told_to_nobody(plugged: Callable[..., Commands]) -> None:
    """A built-in rule comes first, and what was not done has no followers."""
    told: Told = []
    commands = plugged((AddScope, noting(told, "told"), BEHIND))
    with pytest.raises(CommandRefused):
        await commands.scopes.add(Scope("read"))
    assert told == []


async def test_an_event_cant_be_changed() -> None:
    """A plugin says yes or no: what is stored has been checked."""
    event = AddScope(TESTER, None, Scope("new"))
    with pytest.raises(FrozenInstanceError):
        event.after = Scope("other")  # type: ignore[misc]


async def test_the_servers_own_key_making_is_followed(store: Store, clock: Clock) -> None:
    """By whoever wants to know of new keys."""
    told: Told = []
    changes = changes_of(store, clock)
    changes.ask(registry_of((MaintainKeys, noting(told, "told"), BEHIND)))
    await key_keeper(store, GUARD, now=clock, changes=changes).load()
    ((_, event),) = told
    assert event.actor.subject == "apogee-idp"
    assert event.before is None
    assert {key.algorithm for key in event.after.keys} >= {"RS256", "ES256"}


def test_every_command_is_listed() -> None:
    """Each class once."""
    assert set(COMMANDS) == set(Command.__subclasses__())
    assert len(COMMANDS) == len(set(COMMANDS))


async def test_a_refused_account_keeps_no_address(
    plugged: Callable[..., Commands], store: Store
) -> None:
    """Whoever comes next can have it at once."""
    before = (await store.logins.list()).items
    commands = plugged((AddUser, refuse, BEFORE))
    with pytest.raises(CommandRefused, match="not on a Friday"):
        await commands.users.add(NewUser("bob@example.com"))
    assert (await store.logins.list()).items == before
