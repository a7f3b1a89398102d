"""The wheel, in a clean environment, with a plugin that somebody else wrote."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import urlencode

import jwt
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

from tests.process import Server, environment, free_port

REPOSITORY = Path(__file__).parents[2]
ACME = REPOSITORY / "tests" / "plugins" / "acme"
FILTER = "asks_for_retired_scope"
NOT_SOURCE = shutil.ignore_patterns(
    *(".venv", ".git", "build", "dist", "mutants", "*.egg-info", ".*_cache"),
    *("__pycache__", "node_modules"),
)


@dataclass(frozen=True)
class Clean:
    """An environment with nothing in it but two wheels and what they depend on."""

    python: Path
    wheel: Path


def built(source: Path, scratch: Path) -> Path:
    """A wheel, made of the source distribution, as others would make it."""
    copy = scratch / source.name
    shutil.copytree(source, copy, ignore=NOT_SOURCE)
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(scratch)]
    subprocess.run([*build, str(copy)], check=True, capture_output=True, timeout=300)
    (wheel,) = scratch.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Clean:
    ours = built(REPOSITORY, tmp_path_factory.mktemp("ours"))
    acme = built(ACME, tmp_path_factory.mktemp("acme"))
    home = tmp_path_factory.mktemp("clean")
    venv.create(home)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    install = [*pip, "install", "--quiet"]
    locked = ["--require-hashes", "-r", str(REPOSITORY / "requirements.lock")]
    for what in (locked, ["--no-deps", str(ours), str(acme)]):
        subprocess.run([*install, *what], check=True, timeout=600)
    return Clean(python, ours)


@contextmanager
def serving(clean: Clean, cwd: Path, **variables: str) -> Iterator[tuple[str, Server]]:
    port = free_port()
    env = environment(**variables)
    env.pop("PYTHONPATH", None)
    server = Server("--dev", "--port", str(port), env=env, cwd=cwd, python=str(clean.python))
    server.wait_for("serving")
    yield f"http://localhost:{port}", server
    assert server.stop() == 0


def cli(clean: Clean, *arguments: str, cwd: Path, **variables: str) -> str:
    done = subprocess.run(
        [str(clean.python.with_name("apogee-idp")), *arguments],
        cwd=cwd,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def fetched(
    url: str, *, form: dict[str, str] | None = None, accept: str = "*/*"
) -> tuple[int, str]:
    data = urlencode(form).encode() if form else None
    request = urllib.request.Request(url, data, {"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_wheel_holds_what_it_should(clean: Clean) -> None:
    """Code, templates, types and licences; no tests, no configuration."""
    with zipfile.ZipFile(clean.wheel) as wheel:
        names = set(wheel.namelist())
    tops = {name.split("/")[0] for name in names}
    assert tops == {"apogee_idp", "handlers", "apogee_idp-0.1.0.dist-info"}
    expected = {
        "apogee_idp/py.typed",
        "handlers/py.typed",
        "apogee_idp-0.1.0.dist-info/licenses/LICENSE",
        "apogee_idp-0.1.0.dist-info/licenses/NOTICE",
        *(
            f"apogee_idp/templates/{page.name}"
            for page in (REPOSITORY / "templates").iterdir()
            if page.suffix in {".html", ".css", ".py"}
        ),
        *(
            str(file.relative_to(REPOSITORY))
            for file in (REPOSITORY / "apogee_idp" / "console").rglob("*.*")
            if "__pycache__" not in file.parts
        ),
    }
    assert expected <= names


def test_the_wheel_has_a_bill_of_materials(clean: Clean) -> None:
    """Valid CycloneDX where PEP 770 says: every locked release, and what the console contains."""
    with zipfile.ZipFile(clean.wheel) as wheel:
        text = wheel.read("apogee_idp-0.1.0.dist-info/sboms/apogee-idp.cdx.json").decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    needed = {part["purl"] for part in bill["components"] if part["scope"] == "required"}
    lock = (REPOSITORY / "requirements.lock").read_text()
    releases = {line.split()[0] for line in lock.splitlines() if line[0].isalnum()}
    assert needed == {f"pkg:pypi/{release.replace('==', '@')}" for release in releases}
    assert any("opentelemetry-sdk@" in part["purl"] for part in bill["components"])
    vendored = json.loads((REPOSITORY / "apogee_idp/console/vendor/manifest.json").read_text())
    assert {part["purl"] for part in bill["metadata"]["component"]["components"]} == {
        f"pkg:npm/{package['name']}@{package['version']}" for package in vendored["packages"]
    }
    (ours,) = bill["dependencies"]
    assert {ref.split("@")[0].removeprefix("pkg:pypi/") for ref in ours["dependsOn"]} == {
        Requirement(text).name
        for text in metadata.requires("apogee-idp") or ()
        if "extra" not in text
    }


def test_it_serves_pages_and_tokens(clean: Clean, tmp_path: Path) -> None:
    """Nothing of the repository is in reach: its data files did ship."""
    with serving(clean, tmp_path) as (issuer, server):
        status, index = fetched(f"{issuer}/")
        assert (status, "Identity provider" in index) == (200, True)
        for name in ("apogee.css", "console", "console/app.js", "console/styles/base.css"):
            assert fetched(f"{issuer}/{name}")[0] == 200, name
        status, page = fetched(f"{issuer}/no/such/page", accept="text/html")
        assert (status, "<h1>Not Found</h1>" in page) == (404, True)
        (line,) = [line for line in server.output if "curl" in line and "demo-jws" in line]
        client_id, _, secret = line.split("-u ")[1].split()[0].partition(":")
        form = {"grant_type": "client_credentials", "client_id": client_id}
        status, body = fetched(f"{issuer}/connect/token", form=form | {"client_secret": secret})
        assert (status, json.loads(body)["token_type"]) == (200, "Bearer")


def test_installed_is_not_enabled(clean: Clean, tmp_path: Path) -> None:
    """A plugin runs when the settings name it, and then it is in the table."""
    without = cli(clean, "handlers", cwd=tmp_path)
    with_acme = cli(clean, "handlers", cwd=tmp_path, APOGEE_PLUGINS="acme")
    assert "acme" not in without
    rows = [line.split() for line in with_acme.splitlines() if "acme-handlers" in line]
    assert rows == [
        [*["ProcessSignIn", "6001", "refuse_retired_scope", "acme-handlers", "1.2.0"], FILTER],
        [*["ProcessSignIn", "8999", "add_tenant_claim", "acme-handlers", "1.2.0"], "always"],
    ]


def test_the_plugin_adds_its_claim_and_refuses_its_scope(clean: Clean, tmp_path: Path) -> None:
    """One handler just before the token, one just behind the scopes."""
    with serving(clean, tmp_path, APOGEE_PLUGINS="acme") as (issuer, _):
        for scope in ("acme.legacy", "acme.new"):
            cli(clean, "scopes", "create", scope, cwd=tmp_path)
        options = ["--scope", "acme.legacy", "--scope", "acme.new", "--skip-token-encryption"]
        made = cli(clean, "clients", "create", "shop", *options, "--json", cwd=tmp_path)
        form = {"grant_type": "client_credentials", "scope": "acme.new"} | json.loads(made)
        status, body = fetched(f"{issuer}/connect/token", form=form)
        assert status == 200
        token = json.loads(body)["access_token"]
        claims = jwt.decode(token, options={"verify_signature": False})
        assert claims["tenant"] == f"{issuer}/none"
        refused = fetched(f"{issuer}/connect/token", form=form | {"scope": "acme.legacy"})
        assert refused[0] == 400
        assert json.loads(refused[1]) == {
            "error": "invalid_scope",
            "error_description": "That scope was retired.",
        }
