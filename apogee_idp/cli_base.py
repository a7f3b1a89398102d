"""What every command has: its options, the store it opens, and how it fails."""

from __future__ import annotations

import asyncio
import os
import pwd
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from . import app
from .errors import ApogeeError, HandlerFault, SettingsError, StoreUnavailable
from .management.actor import local_actor
from .management.desk import Management
from .requests import Actor
from .settings import CONFIG_VARIABLE, Settings, load_settings
from .stores.base import Store

Result = TypeVar("Result")
Command = TypeVar("Command", bound=Callable[..., Any])

CONFIG_OPTION = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar=CONFIG_VARIABLE,
    help="A TOML file of settings; see config/apogee.toml.",
)
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def reports_errors(command: Command) -> Command:
    """Turns our own errors into one plain line each and exit code 1."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except SettingsError as error:
            fail(error.problems)
        except ApogeeError as error:
            fail([str(error)])

    return wrapped  # type: ignore[return-value]


def with_options(
    options: Sequence[Callable[[Command], Command]],
) -> Callable[[Command], Command]:
    """Gives a command ``options``, in the order that ``--help`` prints."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def settings_of(config: Path | None) -> Settings:
    """The settings in force for a command; raises SettingsError."""
    return load_settings(config=config, environ=os.environ)


@asynccontextmanager
async def opened_as_it_is(settings: Settings) -> AsyncIterator[Store]:
    """The store of the settings, its schema left alone.

    Raises StoreUnavailable, also if the first start has yet to make it, and SettingsError.
    """
    async with app.closing_store(settings) as store:
        if (prospect := store.prospect()) is not None:
            raise StoreUnavailable(prospect.detail)
        await store.open()
        yield store


def with_store(config: Path | None, action: Callable[[Store], Awaitable[Result]]) -> Result:
    """What ``action`` returns, given the store of the settings."""

    async def act() -> Result:
        async with app.opened_store(settings_of(config)) as store:
            return await action(store)

    return asyncio.run(act())


def with_management(
    config: Path | None, action: Callable[[Management], Awaitable[Result]]
) -> Result:
    """What ``action`` returns, given the commands on the store of the settings."""
    return managing(settings_of(config), action)


def managing(settings: Settings, action: Callable[[Management], Awaitable[Result]]) -> Result:
    """What ``action`` returns, given the commands by these settings."""

    async def act() -> Result:
        async with app.opened_management(settings, report=warn) as management:
            return await action(management)

    return asyncio.run(act())


def operator() -> Actor:
    """Who runs the command; by number, where the system has no name for him."""
    number = os.getuid()
    try:
        return local_actor(pwd.getpwuid(number).pw_name)
    except KeyError:
        return local_actor(str(number))


def warn(fault: HandlerFault) -> None:
    """Tells of a plugin that failed when the change was made already."""
    click.echo(f"warning: it is done, but a plugin that was told of it failed: {fault}", err=True)


def warn_of_damage(keys: Iterable[str]) -> None:
    """Tells of documents that a list had to leave out."""
    for key in keys:
        click.echo(f"warning: left out: the stored document of {key} is damaged", err=True)


def fail(problems: Iterable[str]) -> NoReturn:
    """Prints one line each, and exits with 1."""
    for problem in problems:
        click.echo(f"error: {problem}", err=True)
    sys.exit(1)
