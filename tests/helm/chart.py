"""Render the chart with helm: manifests by kind and name, or the error that helm reports."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.missing import missing
from tests.repository.tree import ROOT

CHART = ROOT / "helm/rolecall"
CASES = sorted((CHART / "ci").glob("*-values.yaml"))
SQLITE, EVERYTHING, INSECURE = (
    CHART / f"ci/{name}-values.yaml" for name in ("sqlite", "sqlite-everything", "insecure")
)
POSTGRES, ONE, ISSUED = (CHART / f"ci/postgres{name}-values.yaml" for name in ("", "-one", "-cert-manager"))
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
KUBERNETES = "1.33.0"
"""The default Kubernetes version to render for: helm built from source has no useful default."""

_INSTALL = "go install helm.sh/helm/v3/cmd/helm@v3.19.2"

Manifest = dict[str, Any]


class RefusedError(Exception):
    """Helm does not render the values; the message is that of helm."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The rendered chart."""

    text: str

    @property
    def manifests(self) -> list[Manifest]:
        """Return every manifest."""
        return [manifest for manifest in yaml.safe_load_all(self.text) if manifest]

    def kinds(self) -> dict[str, int]:
        """Return the number of manifests of each kind."""
        kinds = [manifest["kind"] for manifest in self.manifests]
        return {kind: kinds.count(kind) for kind in sorted(set(kinds))}

    def one(self, kind: str, name: str = "") -> Manifest:
        """Return the only manifest of a kind, or of a kind and a name."""
        (found,) = (m for m in self.manifests if m["kind"] == kind and name in ("", m["metadata"]["name"]))
        return found

    @property
    def workload(self) -> Manifest:
        """Return the StatefulSet or Deployment."""
        (found,) = (m for m in self.manifests if m["kind"] in {"StatefulSet", "Deployment"})
        return found

    @property
    def pod(self) -> dict[str, Any]:
        """Return the specification of the pods."""
        pod: dict[str, Any] = self.workload["spec"]["template"]["spec"]
        return pod

    @property
    def containers(self) -> list[dict[str, Any]]:
        """Return the init containers and the containers."""
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]

    def container(self, name: str = "rolecall") -> dict[str, Any]:
        """Return a container or init container."""
        (found,) = (container for container in self.containers if container["name"] == name)
        return found

    def environment(self, container: str = "rolecall") -> dict[str, str]:
        """Return the variables of a container."""
        return {variable["name"]: variable["value"] for variable in self.container(container)["env"]}

    @property
    def mounts(self) -> dict[str, str]:
        """Return the path at which the server mounts each volume, by its name."""
        return {mount["name"]: mount["mountPath"] for mount in self.container()["volumeMounts"]}

    def volume(self, name: str) -> dict[str, Any]:
        """Return a volume of the pod."""
        (found,) = (volume for volume in self.pod["volumes"] if volume["name"] == name)
        return dict(found)


def name_of(value: object) -> str | None:
    """Return the name of a values file, as the id of a test."""
    return value.name if isinstance(value, Path) else None


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run helm."""
    return subprocess.run([_helm(), *arguments], capture_output=True, text=True, check=False)


def render(
    values: Mapping[str, Any] | Path,
    *,
    release: str = "rolecall",
    namespace: str = "access",
    kubernetes: str = KUBERNETES,
    chart: Path = CHART,
    more: Sequence[str] = (),
) -> Rendered:
    """Render the chart with values, given as a file, or as a mapping without a registry; raise `RefusedError`."""
    text = values.read_text() if isinstance(values, Path) else yaml.safe_dump(_with_registry(values))
    options = ("--namespace", namespace, "--kube-version", kubernetes, "--values", "-", *more)
    return Rendered(_rendered(text, release, str(chart), *options))


def _with_registry(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with a registry, which the chart requires."""
    return {**values, "image": {"registry": "registry.example.com", **values.get("image", {})}}


def notes(values: Mapping[str, Any], folder: Path) -> str:
    """Return the notes that helm prints after an installation, rendered as a manifest because that needs no cluster."""
    chart = Path(shutil.copytree(CHART, folder / "chart"))
    shutil.move(chart / "templates/NOTES.txt", chart / "notes.txt")
    (chart / "templates/notes.yaml").write_text('notes: {{ tpl (.Files.Get "notes.txt") . | quote }}\n')
    rendered = render(values, chart=chart, more=["--show-only", "templates/notes.yaml"])
    return str(rendered.manifests[0]["notes"])


@cache
def _rendered(values: str, *arguments: str) -> str:
    command = [_helm(), "template", *arguments]
    done = subprocess.run(command, input=values, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RefusedError(done.stderr)
    return done.stdout


def _helm() -> str:
    places = [os.environ.get("PATH", ""), str(Path(sys.executable).parent), str(Path.home() / "go/bin")]
    found = shutil.which("helm", path=os.pathsep.join(places))
    return found or missing(f"helm is not installed: `make tools`, or `{_INSTALL}`")
