"""What README and the others say is true: their code runs, their tables match the code."""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import fields
from enum import IntEnum
from pathlib import Path
from typing import Any, cast, get_args

import click
import jwt
import pytest

from apogee_idp import (
    CommandRefused,
    ProvideKeys,
    Registry,
    Services,
    Settings,
    TokenProfile,
    stages,
)
from apogee_idp.cli import main
from apogee_idp.commands import COMMANDS, Command
from apogee_idp.crypto.secrets import SECRET_PATTERN, generate_secret
from apogee_idp.crypto.signing import LocalSigningKey, generate_private_key
from apogee_idp.events import RESERVED_CLAIMS
from apogee_idp.management.registrations import ClientRegistration
from apogee_idp.management.scopes import ScopeCommands
from apogee_idp.model import Scope
from apogee_idp.presets import PRESETS
from apogee_idp.stores.mongo_schema import OPENIDDICTS, place_of
from apogee_idp.stores.values import COLLECTIONS
from tests.acting import TESTER, acting
from tests.conftest import StartIdp

Words = tuple[str, ...]

REPOSITORY = Path(__file__).parents[2]
RULE = re.compile(r"(?<![A-Za-z])[RAF][-_][A-Z]+8?[-_]\d+")


def text_of(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def plugin(name: str, marker: str) -> Callable[[Registry, Services], None]:
    namespace: dict[str, Callable[[Registry, Services], None]] = {}
    exec(compile(code_block(name, marker), name, "exec"), namespace)
    return namespace["register"]


def code_block(name: str, marker: str) -> str:
    blocks = re.findall(r"```python\n(.*?)```", text_of(name), re.DOTALL)
    (block,) = [block for block in blocks if marker in block]
    return str(block)


@pytest.mark.parametrize("name", ["README.md", "handlers/README.md"])
async def test_the_documents_first_plugin_adds_a_claim(start_idp: StartIdp, name: str) -> None:
    """The tenant from the client's properties."""
    idp = await start_idp(register=plugin(name, "def add_tenant"))
    secret = await idp.add_client(skip_token_encryption=True)
    await idp.change_client("billing", properties={"tenant": "blue"})
    claims = await idp.claims((await idp.grant("billing", secret)).token)
    assert claims["tenant"] == "blue"


@pytest.mark.parametrize(
    ("name", "marker", "scope"),
    [
        pytest.param("README.md", "refuse_admin", "admin", id="README"),
        pytest.param("handlers/README.md", "refuse_payroll", "payroll", id="handlers"),
    ],
)
async def test_the_documents_refusals_refuse(
    start_idp: StartIdp, name: str, marker: str, scope: str
) -> None:
    """Without the role; with it, and for other scopes, they let pass."""
    idp = await start_idp(register=plugin(name, marker))
    store = idp.installation.store
    await ScopeCommands(store, **acting(store)).add(Scope(scope))
    scopes = (scope, "ping")
    plain = await idp.add_client("plain", scopes=scopes)
    holder = await idp.add_client("holder", scopes=scopes, roles=(scope,))
    refused = await idp.grant("plain", plain, scope=scope)
    assert (refused.error, refused.json["error_description"]) == (
        "invalid_scope",
        "That scope needs a role.",
    )
    assert (await idp.grant("plain", plain, scope="ping")).status == 200
    assert (await idp.grant("holder", holder, scope=scope)).status == 200


async def test_the_documents_third_plugin_limits_lifetimes(start_idp: StartIdp) -> None:
    """For clients with the role, in the token and in the response."""
    idp = await start_idp(register=plugin("handlers/README.md", "LimitLifetime"))
    short = await idp.add_client("short", roles=("short",), skip_token_encryption=True)
    usual = await idp.add_client("usual")
    answer = await idp.grant("short", short)
    claims = await idp.claims(answer.token)
    assert claims["exp"] - claims["iat"] == answer.json["expires_in"] == 300
    assert (await idp.grant("usual", usual)).json["expires_in"] == 900


async def test_the_documents_fourth_plugin_adds_to_introspection(start_idp: StartIdp) -> None:
    """For tokens that are active."""
    idp = await start_idp(register=plugin("handlers/README.md", "tell_environment"))
    secret = await idp.add_client()
    await idp.allow("billing", "introspection")
    token = (await idp.grant("billing", secret)).token
    told = await idp.present("introspect", token, "billing", secret)
    assert told.json["environment"] == "staging"
    assert (await idp.present("introspect", "x", "billing", secret)).json == {"active": False}


async def test_the_documents_veto_refuses_a_client(
    start_idp: StartIdp, log_output: io.StringIO
) -> None:
    """And whoever follows is told of the one that was added."""
    idp = await start_idp(register=plugin("handlers/README.md", "ask_for_a_team"))
    management = idp.installation.management
    with pytest.raises(CommandRefused, match="after its team"):
        await management.clients(TESTER).add(ClientRegistration("billing"))
    await management.clients(TESTER).add(ClientRegistration("acme.billing"))
    assert "tester has added acme.billing" in log_output.getvalue()


async def test_the_documents_key_of_a_KMS_signs(start_idp: StartIdp) -> None:
    """Given a client of the provider's that signs."""
    block: dict[str, Any] = {}
    exec(compile(code_block("handlers/README.md", "CloudKey"), "handlers/README.md", "exec"), block)
    private = generate_private_key("ES256")
    local = LocalSigningKey.of(private.thumbprint(), "ES256", private)
    key = block["CloudKey"](local, local.kid, private.export_public(as_dict=True))

    def register(registry: Registry, _: Services) -> None:
        registry.add(ProvideKeys, block["provide"](key), name="provide_keys", order=1)

    idp = await start_idp(store="sqlite:///:memory:", register=register)
    profile = TokenProfile("ES256")
    secret = await idp.add_client(token_profile=profile, skip_token_encryption=True)
    token = (await idp.grant("billing", secret)).token
    assert jwt.get_unverified_header(token)["kid"] == local.kid
    await idp.claims(token)


def test_READMEs_sample_api_is_the_one_that_is_tested() -> None:
    """To the letter."""
    assert code_block("README.md", "create_api") == text_of("tests/sample_api/api.py")


def test_READMEs_settings_are_the_settings() -> None:
    """Every one, with its default."""
    rows = re.findall(
        r"^\| `(\w+)` \| `(APOGEE_\w+)`.*?\| (.*?) \|$", text_of("README.md"), re.MULTILINE
    )
    defaults = Settings()
    names = {f.name for f in fields(Settings)} - {
        "key_encryption_key",
        "key_files_password",
        "development",
    }
    assert {name for name, _, _ in rows} == names
    for name, variable, shown in rows:
        value = getattr(defaults, name)
        expected = ",".join(value) or "none" if isinstance(value, tuple) else str(value)
        assert variable == f"APOGEE_{name.upper()}"
        assert shown.removesuffix(" seconds").strip("`") == expected


def test_READMEs_commands_exist() -> None:
    """Each that it names, and each there is."""
    text = text_of("README.md")
    rows = re.findall(r"^\| (`apogee-idp .*?) \|", text, re.MULTILINE)
    assert {command for row in rows for command in commands_in(row)} == set(commands_of(main))
    for line in re.findall(r"(?:^\$ (?:\S+/)?|`)apogee-idp ([a-z][^`\n]*)", text, re.MULTILINE):
        assert command_of((), line)


def commands_of(group: click.Group, *path: str) -> Iterator[Words]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands_of(command, *path, name)
        else:
            yield (*path, name)


def commands_in(row: str) -> Iterator[Words]:
    """Those of a cell: the first in full, the others as its group calls them."""
    group: Words = ()
    for named in re.findall(r"`([^`]+)`", row):
        is_full = named.startswith("apogee-idp ")
        command = command_of(() if is_full else group, named.removeprefix("apogee-idp "))
        group = command[:-1]
        yield command


def command_of(path: Words, line: str) -> Words:
    """The command that a line calls, in or below the group at ``path``."""
    command: click.Command = main
    for name in path:
        command = cast(click.Group, command).commands[name]
    for word in line.split():
        if not isinstance(command, click.Group):
            break
        command, path = command.commands[word], (*path, word)
    return path


def test_READMEs_collections_are_the_collections() -> None:
    """Of ours in MongoDB, all that there are."""
    (first, rest) = re.findall(
        r"collections of their own \(`(openiddict[.\w]+)`((?:,\s+`[.\w]+`)+)\)",
        text_of("README.md"),
    )[0]
    kept = (*COLLECTIONS, "schema")
    ours = {place_of(name, "openiddict") for name in kept if name not in OPENIDDICTS}
    assert {first, *(f"openiddict.apogee{name}" for name in re.findall(r"`(.*?)`", rest))} == ours


def test_the_pattern_for_secret_scanners_is_the_one_that_holds() -> None:
    """To the letter, where people look for it; and our secrets match it."""
    for name in ("README.md", "SECURITY.md"):
        assert f"`{SECRET_PATTERN}`" in text_of(name)
    assert re.fullmatch(SECRET_PATTERN, generate_secret().value)


def test_READMEs_presets_are_the_presets() -> None:
    """Each with its title, and how its tokens are written."""
    rows = re.findall(
        r"^\| `([\w-]+)` \| (.*?) \| (JWE|JWS), `([\w+]+)`", text_of("README.md"), re.MULTILINE
    )
    assert rows == [
        (p.name, p.title, "JWS" if p.skip_token_encryption else "JWE", p.profile.typ)
        for p in PRESETS.values()
    ]


def test_every_rule_that_a_test_names_is_explained() -> None:
    """In tests/README.md, and none that no test names."""
    explained = set(
        re.findall(rf"^\| ({RULE.pattern}) \|", text_of("tests/README.md"), re.MULTILINE)
    )
    named = {
        rule.replace("_", "-")
        for path in (REPOSITORY / "tests").rglob("*.py")
        for rule in RULE.findall(path.read_text(encoding="utf-8").replace("test_", ""))
    }
    assert named == explained


def test_the_stages_are_documented() -> None:
    """Every stage in the plugin author's table."""
    rows = re.findall(r"\| `(\w+Stage|Stage)\.(\w+)` \| (\d+) \|", text_of("handlers/README.md"))
    assert {(name, stage, int(order)) for name, stage, order in rows} == {
        (name, stage.name, int(stage))
        for name, each in vars(stages).items()
        if isinstance(each, type) and issubclass(each, IntEnum)
        for stage in each
    }


def test_the_commands_that_plugins_follow_are_documented() -> None:
    """Each with what it is about, and those that nobody can veto."""
    text = text_of("handlers/README.md")
    rows = re.findall(r"^\| ((?:`[A-Z]\w+` ?)+)\| [^`|]*`(\w+)`[^|]*\|$", text, re.MULTILINE)
    assert sorted(
        (name, about) for row, about in rows for name in row.replace("`", "").split()
    ) == (sorted((command.__name__, subject_of(command)) for command in COMMANDS))
    (unstoppable,) = re.findall(
        r"^(`.*) \(what the server does.*can't be vetoed", text, re.MULTILINE
    )
    assert set(re.findall(r"\w+", unstoppable.replace("and", ""))) == {
        command.__name__ for command in COMMANDS if not command.is_vetoable
    }


def subject_of(command: type[Command[Any]]) -> str:
    (base,) = command.__orig_bases__  # type: ignore[attr-defined]
    (subject,) = get_args(base)
    return str(subject.__name__)


def test_the_reserved_claims_are_documented() -> None:
    """All that raise ReservedName."""
    text = text_of("handlers/README.md")
    (sentence,) = re.findall(r"Set reserved claims:\*\*(.*?follow)", text, re.DOTALL)
    named = " ".join(re.findall(r"`(.*?)`", sentence, re.DOTALL)).split()
    assert sorted(named) == sorted(RESERVED_CLAIMS)


def test_linked_files_exist() -> None:
    """No link to what was moved."""
    for name in ("README.md", "handlers/README.md", "SECURITY.md", "tests/README.md"):
        for target in re.findall(r"\]\(([\w./-]+)\)", text_of(name)):
            assert ((REPOSITORY / name).parent / target).exists(), (name, target)
    for test in re.findall(r"`(tests/[\w/.]+\.py)`", text_of("SECURITY.md")):
        assert (REPOSITORY / test).exists(), test


def test_lock_files_have_hashes_and_no_registry() -> None:
    """Anyone's mirror will do, and nobody's package can be swapped."""
    locks = sorted(path.name for path in REPOSITORY.glob("requirements*.lock"))
    assert len(locks) == 4
    for name in locks:
        text = text_of(name)
        assert "://" not in text
        assert "index-url" not in text
        pins = re.findall(r"^[\w.\[\]-]+==", text, re.MULTILINE)
        assert pins
        assert text.count(" \\\n    --hash=sha256:") >= len(pins)


def test_no_secret_of_ours_is_in_the_repository() -> None:
    """What a scanner would look for."""
    from tests.canary import findings_in

    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        content = (REPOSITORY / name).read_bytes().decode("utf-8", "replace")
        findings = findings_in(content)
        assert "a client secret" not in findings, name
        assert "a token" not in findings, name
