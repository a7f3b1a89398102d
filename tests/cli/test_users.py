"""``apogee-idp users``: accounts, from the shell."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.canary import PLANTED

from .conftest import Cli

PASSWORD = "grüne Wolken über Ulm"


@pytest.fixture(autouse=True)
def planted() -> None:
    PLANTED.add(PASSWORD)


def created(cli: Cli, *options: str, email: str = "ann@example.com") -> str:
    """The subject of a new user with PASSWORD."""
    done = cli("users", "create", email, "--password-file", "-", *options, stdin=PASSWORD + "\n")
    assert done.returncode == 0, done.stderr
    match = re.fullmatch(r"created \S+, whose subject is (usr_[0-9A-Za-z]{22})\n", done.stdout)
    assert match is not None
    return match[1]


def test_a_second_factor_that_is_not_there(cli: Cli) -> None:
    """It says so."""
    created(cli)
    done = cli("users", "remove-second-factor", "ann@example.com")
    assert (done.returncode, "has no second factor" in done.stderr) == (1, True)


def test_a_user_is_created_shown_and_listed(cli: Cli, tmp_path: Path) -> None:
    """By her address or subject; her password is never told."""
    (tmp_path / "profile.json").write_text(json.dumps({"zoneinfo": "Europe/Berlin"}))
    subject = created(cli, "--name", "Ann", "--profile", "profile.json", "--email-verified")
    shown = json.loads(cli("users", "show", "ANN@example.com", "--json").stdout)
    assert shown == json.loads(cli("users", "show", subject, "--json").stdout)
    assert shown["profile"] == {"zoneinfo": "Europe/Berlin", "name": "Ann"}
    assert (shown["email_verified"], shown["has_password"], shown["enabled"]) == (True,) * 3
    (row,) = json.loads(cli("users", "list", "--json").stdout)
    assert row["subject"] == subject
    assert cli("users", "list").stdout.splitlines()[1].split() == [
        *(subject, "ann@example.com", "-", "yes")
    ]


def test_a_user_is_changed(cli: Cli) -> None:
    """A new address is not verified, unless that is said."""
    subject = created(cli, "--name", "Ann", "--email-verified")
    done = cli("users", "update", subject, "--name", "Anna", "--email", "anna@example.com")
    assert done.returncode == 0, done.stderr
    shown = json.loads(cli("users", "show", "anna@example.com", "--json").stdout)
    assert (shown["profile"]["name"], shown["email_verified"]) == ("Anna", False)
    cli("users", "update", subject, "--email-verified")
    cli("users", "disable", subject)
    shown = json.loads(cli("users", "show", subject, "--json").stdout)
    assert (shown["email_verified"], shown["enabled"]) == (True, False)
    cli("users", "enable", subject)
    assert json.loads(cli("users", "show", subject, "--json").stdout)["enabled"] is True
    assert cli("users", "delete", subject).stdout == f"deleted {subject}\n"
    assert cli("users", "show", subject).stderr == f"error: there is no user {subject}\n"


def test_an_administrator_is_made_and_unmade(cli: Cli) -> None:
    """By a role; the trail says who did it."""
    created(cli)
    assert "has the role idp-admin" in cli("users", "grant", "ann@example.com", "idp-admin").stdout
    assert json.loads(cli("users", "show", "ann@example.com", "--json").stdout)["roles"] == [
        "idp-admin"
    ]
    assert cli("users", "revoke", "ann@example.com", "idp-admin").returncode == 0
    trail = json.loads(cli("audit", "list", "--json").stdout)
    assert {entry["action"] for entry in trail} == {"add_user", "grant_role", "revoke_role"}
    assert all(entry["actor"].startswith("cli:") for entry in trail)


def test_a_password_is_asked_for_or_read(cli: Cli) -> None:
    """Never taken from the command line, where others could see it; without a terminal, told so."""
    subject = created(cli)
    changed = cli("users", "set-password", subject, "--password-file", "-", stdin=PASSWORD[::-1])
    assert changed.returncode == 0, changed.stderr
    done = cli("users", "set-password", subject)
    assert done.stderr == ("error: no terminal to ask at: give the password with --password-file\n")
    assert cli("users", "create", "bob@example.com").returncode == 1
    assert cli("users", "create", "bob@example.com", "--without-password").returncode == 0
    facts = json.loads(cli("users", "show", "bob@example.com", "--json").stdout)
    assert facts["has_password"] is False


@pytest.mark.parametrize(
    ("arguments", "stdin", "told"),
    [
        (("show", "nobody"), "", "by her subject (usr_...) or her e-mail address"),
        (("show", "bob@example.com"), "", "there is no user bob@example.com"),
        (("create", "ann@example.com", "--password-file", "-"), PASSWORD, "exists already"),
        (("create", "bob@example.com", "--password-file", "-"), "letmein1", "would try"),
        (("create", "bob@example.com", "--password-file", "-"), "x" * 5000, "too large"),
        (("create", "bob@example", "--without-password", "--profile", "-"), "[]", "profile file"),
        (("revoke", "ann@example.com", "idp-admin"), "", "does not have the role"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else None,
)
def test_mistakes_are_told(cli: Cli, arguments: tuple[str, ...], stdin: str, told: str) -> None:
    """On one line, with exit code 1."""
    created(cli)
    done = cli("users", *arguments, stdin=stdin)
    assert done.returncode == 1
    assert told in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
