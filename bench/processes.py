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
    roles: Path, directory: Path, *flags: str, certificates: Path | None = None
) -> Iterator[tuple[int, str]]:
    """Run the service as shipped, with the roles of a file, with `certificates` over mTLS; yield its process id and address."""
    log = directory / "serve.log"
    command = [sys.executable, "-m", "rolecall"]
    serve = [*command, "serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--store", "memory://"]
    if certificates:
        flags = (*flags, *_server_flags(certificates))
    with log.open("w") as stderr, _process([*serve, *flags, "--log-format", "json"], stderr=stderr) as process:
        address = _address(log, process)
        target = [
            "--address",
            address.replace("127.0.0.1", "localhost"),
            *(_client_flags(certificates) if certificates else ()),
        ]
        subprocess.run([*command, "apply", "-f", str(roles), *target], check=True, stdout=subprocess.DEVNULL)
        yield process.pid, address


def _server_flags(folder: Path) -> list[str]:
    files = {"--tls-cert": "cert.pem", "--tls-key": "key.pem", "--tls-client-ca": "ca.pem", "--callers": "callers.yaml"}
    return [part for flag, file in files.items() for part in (flag, str(folder / file))]


def _client_flags(folder: Path) -> list[str]:
    files = {"--tls-ca": "ca.pem", "--tls-cert": "client.pem", "--tls-key": "client-key.pem"}
    return [part for flag, file in files.items() for part in (flag, str(folder / file))]


@contextmanager
def _process(command: list[str], **streams: object) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(command, text=True, cwd=ROOT, env=environment, **streams)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _address(log: Path, process: subprocess.Popen[str]) -> str:
    for _ in range(1_200):
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
