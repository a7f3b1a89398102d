"""What of the console needs no browser: its own logic, and what it has of others."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from apogee_idp.management import audit
from tests.chromium import do_without
from tests.idp import Idp

REPOSITORY = Path(__file__).parents[2]
CONSOLE = REPOSITORY / "apogee_idp" / "console"
VENDOR = CONSOLE / "vendor"
PACKAGES = json.loads((VENDOR / "manifest.json").read_text())["packages"]
OURS = sorted(file for file in CONSOLE.rglob("*.js") if VENDOR not in file.parents)
FORBIDDEN = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "style=")


def integrity(content: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def test_plain_modules() -> None:
    """Node's own runner runs tests/javascript/console."""
    node = shutil.which("node")
    if node is None:
        do_without("install Node.js 20 or newer")
    tests = sorted((REPOSITORY / "tests" / "javascript" / "console").glob("*.test.js"))
    command = [str(node), "--test", *map(str, tests)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    assert "Warning" not in done.stdout + done.stderr


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_A_MG_09_what_is_of_others_is_what_the_manifest_says(package: dict[str, Any]) -> None:
    """To the byte; NOTICE names it, and its licence is beside it."""
    for entry in package["files"]:
        assert integrity((VENDOR / entry["file"]).read_bytes()) == entry["integrity"]
    assert any(entry["file"].endswith("LICENSE.txt") for entry in package["files"])
    notice = (REPOSITORY / "NOTICE").read_text()
    assert any(
        {package["name"], package["version"], package["licence"]} <= {*line.split()}
        for line in notice.splitlines()
    )


def test_nothing_else_is_of_others() -> None:
    named = {entry["file"] for package in PACKAGES for entry in package["files"]}
    assert {file.name for file in VENDOR.iterdir()} == named | {"manifest.json"}


def test_modules_are_small_and_make_no_markup_of_text() -> None:
    """At most 150 lines each, and a first line that says what it is."""
    for file in OURS:
        source = file.read_text()
        assert len(source.splitlines()) <= 150, file
        assert source.startswith("/**"), file
        assert [word for word in FORBIDDEN if word in source] == [], file


async def test_the_audit_can_be_filtered_by_every_kind_that_is_written(idp: Idp) -> None:
    """Those whose outcome the server can settle, and no other."""
    source = (CONSOLE / "components" / "AuditFilters.js").read_text()
    (listed,) = re.findall(r"const KINDS = \[(.*?)\];", source, re.DOTALL)
    offered = re.findall(r'"(\w+)"', listed)
    assert sorted(offered) == sorted(audit._lookups(idp.installation.store))
