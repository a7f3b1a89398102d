"""What the Dockerfile makes: it starts without any privilege, and writes to its data alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.process import free_port
from tests.waiting import wait_until

from .image import Image
from .rendering import K8S, REPOSITORY, pod_of, rendered, sample_secrets

DOCKERFILE = K8S / "Dockerfile"
SECONDS = 30


def lines(instruction: str) -> list[str]:
    text = DOCKERFILE.read_text(encoding="utf-8")
    return re.findall(rf"^{instruction} (.*)$", text, re.MULTILINE)


@pytest.fixture
def image() -> Iterator[Image]:
    """Built, and sealed; in a place that its user may enter, which pytest's own folders are not."""
    scratch = Path(tempfile.mkdtemp(prefix="image-"))
    scratch.chmod(0o755)
    image = Image(DOCKERFILE, REPOSITORY, scratch / "root")
    image.seal()
    yield image
    shutil.rmtree(scratch)


@pytest.fixture
def mounted(image: Image) -> Iterator[dict[str, str]]:
    """The environment of a pod of the development overlay, with what is mounted into it."""
    mounts = image.root.with_name("mounts")
    environ = rendered("overlays/development").mounted(mounts, sample_secrets())
    data = mounts / "var" / "lib" / "apogee-idp"
    if os.geteuid() == 0:
        os.chown(data, *image.user)
    config = mounts / "etc" / "apogee-idp" / "apogee.toml"
    inside = config.read_text(encoding="utf-8")
    config.write_text(inside.replace("sqlite:////var", f"sqlite:///{mounts}/var"), "utf-8")
    ports = {"APOGEE_PORT": str(free_port()), "APOGEE_HEALTH_PORT": str(free_port())}
    yield environ | ports
    shutil.rmtree(mounts)


@contextmanager
def running(image: Image, environ: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = image.start(env=environ)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def wait_until_ready(process: subprocess.Popen[str], port: str) -> None:
    def is_ready() -> bool:
        assert process.poll() is None, process.communicate()[0]
        return status(f"http://127.0.0.1:{port}/readyz") == 200

    wait_until(is_ready, SECONDS)


def test_the_image_serves(image: Image, mounted: dict[str, str], tmp_path: Path) -> None:
    """A pod gets ready, its commands work, a client with its secret in a file gets a token."""
    check_what_it_holds(image)
    check_its_user(image)
    before = image.contents()
    with running(image, mounted) as server:
        wait_until_ready(server, mounted["APOGEE_HEALTH_PORT"])
        create = ("clients", "create", "example-client", "--json")
        made = json.loads(image.run("apogee-idp", *create, env=mounted))
        secret = tmp_path / "client-secret"
        secret.write_text(made["client_secret"] + "\n", encoding="ascii")
        assert told_by_the_example_client(mounted["APOGEE_PORT"], secret) == (
            "a token for 900 s, with the scope 'none'\n"
        )
        server.terminate()
        assert server.wait(SECONDS) == 0
    assert image.contents() == before


def told_by_the_example_client(port: str, secret: Path) -> str:
    (container,) = pod_of(rendered("example-client").one("CronJob", "example-client"))["containers"]
    environ = {variable["name"]: variable["value"] for variable in container["env"]} | {
        "TOKEN_ENDPOINT": f"http://127.0.0.1:{port}/connect/token",
        "CLIENT_SECRET_FILE": str(secret),
    }
    script = K8S / "example-client" / "client.py"
    command = [shutil.which(container["command"][0]) or "python3", str(script)]
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def check_its_user(image: Image) -> None:
    """The pod's, who can't write where it starts."""
    pod = rendered("overlays/production").pod["securityContext"]
    assert image.user == (pod["runAsUser"], pod["runAsGroup"])
    told = "import os; print(os.getuid(), os.access('.', os.W_OK))"
    uid = image.user[0] if os.geteuid() == 0 else os.getuid()
    assert image.run("python", "-c", told, env={}) == f"{uid} False\n"


def check_what_it_holds(image: Image) -> None:
    """What runs, as it is locked, and nothing that only builds: no pip, no sources."""
    (packages,) = image.path("/opt/apogee-idp/lib").glob("python*/site-packages")
    lock = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    locked = re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)
    found = {path.name.partition("-")[0].lower() for path in packages.glob("*.dist-info")}
    assert found <= {re.sub("[.-]", "_", name).lower() for name in (*locked, "apogee-idp")}
    assert not (packages / "pip").exists()
    assert not image.path("/src").exists()


def test_the_base_is_pinned() -> None:
    """To one release, in each stage, and the example client has the same."""
    (base,) = lines("ARG")
    assert re.fullmatch(r"PYTHON=python:3\.11\.\d+-slim-\w+", base)
    assert {line.split()[0] for line in lines("FROM")} == {"${PYTHON}"}
    (container,) = pod_of(rendered("example-client").one("CronJob", "example-client"))["containers"]
    assert container["image"] == base.removeprefix("PYTHON=")


def test_all_that_is_copied_is_in_the_context() -> None:
    """The ignore file lets it in, and nothing that git doesn't know."""
    ignored = (K8S / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = {
        name
        for line in lines("COPY")
        if not line.startswith("--from")
        for name in line.split()[:-1]
    }
    assert copied == allowed
    assert ignored[1] == "*"
    listed = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in copied:
        assert any(fnmatch(path, name) or path.startswith(f"{name}/") for path in listed), name


def test_its_ports_are_the_settings(tmp_path: Path) -> None:
    """What the image says it listens on."""
    settings = rendered("overlays/development").settings(tmp_path)
    assert lines("EXPOSE") == [f"{settings.port} {settings.health_port}"]
