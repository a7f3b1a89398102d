"""``apogee-idp users``."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import click

from .cli_base import (
    CONFIG_OPTION,
    JSON_OPTION,
    Result,
    operator,
    reports_errors,
    warn_of_damage,
    with_management,
)
from .cli_credentials import read_json, read_line
from .errors import CommandRefused
from .management.facts import user_facts
from .management.users import NewUser, UserCommands
from .model import frozen
from .printing import print_facts, print_json, print_table

_PASSWORD_FILE = click.option(
    "--password-file", type=click.File(), help="The password, from a file or -; else it is asked."
)
_PROFILE_FILE = click.option(
    "--profile",
    "profile_file",
    type=click.File("rb"),
    help='Claims as JSON, from a file or -: {"name": "Ann", "zoneinfo": "Europe/Berlin"}.',
)


@click.group()
def users() -> None:
    """People who sign in; WHO is a subject (usr_...) or an e-mail address."""


@users.command("create")
@click.argument("email")
@click.option("--name", help="Her name, as others see it.")
@click.option("--role", "roles", multiple=True, help="idp-admin makes an administrator.")
@click.option("--email-verified", is_flag=True, help="The address is known to be hers.")
@click.option("--without-password", is_flag=True, help="Nobody can sign in by password, for now.")
@_PROFILE_FILE
@_PASSWORD_FILE
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def create_user(
    email: str, without_password: bool, as_json: bool, config: Path | None, **options: Any
) -> None:
    """Create an account."""
    account = NewUser(
        email,
        None if without_password else _password_of(options["password_file"]),
        email_verified=options["email_verified"],
        profile=_profile_of(options, {}),
        roles=options["roles"],
    )
    user = _with_users(config, lambda commands: commands.add(account))
    if as_json:
        print_json(user_facts(user))
    else:
        click.echo(f"created {user.email}, whose subject is {user.subject}")


@users.command("list")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def list_users(as_json: bool, config: Path | None) -> None:
    """List all users."""
    found = _with_users(config, lambda commands: commands.all())
    warn_of_damage(found.unreadable)
    if as_json:
        print_json([user_facts(user) for user in found.items])
    else:
        rows = [
            (u.subject, u.email, " ".join(u.roles) or "-", "yes" if u.enabled else "no")
            for u in found.items
        ]
        print_table(("SUBJECT", "E-MAIL", "ROLES", "ENABLED"), rows)


@users.command("show")
@click.argument("who")
@JSON_OPTION
@CONFIG_OPTION
@reports_errors
def show_user(who: str, as_json: bool, config: Path | None) -> None:
    """Show one user; never her password."""
    print_facts(user_facts(_with_users(config, lambda commands: commands.get(who))), as_json)


@users.command("update")
@click.argument("who")
@click.option("--email", help="Another e-mail address.")
@click.option("--email-verified/--email-unverified", default=None, help="Known to be hers, or not.")
@click.option("--name", help="Her name, as others see it.")
@_PROFILE_FILE
@CONFIG_OPTION
@reports_errors
def update_user(who: str, email: str | None, config: Path | None, **options: Any) -> None:
    """Change the e-mail address or the profile of a user; --profile replaces all of it."""

    async def update(commands: UserCommands) -> None:
        user = await commands.get(who)
        is_verified = options["email_verified"]
        if is_verified is None:
            is_verified = user.email_verified and email is None
        changed = replace(
            user,
            email=email or user.email,
            email_verified=is_verified,
            profile=_profile_of(options, user.profile),
        )
        await commands.update(changed)

    _with_users(config, update)
    click.echo(f"updated {who}")


@users.command("set-password")
@click.argument("who")
@_PASSWORD_FILE
@CONFIG_OPTION
@reports_errors
def set_password(who: str, password_file: TextIO | None, config: Path | None) -> None:
    """Give a user another password, which ends all her sessions and refresh tokens."""
    password = _password_of(password_file)
    _with_users(config, lambda commands: commands.set_password(who, password))
    click.echo(f"{who} has another password; her sessions have ended")


@users.command("remove-second-factor")
@click.argument("who")
@CONFIG_OPTION
@reports_errors
def remove_second_factor(who: str, config: Path | None) -> None:
    """Let her sign in by password alone, who has lost her device and her recovery codes."""
    user = _with_users(config, lambda commands: commands.remove_second_factor(who))
    click.echo(f"{user.email} needs no second factor any more")


@users.command("disable")
@click.argument("who")
@CONFIG_OPTION
@reports_errors
def disable_user(who: str, config: Path | None) -> None:
    """Keep a user from signing in, and end all her sessions and refresh tokens."""
    _with_users(config, lambda commands: commands.set_enabled(who, enabled=False))
    click.echo(f"disabled {who}")


@users.command("enable")
@click.argument("who")
@CONFIG_OPTION
@reports_errors
def enable_user(who: str, config: Path | None) -> None:
    """Let a disabled user sign in again."""
    _with_users(config, lambda commands: commands.set_enabled(who, enabled=True))
    click.echo(f"enabled {who}")


@users.command("grant")
@click.argument("who")
@click.argument("role")
@CONFIG_OPTION
@reports_errors
def grant_role(who: str, role: str, config: Path | None) -> None:
    """Give a user a role; idp-admin makes an administrator."""
    _with_users(config, lambda commands: commands.grant_role(who, role))
    click.echo(f"{who} has the role {role}")


@users.command("revoke")
@click.argument("who")
@click.argument("role")
@CONFIG_OPTION
@reports_errors
def revoke_role(who: str, role: str, config: Path | None) -> None:
    """Take a role from a user, and end all her sessions and refresh tokens."""
    _with_users(config, lambda commands: commands.revoke_role(who, role))
    click.echo(f"{who} does not have the role {role} any more")


@users.command("delete")
@click.argument("who")
@CONFIG_OPTION
@reports_errors
def delete_user(who: str, config: Path | None) -> None:
    """Delete an account; its subject is never given to anyone again."""
    _with_users(config, lambda commands: commands.delete(who))
    click.echo(f"deleted {who}")


def _with_users(config: Path | None, action: Callable[[UserCommands], Awaitable[Result]]) -> Result:
    return with_management(config, lambda management: action(management.users(operator())))


def _password_of(file: TextIO | None) -> str:
    """From the file, or from the person at the terminal."""
    if file is not None:
        return read_line(file, "password")
    if not sys.stdin.isatty():
        raise CommandRefused("no terminal to ask at: give the password with --password-file")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _profile_of(options: dict[str, Any], before: Any) -> Any:
    file: BinaryIO | None = options["profile_file"]
    profile = before if file is None else read_json(file, "profile")
    return profile if options["name"] is None else frozen({**profile, "name": options["name"]})
