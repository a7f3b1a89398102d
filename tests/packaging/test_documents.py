"""What README and the others say is true: their code runs, their tables match the code."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from apogee_idp import Registry, Services, Settings
from apogee_idp.cli import main
from tests.conftest import StartIdp
from tests.idp import is_jwe

REPOSITORY = Path(__file__).parents[2]
PLUGINS = [
    pytest.param("README.md", "add_tenant", id="README's plugin"),
    pytest.param("handlers/README.md", "def add_tenant", id="a handler"),
    pytest.param("handlers/README.md", "refuse_payroll", id="refusing"),
    pytest.param("handlers/README.md", "LimitLifetime", id="collaborators"),
]
RULE = re.compile(r"(?<![A-Za-z])[RAF][-_][A-Z]+8?[-_]\d+")


def text_of(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def code_block(name: str, marker: str) -> str:
    blocks = re.findall(r"```python\n(.*?)```", text_of(name), re.DOTALL)
    (block,) = [block for block in blocks if marker in block]
    return str(block)


@pytest.mark.parametrize(("name", "marker"), PLUGINS)
async def test_the_plugins_in_the_documents_run(
    start_idp: StartIdp, name: str, marker: str
) -> None:
    """Registered, sealed, and a token comes out behind them."""
    namespace: dict[str, Callable[[Registry, Services], None]] = {}
    exec(compile(code_block(name, marker), name, "exec"), namespace)
    idp = await start_idp(register=namespace["register"])
    secret = await idp.add_client(roles=("short",))
    assert is_jwe((await idp.grant("billing", secret)).token)


def test_READMEs_sample_api_is_the_one_that_is_tested() -> None:
    """To the letter."""
    assert code_block("README.md", "create_api") == text_of("tests/sample_api/api.py")


def test_READMEs_settings_are_the_settings() -> None:
    """Every one, with its default."""
    rows = re.findall(
        r"^\| `(\w+)` \| `(APOGEE_\w+)`.*?\| (.*?) \|$", text_of("README.md"), re.MULTILINE
    )
    defaults = Settings()
    names = {f.name for f in fields(Settings)} - {"key_encryption_key", "development"}
    assert {name for name, _, _ in rows} == names
    for name, variable, shown in rows:
        value = getattr(defaults, name)
        expected = ",".join(value) or "none" if isinstance(value, tuple) else str(value)
        assert variable == f"APOGEE_{name.upper()}"
        assert shown.removesuffix(" seconds").strip("`") == expected


def test_READMEs_commands_exist() -> None:
    """Each that it names, and each there is."""
    text = text_of("README.md")
    for command in main.commands:
        assert f"apogee-idp {command}" in text
    for group in ("clients", "scopes"):
        for command in main.commands[group].commands:  # type: ignore[attr-defined]
            assert re.search(rf"`(apogee-idp {group} )?{command}\b", text), command


def test_every_rule_that_a_test_names_is_explained() -> None:
    """In tests/README.md, and none that no test names."""
    explained = set(RULE.findall(text_of("tests/README.md")))
    named = {
        rule.replace("_", "-")
        for path in (REPOSITORY / "tests").rglob("*.py")
        for rule in RULE.findall(path.read_text(encoding="utf-8").replace("test_", ""))
    }
    assert named == explained


def test_the_built_in_handlers_are_documented() -> None:
    """Every stage in the plugin author's table."""
    from apogee_idp import ConfigurationStage, Stage, TokenStage

    text = text_of("handlers/README.md")
    for stages in (Stage, TokenStage, ConfigurationStage):
        for stage in stages:
            assert f"| `{stages.__name__}.{stage.name}` | {int(stage)} |" in text


def test_linked_files_exist() -> None:
    """No link to what was moved."""
    for name in ("README.md", "handlers/README.md", "SECURITY.md", "tests/README.md"):
        for target in re.findall(r"\]\(([\w./-]+)\)", text_of(name)):
            assert ((REPOSITORY / name).parent / target).exists(), (name, target)
    for test in re.findall(r"`(tests/[\w/.]+\.py)`", text_of("SECURITY.md")):
        assert (REPOSITORY / test).exists(), test


def test_lock_files_have_hashes_and_no_registry() -> None:
    """Anyone's mirror will do, and nobody's package can be swapped."""
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-build.lock"):
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
