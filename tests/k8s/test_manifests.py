"""The manifests: valid to the letter, of one mind with each other, and with the server."""

from __future__ import annotations

import json
import re
import sys
from configparser import ConfigParser
from pathlib import Path

import aiohttp
import jsonschema
import kubernetes_validate
import pytest
import yaml

from tests.conftest import StartIdp
from tests.process import free_port

from .rendering import K8S, OVERLAYS, REPOSITORY, Object, Rendered, pod_of, rendered

OLDEST = "1.30"
ALL = (*OVERLAYS, "example-client")
PINNED = re.compile(r"[\w./-]+:[0-9]+\.[0-9]+\.[0-9]+[\w.-]*(@sha256:[0-9a-f]{64})?")
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> Rendered:
    """Each that can be applied."""
    return rendered(request.param)


@pytest.fixture
def production() -> Rendered:
    return rendered("overlays/production")


@pytest.fixture(params=ALL)
def workload(request: pytest.FixtureRequest) -> Object:
    """Whatever makes pods."""
    kind = "CronJob" if request.param == "example-client" else "Deployment"
    (found,) = rendered(request.param).of(kind)
    return found


def check(manifest: Object, version: str) -> None:
    """Raises ValidationError by the schema of its kind, Kubernetes' own or one of ours."""
    path = Path(__file__).with_name("schemas") / f"{manifest['kind'].lower()}.json"
    if path.exists():
        jsonschema.validate(manifest, json.loads(path.read_text(encoding="utf-8")))
    else:
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
@pytest.mark.parametrize("kustomization", ALL)
def test_every_manifest_is_valid(kustomization: str, version: str) -> None:
    """By Kubernetes' own schemas, which have no room for a misspelt member."""
    for each in rendered(kustomization).objects:
        check(each, version)


@pytest.mark.parametrize("kind", ["Deployment", "ServiceMonitor"])
def test_a_misspelt_member_is_found(production: Rendered, kind: str) -> None:
    """The check above is one."""
    manifest = production.one(kind)
    misspelt = manifest | {"spec": manifest["spec"] | {"selecter": {}}}
    with pytest.raises(jsonschema.ValidationError, match="selecter"):
        check(misspelt, OLDEST)


def test_every_file_is_applied() -> None:
    """None was forgotten in its kustomization."""
    for path in K8S.rglob("*.yaml"):
        if path.name != "kustomization.yaml":
            listed = yaml.safe_load(path.with_name("kustomization.yaml").read_text("utf-8"))
            patched = [patch["path"] for patch in listed.get("patches", ())]
            assert path.name in [*listed["resources"], *patched], path


def test_the_pods_settings_load(overlay: Rendered, tmp_path: Path) -> None:
    """By the server's own loader: each key is a setting, each secret a file that is mounted."""
    settings = overlay.settings(tmp_path)
    assert settings.host == "0.0.0.0"
    assert settings.key_encryption_key


def test_what_the_overlays_are_for(tmp_path: Path) -> None:
    """SQLite on a volume and one pod; MongoDB, whose URL is a secret, and several."""
    development, production = (rendered(name) for name in OVERLAYS)
    path = development.settings(tmp_path).sqlite_path
    (data,) = [m for m in development.container["volumeMounts"] if m["name"] == "data"]
    assert path is not None
    assert Path(path).parent == Path(data["mountPath"])
    assert development.deployment["spec"]["replicas"] == 1
    assert production.settings(tmp_path).store.startswith("mongodb://")
    assert production.one("HorizontalPodAutoscaler")["spec"]["minReplicas"] == 3
    assert "replicas" not in production.deployment["spec"], "the autoscaler's to say"


def test_ports_agree(overlay: Rendered, tmp_path: Path) -> None:
    """Settings, container, Services, policies and monitor name the same."""
    settings = overlay.settings(tmp_path)
    wanted = {"public": settings.port, "health": settings.health_port}
    if settings.admin_port:
        wanted["admin"] = settings.admin_port
    assert overlay.ports == wanted
    served = [port for service in overlay.of("Service") for port in service["spec"]["ports"]]
    assert sorted(port["targetPort"] for port in served) == sorted(wanted)
    assert set(peers_by_port(overlay, "ingress")) == set(wanted)
    assert all(port["port"] == wanted[port["targetPort"]] for port in served if port["port"] != 80)


def test_health_stands_apart(production: Rendered) -> None:
    """What routes to the public Service, or to the administrators', can't reach it."""
    ports = {
        service["metadata"]["name"]: [port["targetPort"] for port in service["spec"]["ports"]]
        for service in production.of("Service")
    }
    assert ports == {
        "apogee-idp": ["public"],
        "apogee-idp-admin": ["admin"],
        "apogee-idp-health": ["health"],
    }
    (endpoint,) = production.one("ServiceMonitor")["spec"]["endpoints"]
    health = production.one("Service", "apogee-idp-health")
    assert endpoint["port"] in [port["name"] for port in health["spec"]["ports"]]


def peers_by_port(overlay: Rendered, direction: str) -> dict[str | int, list[Object]]:
    """With whom the policies let the pods speak, at each port; with nobody named, anyone."""
    peers = "from" if direction == "ingress" else "to"
    return {
        port["port"]: rule.get(peers, [])
        for policy in overlay.of("NetworkPolicy")
        for rule in policy["spec"][direction]
        for port in rule["ports"]
    }


def test_who_may_come_in(production: Rendered) -> None:
    """Anyone to the public port, monitoring to health, administrators to theirs."""
    peers = peers_by_port(production, "ingress")
    assert peers["public"] == []
    for port in ("health", "admin"):
        (peer,) = peers[port]
        assert set(peer) == {"namespaceSelector"}
    for policy in production.of("NetworkPolicy"):
        assert sorted(policy["spec"]["policyTypes"]) == ["Egress", "Ingress"]


def test_where_the_server_may_go(production: Rendered) -> None:
    """Names, its database, and https at public addresses: not to the cloud's metadata."""
    ports = peers_by_port(production, "egress")
    assert set(ports) == {53, 443, 27017}
    blocked = [network for peer in ports[443] for network in peer["ipBlock"]["except"]]
    assert {"10.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16", "fc00::/7"} <= set(blocked)


def test_selectors_find_the_pods(overlay: Rendered) -> None:
    """Of Services, policies, budget, spread, and of the monitor, which finds the Service."""
    labels = overlay.deployment["spec"]["template"]["metadata"]["labels"].items()
    selectors = [
        *(each["spec"]["selector"] for each in overlay.of("Service")),
        *(each["spec"]["podSelector"]["matchLabels"] for each in overlay.of("NetworkPolicy")),
        *(
            each["spec"]["selector"]["matchLabels"]
            for kind in ("Deployment", "PodDisruptionBudget")
            for each in overlay.of(kind)
        ),
        *(
            spread["labelSelector"]["matchLabels"]
            for spread in overlay.pod.get("topologySpreadConstraints", ())
        ),
    ]
    for selector in selectors:
        assert selector
        assert selector.items() <= labels
    for monitor in overlay.of("ServiceMonitor"):
        health = overlay.one("Service", "apogee-idp-health")["metadata"]["labels"]
        assert monitor["spec"]["selector"]["matchLabels"].items() <= health.items()


def test_the_ingress_leads_to_the_public_port(production: Rendered, tmp_path: Path) -> None:
    """At the issuer's host, with TLS."""
    spec = production.one("Ingress")["spec"]
    (rule,) = spec["rules"]
    (path,) = rule["http"]["paths"]
    backend = path["backend"]["service"]
    service = production.one("Service", backend["name"])
    (port,) = service["spec"]["ports"]
    assert (port["name"], port["targetPort"]) == (backend["port"]["name"], "public")
    assert production.settings(tmp_path).issuer == f"https://{rule['host']}"
    assert spec["tls"][0]["hosts"] == [rule["host"]]


async def test_probes_are_routes(overlay: Rendered, start_idp: StartIdp) -> None:
    """Of the server as it is, on the port of health."""
    port = free_port()
    await start_idp(health_port=port)
    async with aiohttp.ClientSession() as session:
        for probe in PROBES:
            asked = overlay.container[probe]["httpGet"]
            assert asked["port"] == "health"
            async with session.get(f"http://127.0.0.1:{port}{asked['path']}") as answer:
                assert answer.status == 200, probe


def test_a_stopping_pod_has_the_time_it_needs(overlay: Rendered, tmp_path: Path) -> None:
    """More than the server takes to drain and to finish: it is not killed in the middle."""
    settings = overlay.settings(tmp_path)
    needed = settings.drain_seconds + settings.shutdown_timeout
    assert overlay.pod["terminationGracePeriodSeconds"] > needed
    assert "lifecycle" not in overlay.container, "there is no shell to sleep in"


def test_a_disruption_leaves_enough(production: Rendered) -> None:
    """Draining a node never takes all; nor does a rollout take any before the next is there."""
    budget = production.one("PodDisruptionBudget")["spec"]
    scaler = production.one("HorizontalPodAutoscaler")["spec"]
    assert 0 < budget["maxUnavailable"] < scaler["minReplicas"]
    assert scaler["scaleTargetRef"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": production.deployment["metadata"]["name"],
    }
    assert production.container["resources"]["requests"]["cpu"], "what it measures by"
    assert production.deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_pods_are_restricted(workload: Object) -> None:
    """As the Pod Security Standard of that name has it, and their file system is read-only."""
    pod = pod_of(workload)
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
    kinds = {kind for volume in pod["volumes"] for kind in volume if kind != "name"}
    assert kinds <= {"configMap", "secret", "persistentVolumeClaim", "emptyDir"}


def test_what_can_be_written(overlay: Rendered) -> None:
    """Under a root that can't be: the data, and the little that workers need to count together."""
    written = {m["name"] for m in overlay.container["volumeMounts"] if not m.get("readOnly")}
    assert written <= {"data", "tmp"}
    (tmp,) = [volume for volume in overlay.pod["volumes"] if volume["name"] == "tmp"]
    assert tmp["emptyDir"] == {"medium": "Memory", "sizeLimit": "16Mi"}
    (mount,) = [m for m in overlay.container["volumeMounts"] if m["name"] == "tmp"]
    assert mount["mountPath"] == "/tmp"


def test_secrets_come_as_files(workload: Object) -> None:
    """Never in the environment, which children and crash reports inherit; readable by the group."""
    for container in pod_of(workload)["containers"]:
        assert "envFrom" not in container
        assert all("valueFrom" not in variable for variable in container["env"])
    for volume in pod_of(workload)["volumes"]:
        if "secret" in volume:
            assert volume["secret"]["defaultMode"] == 0o440
            assert volume["secret"]["items"]


def test_A_DOS_01_texts_hash_differently_in_each_process() -> None:
    """Nothing that we ship fixes the seed, by which anyone could make keys that collide."""
    shipped = [*K8S.rglob("*"), *(REPOSITORY / "config").rglob("*"), REPOSITORY / "Makefile"]
    for path in shipped:
        assert path.is_dir() or b"PYTHONHASHSEED" not in path.read_bytes(), path
    assert sys.flags.hash_randomization


def test_no_secret_is_among_the_manifests() -> None:
    """Operators make them; a repository is no place for them."""
    for name in ALL:
        assert rendered(name).of("Secret") == []


def test_images_are_pinned(workload: Object) -> None:
    """To a version; ours to the one that is here."""
    for container in pod_of(workload)["containers"]:
        assert PINNED.fullmatch(container["image"]), container["image"]
        if container["name"] == "apogee-idp":
            assert container["image"].endswith(f":{version()}")


def version() -> str:
    configuration = ConfigParser()
    configuration.read(REPOSITORY / "setup.cfg")
    return configuration["metadata"]["version"]


def test_READMEs_commands_fit() -> None:
    """Overlays, names, ports and the keys of the Secrets are those of the manifests."""
    section = (REPOSITORY / "README.md").read_text("utf-8").split("\n## On Kubernetes\n")[1]
    commands = re.findall(r"^\$ (.*)$", section.split("\n## ")[0], re.MULTILINE)
    text = "\n".join(commands)
    overlays = [rendered(name) for name in OVERLAYS]
    assert re.findall(r"apply -k k8s/(\S+)", text) == [OVERLAYS[0]]
    secrets = [line for line in commands if "create secret" in line]
    for overlay, line in zip(overlays, secrets, strict=True):
        (volume,) = [each["secret"] for each in overlay.pod["volumes"] if "secret" in each]
        assert f"secret generic {volume['secretName']} " in line
        keys = {item["key"] for item in volume["items"]}
        assert set(re.findall(r"--from-file=([\w-]+)", line)) == keys
    assert f"--tag {overlays[0].container['image']} ." in text
    assert "exec deploy/apogee-idp -- apogee-idp " in text
    (port,) = overlays[0].one("Service")["spec"]["ports"]
    assert f"svc/apogee-idp 8080:{port['port']}" in text
    namespace = overlays[0].deployment["metadata"]["namespace"]
    assert set(re.findall(r"kubectl -n (\S+)", text)) == {namespace}
