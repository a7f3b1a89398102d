"""Writes the wheel's software bill of materials, in CycloneDX, where PEP 770 looks for it.

setup.cfg has setuptools call it. What is in it comes from the lock files and from the manifest of
what the console has of others. Lock files know no licences, and not which package needs which.
"""

from __future__ import annotations

import base64
import json
import os
import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from setuptools.command import egg_info

ROOT = Path(__file__).parents[1]
LOCK, WITH_EXTRAS = ROOT / "requirements.lock", ROOT / "requirements-otel.lock"
VENDORED = ROOT / "apogee_idp" / "console" / "vendor" / "manifest.json"


def component(purl: str, name: str, version: str, **members: Any) -> dict[str, Any]:
    """A library as CycloneDX describes it."""
    known = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    return known | members


def releases(lock: Path) -> list[tuple[str, str]]:
    """Names and versions of a lock file."""
    return re.findall(r"^([\w.-]+)==([^\s;]+)", lock.read_text(), re.MULTILINE)


def locked() -> Iterator[dict[str, Any]]:
    """What is installed beside the wheel, and what its extra brings."""
    required = releases(LOCK)
    for name, version in releases(WITH_EXTRAS):
        scope = "required" if (name, version) in required else "optional"
        yield component(f"pkg:pypi/{name}@{version}", name, version, scope=scope)


def vendored() -> Iterator[dict[str, Any]]:
    """What the wheel contains."""
    for package in json.loads(VENDORED.read_text())["packages"]:
        name, version = package["name"], package["version"]
        digest = base64.b64decode(package["integrity"].removeprefix("sha512-")).hex()
        yield component(
            f"pkg:npm/{name}@{version}",
            name,
            version,
            scope="required",
            hashes=[{"alg": "SHA-512", "content": digest}],
            licenses=[{"license": {"id": package["licence"]}}],
        )


def bill_of_materials(name: str, version: str, needs: list[str]) -> dict[str, Any]:
    """All of it, for this release; the same again for the same ``SOURCE_DATE_EPOCH``."""
    purl = f"pkg:pypi/{name}@{version}"
    built = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
    inside, beside = list(vendored()), list(locked())
    direct = [part["bom-ref"] for part in beside if part["name"] in needs]
    content = json.dumps([purl, inside, beside])
    ours = component(purl, name, version, type="application", components=inside)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", built),
            "lifecycles": [{"phase": "build"}],
            "component": ours | {"licenses": [{"license": {"id": "MIT"}}]},
        },
        "components": beside,
        "dependencies": [{"ref": purl, "dependsOn": direct}],
        "compositions": [{"aggregate": "incomplete", "dependencies": direct}],
    }


class EggInfo(egg_info.egg_info):
    """What setuptools copies into the ``.dist-info`` of a wheel, and a bill of materials."""

    def run(self) -> None:
        super().run()
        ours = self.distribution
        needs = [re.split(r"[^\w.-]", requirement)[0] for requirement in ours.install_requires]
        bill = bill_of_materials(ours.get_name(), ours.get_version(), needs)
        folder = Path(self.egg_info, "sboms")
        folder.mkdir(exist_ok=True)
        (folder / f"{ours.get_name()}.cdx.json").write_text(json.dumps(bill, indent=2) + "\n")
