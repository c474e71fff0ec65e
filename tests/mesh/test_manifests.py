"""The manifests of `examples/mesh`, against schemas and the service's own requirements.

Kubernetes' schemas check its own kinds. Validators made from Istio's own definitions check
Istio's kinds. They accept unknown keys, so `istio_schema.json` checks these kinds too. It
contains what the custom resources allow, as far as it is used. No cluster has run the
manifests here.
"""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from fix_mesh import MESH

from ops_service import Config, load_config

ISTIO = json.loads(Path(__file__).with_name("istio_schema.json").read_text())
FILES = ("kubernetes/passthrough.yaml", "istio/identity.yaml")


def documents(file: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((MESH / file).read_text()))


ALL = [
    pytest.param(document, id=f"{file}:{document['kind']}")
    for file in FILES
    for document in documents(file)
]


def validate(document: dict[str, Any]) -> None:
    if "istio.io" in document["apiVersion"]:
        jsonschema.validate(document, ISTIO)
    else:
        kubernetes_validate.validate(document, "1.33", strict=True)


@pytest.mark.parametrize("document", ALL)
def test_by_schema(document: dict[str, Any]) -> None:
    validate(document)
    # An unknown key is an error.
    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
        validate({**document, "spec": {"nonsense": 1}, "data": 1, "metadata": {"name": 1}})


def refusals(resources: list[dict[str, Any]]) -> list[str]:
    """The messages of Istio's own definitions, one for each resource: "" accepts it."""
    script = Path(__file__).parents[1] / "node/istio.mjs"
    node = shutil.which("node")
    if node is None or not (script.parent / "node_modules").exists():
        pytest.skip("needs Node and tests/node/node_modules, which make test-mesh installs")
    done = subprocess.run(
        [node, script],
        input=json.dumps(resources),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout.splitlines()


def test_by_istios_own_definitions() -> None:
    resources = [d for file in FILES for d in documents(file) if "istio.io" in d["apiVersion"]]
    kinds = {each["kind"]: each for each in resources}
    assert set(kinds) == {"AuthorizationPolicy", "PeerAuthentication", "Sidecar"}
    wrong = [copy.deepcopy(kinds[kind]) for kind in sorted(kinds)]
    wrong[0]["spec"]["action"] = "REFUSE"
    wrong[1]["spec"]["mtls"]["mode"] = "ALWAYS"
    wrong[2]["spec"]["ingress"][0]["port"]["number"] = "8443"
    found = refusals(resources + wrong)
    assert found[: len(resources)] == [""] * len(resources)
    assert ["spec/action" in found[-3], "mtls/mode" in found[-2], "port/number" in found[-1]] == [
        True
    ] * 3


def configuration(file: str, tmp_path: Path) -> Config:
    (config,) = (d for d in documents(file) if d["kind"] == "ConfigMap")
    (tmp_path / "ops_service.toml").write_text(config["data"]["ops_service.toml"])
    return load_config(tmp_path / "ops_service.toml")


def pod(file: str) -> dict[str, Any]:
    (deployment,) = (d for d in documents(file) if d["kind"] == "Deployment")
    template: dict[str, Any] = deployment["spec"]["template"]
    return template


def mounts(file: str, container: int = 0) -> dict[str, str]:
    found = pod(file)["spec"]["containers"][container]["volumeMounts"]
    return {mount["mountPath"]: mount["name"] for mount in found}


def test_recipe_1_goes_past_the_sidecar(tmp_path: Path) -> None:
    (file, _) = FILES
    config = configuration(file, tmp_path)
    host, _, port = config.server.address.rpartition(":")
    assert host == "127.0.0.1"
    excluded = pod(file)["metadata"]["annotations"]["traffic.sidecar.istio.io/excludeInboundPorts"]
    assert excluded.split(",") == [str(int(port) + slot) for slot in range(config.server.slots)]
    # The service writes only to volumes, because the root file system is read-only.
    assert config.server.run_directory is not None
    assert config.store.directory is not None
    assert {str(config.server.run_directory.parent), str(config.store.directory.parent)} <= set(
        mounts(file)
    )
    assert config.tls is not None
    assert str(config.tls.private_key.parent) in mounts(file)


def test_recipe_2_is_of_one_piece(tmp_path: Path) -> None:
    (_, file) = FILES
    config = configuration(file, tmp_path)
    (sidecar,) = (d for d in documents(file) if d["kind"] == "Sidecar")
    (listener,) = (
        each for each in sidecar["spec"]["ingress"] if each["defaultEndpoint"].startswith("unix:")
    )
    assert listener["defaultEndpoint"] == config.server.address.replace("unix:", "unix://")
    assert listener["port"]["protocol"] == "GRPC"
    template = pod(file)
    account = f"ns/{sidecar['metadata']['namespace']}/sa/{template['spec']['serviceAccountName']}"
    assert config.mesh.proxies == (f"spiffe://cluster.local/{account}",)
    # One user on both sides of the socket, whose directory is in a volume that both mount.
    users = {c["securityContext"]["runAsUser"] for c in template["spec"]["containers"]}
    assert len(users) == 1
    socket = Path(config.server.address.removeprefix("unix:"))
    name = mounts(file)[str(socket.parent.parent)]
    mount = json.loads(template["metadata"]["annotations"]["sidecar.istio.io/userVolumeMount"])
    assert mount == [{"name": name, "mountPath": str(socket.parent.parent)}]
    # Only callers with a grant reach the port.
    (policy,) = (d for d in documents(file) if d["kind"] == "AuthorizationPolicy")
    (rule,) = policy["spec"]["rules"]
    principals = [f"spiffe://{each}" for each in rule["from"][0]["source"]["notPrincipals"]]
    assert principals == [grant.principal for grant in config.grants]
    assert rule["to"][0]["operation"]["ports"] == [str(listener["port"]["number"])]


@pytest.mark.parametrize("file", FILES)
def test_the_audit_lies_on_a_volume_that_holds_it(file: str, tmp_path: Path) -> None:
    config = configuration(file, tmp_path)
    assert config.audit.file is not None
    name = mounts(file)[str(config.audit.file.parent)]
    (volume,) = (each for each in pod(file)["spec"]["volumes"] if each["name"] == name)
    found = re.fullmatch(r"(\d+)(Mi|Gi)", volume["emptyDir"]["sizeLimit"])
    assert found
    room = int(found[1]) << {"Mi": 20, "Gi": 30}[found[2]]
    stored = config.store.max_bytes if config.store.directory else 0
    # The kubelet evicts the pod if it exceeds its limit.
    assert 0 < config.audit.rotate_bytes * (config.audit.keep_files + 1) + stored < room


@pytest.mark.parametrize("file", FILES)
def test_no_probe_asks_the_port(file: str, tmp_path: Path) -> None:
    for container in pod(file)["spec"]["containers"]:
        for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
            probe = container.get(kind, {})
            assert set(probe) <= {"httpGet"}
            assert probe.get("httpGet", {}).get("port") in (None, "http")
