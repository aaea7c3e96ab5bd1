"""Start the measured servers as processes on loopback, and read the CPU time that the kernel counts for them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROLECALL = [sys.executable, "-m", "rolecall"]
START_SECONDS = 600.0
"""A server or an agent may have a million roles to load."""


def cpu_micros(pid: int) -> float:
    """Return the CPU time of all threads of a process, in microseconds."""
    tasks = Path(f"/proc/{pid}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1_000


@contextmanager
def echo_server(batch: int, certificates: Path | None = None) -> Iterator[tuple[int, str]]:
    """Run the bare echo, with `certificates` over mTLS; yield its process id and address."""
    arguments = [str(batch), *([str(certificates)] if certificates else [])]
    with _process([sys.executable, "-m", "bench.echo_server", *arguments], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.pid, f"127.0.0.1:{int(process.stdout.readline())}"


@contextmanager
def rolecall_server(
    roles: Path, directory: Path, *flags: str, certificates: Path | None = None, tree: Path = ROOT
) -> Iterator[tuple[int, str]]:
    """Run the service of a tree as shipped, with the roles of a file; yield its process id and address.

    With `certificates` it serves over mTLS.
    """
    if certificates:
        flags = (*flags, *_server_flags(certificates))
    with store_server("memory://", directory, *flags, tree=tree) as (pid, address):
        target = [
            "--address",
            address.replace("127.0.0.1", "localhost"),
            *(_client_flags(certificates) if certificates else ()),
        ]
        subprocess.run([*ROLECALL, "apply", "-f", str(roles), *target], check=True, stdout=subprocess.DEVNULL)
        yield pid, address


@contextmanager
def store_server(store: str, directory: Path, *flags: str, tree: Path = ROOT) -> Iterator[tuple[int, str]]:
    """Run the service of a tree as shipped on a store; yield its process id and address once it serves."""
    serve = [*ROLECALL, "serve", "--listen", "127.0.0.1:0", "--store", store, *flags]
    with _serving(serve, directory / "serve.log", tree) as found:
        yield found


@contextmanager
def rolecall_agent(upstream: str, directory: Path, *flags: str) -> Iterator[tuple[int, str]]:
    """Run an agent as shipped that listens on a unix socket in `directory`; yield its process id and address once it serves."""
    agent = [*ROLECALL, "agent", "--upstream", upstream, "--listen", f"unix://{directory / 'agent.sock'}", *flags]
    with _serving(agent, directory / "agent.log") as (pid, _):
        yield pid, f"unix:{directory / 'agent.sock'}"


@contextmanager
def _serving(command: list[str], log: Path, tree: Path = ROOT) -> Iterator[tuple[int, str]]:
    logged = ["--ops-listen", "127.0.0.1:0", "--log-format", "json"]
    with log.open("w") as stderr, _process([*command, *logged], tree, stderr=stderr) as process:
        yield process.pid, _address(log, process)


def _server_flags(folder: Path) -> list[str]:
    files = {"--tls-cert": "cert.pem", "--tls-key": "key.pem", "--tls-client-ca": "ca.pem", "--callers": "callers.yaml"}
    return [part for flag, file in files.items() for part in (flag, str(folder / file))]


def _client_flags(folder: Path) -> list[str]:
    files = {"--tls-ca": "ca.pem", "--tls-cert": "client.pem", "--tls-key": "client-key.pem"}
    return [part for flag, file in files.items() for part in (flag, str(folder / file))]


@contextmanager
def _process(command: list[str], tree: Path = ROOT, **streams: object) -> Iterator[subprocess.Popen[str]]:
    paths = [str(tree / part) for part in ("service", "clients/python", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(command, text=True, cwd=tree, env=environment, **streams)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _address(log: Path, process: subprocess.Popen[str]) -> str:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        found = re.search(r'"address": ?"([^"]+)"', log.read_text())
        if found:
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"the server did not start:\n{log.read_text()}")


def machine() -> dict[str, str]:
    """Return the facts about this machine that a reader of the figures needs."""
    model = next(
        (line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").open() if "model name" in line), "unknown"
    )
    return {"cpu": model, "cores": str(os.cpu_count()), "python": sys.version.split()[0]}
