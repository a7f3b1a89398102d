"""What is off is not loaded: asked of a process that has nothing else in it."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from tests.process import environment, free_port

SERVER = """
import asyncio, json, sys, urllib.request
from apogee_idp.app import opened_installation
from apogee_idp.serving import listening
from apogee_idp.settings import Settings

async def main():
    settings = Settings(**json.loads(sys.argv[1]))
    async with opened_installation(settings) as installation, listening(installation):
        await installation.until_ready()
        if settings.health_port:
            url = f"http://127.0.0.1:{settings.health_port}/metrics"
            await asyncio.to_thread(lambda: urllib.request.urlopen(url).read())
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))

asyncio.run(main())
"""
OPTIONAL = {"prometheus_client", "opentelemetry", "google", "requests"}


@pytest.mark.parametrize(
    ("settings", "loaded"),
    [
        pytest.param({"health_port": 0}, set(), id="all off"),
        pytest.param({}, {"prometheus_client"}, id="metrics"),
        pytest.param(
            {"health_port": 0, "traces": "otlp"}, OPTIONAL - {"prometheus_client"}, id="traces"
        ),
    ],
)
def test_only_what_is_on_is_loaded(
    tmp_path: Path, settings: dict[str, object], loaded: set[str]
) -> None:
    """Metrics need a port, and traces a setting."""
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    chosen = {
        "issuer": "https://idp.example",
        "port": free_port(),
        "health_port": free_port(),
        "store": "sqlite:///:memory:",
        "key_encryption_key": [key],
    } | settings
    done = subprocess.run(
        [sys.executable, "-c", SERVER, json.dumps(chosen)],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout.splitlines()[-1])) & OPTIONAL == loaded


def test_traces_without_their_packages_are_refused(tmp_path: Path) -> None:
    """With the command that brings them."""
    block = "import sys; sys.modules['opentelemetry'] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", block + "from apogee_idp.cli import main; main()", "serve", "--dev"],
        env=environment(APOGEE_TRACES="otlp", APOGEE_PORT=str(free_port())),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode != 0
    assert "pip install 'apogee-idp[otel]'" in done.stderr
    assert "Traceback" not in done.stderr
