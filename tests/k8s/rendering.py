"""What ``kubectl apply -k`` would send to a cluster, and the settings that a pod would read."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from apogee_idp.settings import CONFIG_VARIABLE, Settings, load_settings
from tests.canary import PLANTED

REPOSITORY = Path(__file__).parents[2]
K8S = REPOSITORY / "k8s"
KUBECTL = Path(sys.executable).with_name("kubectl")
OVERLAYS = ("overlays/development", "overlays/production")

Object = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """The objects of one kustomization."""

    objects: tuple[Object, ...]

    def of(self, kind: str) -> list[Object]:
        """All objects of that kind."""
        return [each for each in self.objects if each["kind"] == kind]

    def one(self, kind: str, name: str = "apogee-idp") -> Object:
        """The only one of that kind and name."""
        (found,) = [each for each in self.of(kind) if each["metadata"]["name"] == name]
        return found

    @property
    def deployment(self) -> Object:
        """The server's."""
        return self.one("Deployment")

    @property
    def pod(self) -> Object:
        """The server's pods."""
        return pod_of(self.deployment)

    @property
    def container(self) -> Object:
        """The only one of those pods."""
        (container,) = self.pod["containers"]
        return dict(container)

    @property
    def ports(self) -> dict[str, int]:
        """The container's ports, by name."""
        return {port["name"]: port["containerPort"] for port in self.container["ports"]}

    def mounted(self, root: Path, given: Mapping[str, str]) -> dict[str, str]:
        """Lays below ``root`` what is mounted; returns the environment that leads there.

        ``given`` has the content of each Secret's key.
        """
        volumes = {volume["name"]: volume for volume in self.pod["volumes"]}
        for mount in self.container["volumeMounts"]:
            folder = root / mount["mountPath"].lstrip("/")
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in self._files_of(volumes[mount["name"]], given).items():
                (folder / name).write_text(content, encoding="utf-8")
        return {
            variable["name"]: str(root) + variable["value"]
            if variable["value"].startswith("/")
            else variable["value"]
            for variable in self.container["env"]
        }

    def settings(self, root: Path) -> Settings:
        """What the server reads in such a pod; ``root`` stands for the pod's root directory."""
        environ = self.mounted(root, sample_secrets())
        return load_settings(config=Path(environ[CONFIG_VARIABLE]), environ=environ)

    def _files_of(self, volume: Object, given: Mapping[str, str]) -> dict[str, str]:
        if "configMap" in volume:
            return dict(self.one("ConfigMap", volume["configMap"]["name"])["data"])
        items = volume.get("secret", {}).get("items", ())
        return {item["path"]: given[item["key"]] for item in items}


def pod_of(workload: Object) -> Object:
    """The specification of the pods of a Deployment or CronJob."""
    spec = workload["spec"]
    while "containers" not in spec:
        spec = spec.get("jobTemplate", spec.get("template"))["spec"]
    return dict(spec)


def sample_secrets() -> dict[str, str]:
    """Each key of the Secrets, with what an operator could have put there."""
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    PLANTED.add(key)
    store = "mongodb://idp:password@mongodb-0.mongodb,mongodb-1.mongodb/apogee?replicaSet=rs0"
    return {"key-encryption-key": key, "store": store}


@cache
def rendered(kustomization: str) -> Rendered:
    """By kubectl itself, without a cluster."""
    done = subprocess.run(
        [KUBECTL, "kustomize", str(K8S / kustomization)],
        env={"PATH": os.environ["PATH"], "HOME": "/nowhere"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return Rendered(tuple(yaml.safe_load_all(done.stdout)))
