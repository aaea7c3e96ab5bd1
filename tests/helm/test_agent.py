"""Agents in a cluster: the DaemonSet of the chart, and the sidecar of the example."""

from __future__ import annotations

from typing import Any

import kubernetes_validate
import pytest
import yaml

from rolecall.config.agent_settings import AgentConfig
from rolecall.config.sources import variable_of
from tests.helm.chart import CHART, SQLITE, VERSION, Manifest, RefusedError, render
from tests.helm.test_rendering import VERSIONS
from tests.helm.values import SET_FOR_AGENTS
from tests.repository.tree import ROOT

CASE = CHART / "ci/agent-values.yaml"
SERVER: dict[str, Any] = yaml.safe_load(SQLITE.read_text())
SIDECAR: Manifest = yaml.safe_load((ROOT / "examples/agent/sidecar.yaml").read_text())
RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def daemon_set(**agent: object) -> Manifest:
    """Return the DaemonSet of an agent with a certificate, and with these values."""
    values = {"enabled": True, "upstream": {"existingSecret": "agent"}, **agent}
    return render({**SERVER, "agent": values}).one("DaemonSet")


def pod_of(workload: Manifest) -> dict[str, Any]:
    pod: dict[str, Any] = workload["spec"]["template"]["spec"]
    return pod


def agent_of(workload: Manifest) -> dict[str, Any]:
    pod = pod_of(workload)
    (agent,) = (c for c in [*pod.get("initContainers", []), *pod["containers"]] if c["name"] == "agent")
    return dict(agent)


def environment_of(workload: Manifest) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in agent_of(workload)["env"]}


def volumes_of(workload: Manifest) -> dict[str, dict[str, Any]]:
    return {volume["name"]: volume for volume in pod_of(workload)["volumes"]}


def test_without_being_asked_for_there_is_no_agent() -> None:
    assert "DaemonSet" not in render(SQLITE).kinds()


@pytest.mark.parametrize(
    "workload", [render(CASE).one("DaemonSet"), daemon_set(), SIDECAR], ids=["token", "tls", "sidecar"]
)
def test_every_variable_of_an_agent_is_a_setting_that_it_accepts(workload: Manifest) -> None:
    environment = environment_of(workload)

    config = AgentConfig.from_mapping({}, environment)

    assert agent_of(workload)["args"] == ["agent"]
    assert config.upstream == "rolecall-headless.access.svc.cluster.local:50051"
    assert config.listen.text == "unix:/run/rolecall/agent.sock"
    assert config.ops_listen.loopback is False


def test_the_chart_sets_for_an_agent_only_what_its_values_cannot_contradict() -> None:
    configured = yaml.safe_load(CASE.read_text())["agent"]["config"]
    set_by_the_chart = set(environment_of(render(CASE).one("DaemonSet"))) | set(environment_of(daemon_set()))

    assert set_by_the_chart - {variable_of(name) for name in configured} <= {
        variable_of(name) for name in SET_FOR_AGENTS
    }


def test_every_file_of_an_agent_is_mounted() -> None:
    for workload in (render(CASE).one("DaemonSet"), daemon_set(), SIDECAR):
        mounts = {mount["mountPath"] for mount in agent_of(workload)["volumeMounts"]}
        files = [text.removeprefix("unix://") for text in environment_of(workload).values()]

        assert {path.rpartition("/")[0] for path in files if path.startswith("/")} <= mounts
        assert {mount["name"] for mount in agent_of(workload)["volumeMounts"]} == set(volumes_of(workload))


@pytest.mark.parametrize("workload", [render(CASE).one("DaemonSet"), SIDECAR], ids=["chart", "sidecar"])
def test_an_agent_is_not_privileged(workload: Manifest) -> None:
    pod = pod_of(workload)

    assert RESTRICTED.items() <= agent_of(workload)["securityContext"].items()
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is pod["enableServiceLinks"] is False
    assert {"hostNetwork", "hostPID", "hostIPC"} & set(pod) == set()


def test_no_service_of_the_server_selects_an_agent() -> None:
    rendered = render(CASE)
    labels = rendered.one("DaemonSet")["spec"]["template"]["metadata"]["labels"]

    selectors = [m["spec"]["selector"] for m in rendered.manifests if m["kind"] == "Service"]

    assert selectors
    assert not [selector for selector in selectors if selector.items() <= labels.items()]
    assert rendered.one("DaemonSet")["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_a_directory_of_the_node_has_the_socket_and_a_group_may_call() -> None:
    workload = render(CASE).one("DaemonSet")

    assert volumes_of(workload)["socket"]["hostPath"] == {"path": "/run/rolecall", "type": "Directory"}
    assert environment_of(workload)["ROLECALL_SOCKET_GROUP"] == "2000"
    assert pod_of(workload)["securityContext"]["supplementalGroups"] == [2000]
    assert "ROLECALL_SOCKET_GROUP" not in environment_of(daemon_set())


def test_a_csi_volume_takes_the_place_of_the_directory() -> None:
    csi = {"driver": "sockets.example.com", "volumeAttributes": {"directory": "rolecall"}}

    volumes = volumes_of(daemon_set(socket={"csi": csi}))

    assert volumes["socket"] == {"name": "socket", "csi": csi}
    assert not [volume for volume in volumes.values() if "hostPath" in volume]


def test_an_agent_identifies_itself_with_a_certificate_or_a_token() -> None:
    by_token, by_certificate = render(CASE).one("DaemonSet"), daemon_set()
    (source,) = volumes_of(by_token)["token"]["projected"]["sources"]

    assert source["serviceAccountToken"] == {"path": "token", "audience": "rolecall", "expirationSeconds": 3600}
    assert [item["key"] for item in volumes_of(by_token)["upstream"]["secret"]["items"]] == ["ca.crt"]
    assert "token" not in volumes_of(by_certificate)
    assert [item["key"] for item in volumes_of(by_certificate)["upstream"]["secret"]["items"]] == [
        *("ca.crt", "tls.crt", "tls.key")
    ]


def test_behind_a_mesh_an_agent_follows_in_plain_text() -> None:
    workload = daemon_set(upstream={"insecure": True, "address": "rolecall.example:50051"})

    config = AgentConfig.from_mapping({}, environment_of(workload))

    assert (config.upstream_insecure, config.upstream) == (True, "rolecall.example:50051")
    assert set(volumes_of(workload)) == {"tmp", "socket"}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"upstream": {}}, "set agent.upstream.existingSecret; or set agent.upstream.insecure"),
    ({"upstream": {"existingSecret": "a", "insecure": True}}, "exclude each other"),
    ({"upstream": {"insecure": True, "token": {"audience": "a"}}}, "a token is sent over TLS only"),
    ({"config": {"upstream": "a:1"}}, "agent/config"),
    ({"config": {"store": "memory://"}}, "agent/config"),
    ({"socket": {"hostPath": "run"}}, "agent/socket/hostPath"),
    ({"maxUnavailable": 0}, "agent/maxUnavailable"),
]


@pytest.mark.parametrize(("values", "sentence"), REFUSED, ids=str)
def test_invalid_values_of_an_agent_do_not_render(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RefusedError) as refused:
        daemon_set(**values)

    assert sentence in str(refused.value)


def test_the_sidecar_is_valid_for_kubernetes_and_has_the_image_of_the_version() -> None:
    kubernetes_validate.validate(SIDECAR, VERSIONS[-1], strict=True)

    agent = agent_of(SIDECAR)
    (service,) = pod_of(SIDECAR)["containers"]

    assert agent["image"].endswith(f"/rolecall:{VERSION}")
    assert agent["restartPolicy"] == "Always"
    assert {mount["name"]: mount["mountPath"] for mount in service["volumeMounts"]}["socket"] == "/run/rolecall"
