"""The rendered manifests are valid for every supported version of Kubernetes and meet the restricted pod security standard."""

from __future__ import annotations

import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from kubernetes_validate.utils import all_versions
from yamllint import linter
from yamllint.config import YamlLintConfig

from tests.helm.chart import CASES, CHART, SQLITE, helm, name_of, render
from tests.repository.tree import DOCS


def as_numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


OLDEST = yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"].split()[0].strip(">=").removesuffix("-0")
BUNDLED = list(dict.fromkeys(all_versions()))
FITTING = [version for version in BUNDLED if as_numbers(version) >= as_numbers(OLDEST)]
VERSIONS = [FITTING[0], FITTING[len(FITTING) // 2], FITTING[-1]]

STRICT_YAML = YamlLintConfig(
    "extends: default\nrules:\n  line-length: disable\n  comments: {min-spaces-from-content: 1}\n  document-start: disable\n  indentation: {indent-sequences: whatever}\n"
)


def problems(text: str) -> list[str]:
    return [str(problem) for problem in linter.run(text, STRICT_YAML)]


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_helm_lint_passes(case: Path) -> None:
    done = helm("lint", "--strict", "--kube-version", FITTING[-1], "--values", str(case), str(CHART))

    assert (done.returncode, done.stderr) == (0, "")
    assert not re.search(r"\[(WARNING|ERROR)\]", done.stdout)


def test_the_kubernetes_schemas_cover_the_oldest_to_the_newest_version() -> None:
    assert FITTING[0] == OLDEST
    assert FITTING[-1] == BUNDLED[-1]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_every_manifest_is_valid_for_kubernetes(case: Path, version: str) -> None:
    manifests = [m for m in render(case, kubernetes=version).manifests if m["kind"] != "Certificate"]

    for manifest in manifests:
        kubernetes_validate.validate(manifest, version, strict=True)

    assert len(manifests) >= 4


def test_the_manifests_in_the_documentation_are_valid_for_kubernetes() -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", (DOCS / "kubernetes.md").read_text(), re.MULTILINE | re.DOTALL)
    manifests = [manifest for manifest in map(yaml.safe_load, blocks) if "kind" in manifest]

    for manifest in manifests:
        kubernetes_validate.validate(manifest, VERSIONS[-1], strict=True)

    assert [manifest["kind"] for manifest in manifests] == ["Job"]


@pytest.mark.parametrize("odd", ["123", "on", "null", "0x1f", "2026-01-01"])
def test_names_that_yaml_would_read_as_something_else_stay_names(odd: str) -> None:
    values = {
        "store": {"engine": "postgres", "postgres": {"existingSecret": odd, "key": odd}},
        "snapshot": {"existingSecret": odd, "key": odd},
        "tls": {"existingSecret": odd, "clientCA": {"existingSecret": odd, "key": odd}},
        "callers": {"existingSecret": odd},
        "image": {"repository": "a", "tag": odd},
        "serviceAccount": {"name": odd},
        "priorityClassName": odd,
        "fullnameOverride": "trust",
    }
    rendered = render(values, release=odd if odd[0].isdigit() else "release", namespace=odd)

    for manifest in rendered.manifests:
        kubernetes_validate.validate(manifest, VERSIONS[-1], strict=True)
        assert manifest["metadata"]["namespace"] == odd
    assert rendered.volume("tls")["secret"]["secretName"] == odd
    assert rendered.volume("client-ca")["secret"]["items"][0]["key"] == odd


def test_a_long_name_is_cut_where_a_name_can_end() -> None:
    rendered = render(
        {"tls": {"existingSecret": "x"}, "callers": {"file": "a"}, "fullnameOverride": "a" * 50 + "--" + "b" * 20}
    )

    assert rendered.workload["metadata"]["name"] == "a" * 50


def test_a_helm_that_knows_no_version_of_kubernetes_renders_the_same() -> None:
    done = helm("template", "rolecall", str(CHART), "--namespace", "access", "--values", str(SQLITE))

    assert (done.returncode, done.stdout) == (0, render(SQLITE).text)


def test_a_manifest_with_an_unknown_field_would_be_found() -> None:
    manifest = render(SQLITE).workload
    manifest["spec"]["template"]["spec"]["enableServiceLink"] = False

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_every_manifest_is_clean_yaml(case: Path) -> None:
    assert problems(render(case).text) == []


@pytest.mark.parametrize("path", [CHART / "Chart.yaml", CHART / "values.yaml", *CASES], ids=name_of)
def test_the_files_of_the_chart_are_clean_yaml(path: Path) -> None:
    assert problems(path.read_text()) == []


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_every_object_has_its_namespace_and_the_recommended_labels(case: Path) -> None:
    for manifest in render(case).manifests:
        labels = manifest["metadata"]["labels"]

        assert manifest["metadata"]["namespace"] == "access"
        assert {f"app.kubernetes.io/{name}" for name in ("name", "instance", "version", "managed-by")} <= set(labels)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_every_pod_meets_the_restricted_pod_security_standard_and_has_resources(case: Path) -> None:
    rendered = render(case)
    pod = rendered.pod

    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in rendered.containers:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert "memory" in container["resources"]["limits"]
    assert {"hostNetwork", "hostPID", "hostIPC"} & set(pod) == set()
    assert not [volume for volume in pod["volumes"] if "hostPath" in volume]


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_no_pod_has_a_service_account_token_service_variables_or_a_shell_command(case: Path) -> None:
    rendered = render(case)

    assert rendered.pod["automountServiceAccountToken"] is False
    assert rendered.pod["enableServiceLinks"] is False
    assert [c for c in rendered.containers if "command" in c or "lifecycle" in c] == []


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_no_secret_is_rendered_or_passed_in_the_environment(case: Path) -> None:
    rendered = render(case)

    assert "Secret" not in rendered.kinds()
    config_maps = {m["metadata"]["name"] for m in rendered.manifests if m["kind"] == "ConfigMap"}
    assert config_maps <= {"rolecall-callers", "rolecall-agent-callers"}
    assert "postgresql://" not in rendered.text
    assert not [variable for c in rendered.containers for variable in c["env"] if "valueFrom" in variable]
