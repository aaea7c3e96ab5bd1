"""Run a pod without a cluster: its containers become local processes, configured as the manifest says.

A process gets the arguments and the environment of its container, with `python -m rolecall` in place of the image's entrypoint, and
the two variables without which Python does not start. Every volume is a directory; the paths of its mounts are replaced by that
directory wherever the manifest names them. The two ports are replaced by free ones.
Secrets are laid out as the kubelet does it: links into a directory that it swaps.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.helm.chart import Rendered
from tests.postgres import free_port

PATIENCE_SECONDS = 120
Secrets = Mapping[str, Mapping[str, bytes]]
"""The data of each secret, by its name."""


@dataclass
class Process:
    """A running container."""

    popen: subprocess.Popen[str]
    ops_port: int = 0

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a path of the ops port; status 0 if the connection fails."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ops_port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def await_status(self, path: str, status: int = 200) -> None:
        """Wait until a path returns a status; fail if the process ends first."""
        self.until(lambda: self.get(path)[0] == status)

    def until(self, true: Callable[[], bool]) -> None:
        """Wait until `true` returns true; fail if the process ends first."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not true():
            assert self.popen.poll() is None, self.popen.communicate()
            assert time.monotonic() < deadline, self.get("/readyz")
            time.sleep(0.05)

    def terminate(self, grace_seconds: float) -> tuple[int, str]:
        """End the container as the kubelet does; return the exit code and the log."""
        self.popen.send_signal(signal.SIGTERM)
        _, log = self.popen.communicate(timeout=grace_seconds)
        return self.popen.returncode, log


@dataclass
class Pod:
    """The pod of a rendered workload, with its volumes under a directory. Leaving the context kills its processes."""

    rendered: Rendered
    secrets: Secrets
    directory: Path
    ports: dict[str, int] = field(default_factory=lambda: {"grpc": free_port(), "ops": free_port()})
    processes: list[Process] = field(default_factory=list)

    def __enter__(self) -> Self:
        volumes = {volume["name"]: volume for volume in self.rendered.pod["volumes"]}
        claims = self.rendered.workload["spec"].get("volumeClaimTemplates", [])
        for name in [*volumes, *(claim["metadata"]["name"] for claim in claims)]:
            (self.directory / name).mkdir()
            volume = volumes.get(name, {})
            if secret := volume.get("secret"):
                self._write_files(self.directory / name, self.secrets[secret["secretName"]], secret)
            if config_map := volume.get("configMap"):
                data = self.rendered.one("ConfigMap", config_map["name"])["data"]
                contents = {key: text.encode() for key, text in data.items()}
                self._write_files(self.directory / name, contents, config_map)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.popen.kill()
            process.popen.communicate()

    def start(self, container: str = "rolecall") -> Process:
        """Start a container."""
        spec = self.rendered.container(container)
        rewrite = self._rewriter(spec)
        arguments = [rewrite(argument) for argument in spec["args"]]
        environment = {variable["name"]: rewrite(variable["value"]) for variable in spec["env"]}
        environment |= {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        popen = subprocess.Popen(
            [*_program(spec), *arguments],
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(Process(popen, self.ports["ops"]))
        return self.processes[-1]

    @property
    def grace_seconds(self) -> float:
        """Return how long the kubelet waits between SIGTERM and SIGKILL."""
        return float(self.rendered.pod["terminationGracePeriodSeconds"])

    def _rewriter(self, container: dict[str, Any]) -> Callable[[str], str]:
        replaced = {
            mount["mountPath"] + "/": f"{self.directory / mount['name']}/" for mount in container["volumeMounts"]
        }
        declared = {port["name"]: port["containerPort"] for port in self.rendered.container()["ports"]}
        replaced |= {f"0.0.0.0:{declared[name]}": f"0.0.0.0:{port}" for name, port in self.ports.items()}

        def rewrite(text: str) -> str:
            for old, new in replaced.items():
                text = text.replace(old, new)
            return text

        return rewrite

    def _write_files(self, directory: Path, data: Mapping[str, bytes], source: dict[str, Any]) -> None:
        """Write the files of a secret or a ConfigMap: those of its items, or else all."""
        (directory / "..2026_11_22").mkdir()
        (directory / "..data").symlink_to("..2026_11_22")
        for item in source.get("items", [{"key": key, "path": key} for key in data]):
            file = directory / "..data" / item["path"]
            file.write_bytes(data[item["key"]])
            file.chmod(source["defaultMode"])
            (directory / item["path"]).symlink_to(f"..data/{item['path']}")


def _program(container: dict[str, Any]) -> list[str]:
    command = container.get("command", ["rolecall"])
    assert command == ["rolecall"], "the image's entrypoint stands for `python -m rolecall` here"
    return [sys.executable, "-m", "rolecall"]
