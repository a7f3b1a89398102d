"""``make audit``: what is locked, held against what is known of vulnerabilities, also offline."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.process import environment, free_port

from .test_wheel import REPOSITORY

LOCK = """# what uv writes
aiohttp==3.14.5 \\
    --hash=sha256:00
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:00
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:00
"""
ZERO = {"introduced": "0"}


def record(name: str = "aiohttp", **affected: Any) -> dict[str, Any]:
    package = {"ecosystem": affected.pop("ecosystem", "PyPI"), "name": name}
    return {"id": "OSV-1", "affected": [{"package": package, **affected}]}


def ranges(*events: dict[str, str], kind: str = "ECOSYSTEM") -> dict[str, Any]:
    return {"ranges": [{"type": kind, "events": list(events)}]}


@dataclass
class Project:
    """A folder with the script and lock files."""

    root: Path

    def audit(self, *arguments: str, service: int | None = None) -> tuple[int, str, str]:
        """Exit code, output and errors; ``service`` is the port of a database, or nobody's."""
        url = f"http://127.0.0.1:{service or free_port()}/"
        asked = {"PIP_AUDIT_VULNERABILITY_SERVICE": "osv", "PIP_AUDIT_OSV_URL": url}
        done = subprocess.run(
            [sys.executable, str(self.root / "scripts" / "audit"), *arguments],
            env=environment(**asked, XDG_CACHE_HOME=str(self.root)),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def database(self, *records: dict[str, Any]) -> str:
        """The path of a zip with these records."""
        path = self.root / "osv.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for number, one in enumerate(records):
                archive.writestr(f"OSV-{number}.json", json.dumps(one))
        return str(path)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "scripts").mkdir()
    for name in ("audit", "bill_of_materials.py"):
        shutil.copy(REPOSITORY / "scripts" / name, tmp_path / "scripts")
    (tmp_path / "requirements.lock").write_text(LOCK)
    return Project(tmp_path)


@pytest.fixture
def service() -> Iterator[tuple[int, list[str]]]:
    """A database on loopback that knows something of numpy 2.5.5, and what it was asked."""
    asked: list[str] = []

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            release = f"{query['package']['name']}=={query['version']}"
            asked.append(release)
            found = [record("numpy", **ranges(ZERO))] if release == "numpy==2.5.5" else []
            body = json.dumps({"vulns": found}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, asked
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("known", "code"),
    [
        pytest.param(record(**ranges(ZERO)), 1, id="all versions"),
        pytest.param(record(**ranges({"fixed": "3.14.6"}, ZERO)), 1, id="fixed later"),
        pytest.param(record(**ranges(ZERO, {"fixed": "3.14.5"})), 0, id="fixed here"),
        pytest.param(record(**ranges(ZERO, {"last_affected": "3.14.5"})), 1, id="the last one"),
        pytest.param(record(**ranges(ZERO, {"last_affected": "3.14.4"})), 0, id="the last before"),
        pytest.param(record(**ranges({"introduced": "3.15"})), 0, id="introduced later"),
        pytest.param(
            record(**ranges(ZERO, {"fixed": "1"}, {"introduced": "3.9"})), 1, id="come back"
        ),
        pytest.param(record(versions=["3.14.5"]), 1, id="by name"),
        pytest.param(record(versions=["3.14"]), 0, id="another by name"),
        pytest.param(record("AioHTTP", **ranges(ZERO)), 1, id="spelt otherwise"),
        pytest.param(record(**ranges({"introduced": "x"})), 1, id="a version that is none"),
        pytest.param(record(**ranges(ZERO, kind="GIT")), 0, id="commits"),
        pytest.param(record("aiohttp-jinja2", **ranges(ZERO)), 0, id="another package"),
        pytest.param(record(**ranges(ZERO)) | {"withdrawn": "2026"}, 0, id="withdrawn"),
    ],
)
def test_a_database_in_a_file(project: Project, known: dict[str, Any], code: int) -> None:
    """What it has of the locked releases ends with 1, and is named; all else with 0."""
    other = record("django", **ranges(ZERO))
    found, output, _ = project.audit("--database", project.database(known, other))
    assert (found, "aiohttp==3.14.5: OSV-1" in output) == (code, code == 1)


@pytest.mark.parametrize(
    "ecosystem",
    [pytest.param(None, id="no file"), pytest.param("npm", id="of another ecosystem")],
)
def test_a_database_that_says_nothing_is_no_good_news(
    project: Project, ecosystem: str | None
) -> None:
    """A wrong path or file ends with 2 and its name."""
    path = project.database(record(ecosystem=ecosystem)) if ecosystem else "nowhere.zip"
    code, _, errors = project.audit("--database", path)
    assert (code, path in errors) == (2, True)


def test_every_locked_release_is_asked_for(
    project: Project, service: tuple[int, list[str]]
) -> None:
    """pip-audit asks a service, also for what other versions of Python have."""
    port, asked = service
    code, output, _ = project.audit(service=port)
    assert sorted(asked) == ["aiohttp==3.14.5", "numpy==2.4.6", "numpy==2.5.5"]
    assert (code, output.splitlines()[0]) == (1, "numpy==2.5.5: OSV-1")


def test_without_any_database_nothing_is_promised(project: Project) -> None:
    """Nobody answers, and nobody ever has: 2, and what would help."""
    code, _, errors = project.audit()
    assert (code, "DATABASE=FILE.zip" in errors, "Traceback" in errors) == (2, True, False)


def test_what_was_known_last_is_told(project: Project) -> None:
    """Nobody answers now: what is vulnerable is so still, and what is new is named."""
    assert project.audit("--database", project.database(record(**ranges(ZERO))))[0] == 1
    (project.root / "requirements-dev.lock").write_text("mypy==2.4.1 \\\n")
    code, output, errors = project.audit()
    assert (code, "aiohttp==3.14.5: OSV-1" in output) == (1, True)
    assert "Not checked: mypy==2.4.1" in errors


def test_the_lock_files_are_read_whole(project: Project) -> None:
    """The real ones; each release that they name is looked at."""
    names: set[str] = set()
    for lock in REPOSITORY.glob("requirements*.lock"):
        shutil.copy(lock, project.root)
        names |= {line.split()[0] for line in lock.read_text().splitlines() if "==" in line[:60]}
    last = project.root / "build" / "audit.json"
    assert project.audit("--database", project.database(record("django")))[0] == 0
    assert set(json.loads(last.read_text())["known"]) == {
        name for name in names if not name.startswith(("#", "-"))
    }


def test_F_DB_15_the_driver_is_none_of_the_broken_ones() -> None:
    """PyMongo below 4.6.3 reads beyond what a malformed document holds (CVE-2024-5629)."""
    config = ConfigParser()
    config.read(REPOSITORY / "setup.cfg")
    needed = map(Requirement, config["options"]["install_requires"].split())
    (driver,) = [one for one in needed if one.name == "pymongo"]
    assert "4.6.2" not in driver.specifier
    assert "4.11" in driver.specifier
