"""How callers reach the server of the chart: certificates, Services and the notes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rolecall.callers.document import read_callers
from rolecall.security.yaml_values import read_yaml
from tests.helm.chart import CASES, EVERYTHING, INSECURE, ISSUED, POSTGRES, SQLITE, name_of, notes, render


def test_with_tls_the_server_has_a_certificate_and_verifies_those_of_callers() -> None:
    rendered = render(EVERYTHING)
    environment = rendered.environment()

    assert environment["ROLECALL_TLS_CERT"] == f"{rendered.mounts['tls']}/tls.crt"
    assert environment["ROLECALL_TLS_KEY"] == f"{rendered.mounts['tls']}/tls.key"
    assert environment["ROLECALL_TLS_CLIENT_CA"] == f"{rendered.mounts['client-ca']}/ca.crt"
    assert "ROLECALL_INSECURE" not in environment
    assert rendered.volume("tls")["secret"]["secretName"] == "rolecall-tls"
    assert rendered.volume("client-ca")["secret"] == {
        "secretName": "callers",
        "defaultMode": 0o440,
        "items": [{"key": "bundle.pem", "path": "ca.crt"}],
    }


def test_without_a_client_ca_secret_callers_are_verified_by_the_ca_in_the_secret_of_the_server() -> None:
    secret = render(SQLITE).volume("client-ca")["secret"]

    assert (secret["secretName"], secret["items"]) == ("rolecall-tls", [{"key": "ca.crt", "path": "ca.crt"}])


def test_the_certificate_has_every_dns_name_of_both_services() -> None:
    certificate = render(ISSUED).one("Certificate")

    assert certificate["apiVersion"] == "cert-manager.io/v1"
    assert certificate["metadata"]["name"] == "rolecall-tls"
    assert certificate["spec"] == {
        "secretName": "rolecall-tls",
        "issuerRef": {"name": "internal", "kind": "ClusterIssuer", "group": "cert-manager.io"},
        "dnsNames": [
            "rolecall",
            "rolecall.access",
            "rolecall.access.svc",
            "rolecall.access.svc.cluster.local",
            "rolecall-headless",
            "rolecall-headless.access",
            "rolecall-headless.access.svc",
            "rolecall-headless.access.svc.cluster.local",
            "rolecall.example.com",
            "*.rolecall.example.com",
        ],
        "usages": ["digital signature", "server auth"],
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "duration": "2160h",
        "renewBefore": "720h",
    }


def test_the_pods_mount_the_secret_that_cert_manager_creates() -> None:
    rendered = render(ISSUED)

    assert rendered.volume("tls")["secret"]["secretName"] == rendered.one("Certificate")["spec"]["secretName"]


def test_an_insecure_server_is_configured_as_such_and_gets_no_tls_settings() -> None:
    rendered = render(INSECURE)

    assert rendered.environment()["ROLECALL_INSECURE"] == "true"
    assert [name for name in rendered.environment() if "TLS" in name] == []
    assert {"tls", "client-ca"} & set(rendered.mounts) == set()


def test_the_callers_file_is_a_config_map_that_the_server_reads_as_a_directory() -> None:
    rendered = render(SQLITE)
    text = rendered.one("ConfigMap", "rolecall-callers")["data"]["callers.yaml"]

    assert [entry.name for entry in read_callers(read_yaml(text, "").value).callers] == ["admin"]
    assert rendered.environment()["ROLECALL_CALLERS"] == f"{rendered.mounts['callers']}/"
    assert rendered.volume("callers")["configMap"] == {"name": "rolecall-callers", "defaultMode": 0o440}


def test_the_callers_file_can_be_an_existing_config_map_or_secret() -> None:
    config_map, secret = render(ISSUED), render(EVERYTHING)

    assert config_map.volume("callers")["configMap"]["name"] == "callers"
    assert secret.volume("callers")["secret"] == {"secretName": "who-may-call", "defaultMode": 0o440}
    assert secret.environment()["ROLECALL_CALLERS_OBSERVE_UNTIL"] == "2030-01-31"
    assert "ConfigMap" not in config_map.kinds() | secret.kinds()


def test_administrators_inside_a_pod_have_a_socket_that_can_be_disabled() -> None:
    assert render(SQLITE).environment()["ROLECALL_ADMIN_SOCKET"] == "/tmp/admin.sock"
    assert "ROLECALL_ADMIN_SOCKET" not in render(ISSUED).environment()


@pytest.mark.parametrize(
    ("case", "protocol"),
    [(SQLITE, "https"), (ISSUED, "https"), (INSECURE, "kubernetes.io/h2c"), (EVERYTHING, "tls")],
    ids=name_of,
)
def test_both_client_services_have_only_the_grpc_port_and_announce_its_protocol(case: Path, protocol: str) -> None:
    rendered = render(case)
    name = rendered.workload["metadata"]["name"]
    (port,) = (port for port in rendered.container()["ports"] if port["name"] == "grpc")
    balanced, headless = rendered.one("Service", name)["spec"], rendered.one("Service", f"{name}-headless")["spec"]

    expected = {"name": "grpc", "port": port["containerPort"], "targetPort": "grpc", "appProtocol": protocol}
    assert balanced["ports"] == headless["ports"] == [expected]
    assert (headless["clusterIP"], headless["publishNotReadyAddresses"]) == ("None", False)
    assert "clusterIP" not in balanced


def test_the_ops_port_has_a_separate_service_that_can_be_disabled() -> None:
    ops = render(SQLITE).one("Service", "rolecall-ops")["spec"]

    assert [(port["name"], port["port"], port["targetPort"]) for port in ops["ports"]] == [("ops", 9464, "ops")]
    assert (ops["clusterIP"], ops["publishNotReadyAddresses"]) == ("None", True)
    assert render(ISSUED).kinds()["Service"] == 2


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_every_service_and_budget_selects_the_pods(case: Path) -> None:
    rendered = render(case)
    labels = rendered.workload["spec"]["template"]["metadata"]["labels"]
    specs = [m["spec"] for m in rendered.manifests if m["kind"] in {"Service", "PodDisruptionBudget"}]
    selectors = [spec["selector"].get("matchLabels", spec["selector"]) for spec in specs]

    assert selectors
    for selector in [*selectors, rendered.workload["spec"]["selector"]["matchLabels"]]:
        assert selector.items() <= labels.items()


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (SQLITE, ["There is one pod, so an upgrade interrupts the service.", "callers must present a certificate that `ca.crt` of the secret `rolecall-tls` verifies", "load a renewed certificate without a restart"]),
        (POSTGRES, ["used by 2 pods", "right that is not in the ConfigMap `rolecall-callers` is denied", "exec deployment/rolecall -- rolecall role list", "An init container migrates the schema", "Snapshot: on.", "load a renewed certificate without a restart"]),
        (ISSUED, ["Snapshot: off, since snapshot.existingSecret is not set.", "The chart does not migrate the schema", "which cert-manager creates"]),
        (INSECURE, ["INSECURE", "Calls are in plain text", "every client that reaches port 50051 of these pods can ask for decisions. Nobody can read or change roles, except inside the pod", "-plaintext"]),
        (EVERYTHING, ["right that is not in the secret `who-may-call` is denied", "Until 2030-01-31 rights are observed only", "port-forward service/trust 8443:8443", "dns:///trust-headless.access.svc.cluster.local:8443"]),
    ],
    ids=name_of,
)  # fmt: skip
def test_the_notes_describe_what_was_installed_and_its_risks(case: Path, expected: list[str], tmp_path: Path) -> None:
    text = notes(yaml.safe_load(case.read_text()), tmp_path)

    assert [sentence for sentence in expected if sentence not in text] == []


@pytest.mark.parametrize("case", [SQLITE, POSTGRES, INSECURE], ids=name_of)
def test_the_notes_show_how_to_send_a_check(case: Path, tmp_path: Path) -> None:
    text = notes(yaml.safe_load(case.read_text()), tmp_path)

    assert "kubectl --namespace access port-forward service/rolecall 50051:50051" in text
    assert "rolecall check --address localhost:50051" in text
    assert "localhost:50051 rolecall.v1.DecisionService/CheckAssumeRole" in text
    assert ("INSECURE" in text) is (case == INSECURE)
