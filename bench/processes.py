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
def echo_server(batch: int) -> Iterator[tuple[int, str]]:
    """Run the bare echo; yield its process id and address."""
    with _process([sys.executable, "-m", "bench.echo_server", str(batch)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.pid, f"127.0.0.1:{int(process.stdout.readline())}"


@contextmanager
def rolecall_server(roles: Path, directory: Path, *flags: str) -> Iterator[tuple[int, str]]:
    """Run the service as shipped, with the roles of a file; yield its process id and address."""
    log = directory / "serve.log"
    command = [sys.executable, "-m", "rolecall"]
    serve = [*command, "serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--store", "memory://"]
    with log.open("w") as stderr, _process([*serve, *flags, "--log-format", "json"], stderr=stderr) as process:
        address = _address(log, process)
        subprocess.run(
            [*command, "apply", "-f", str(roles), "--address", address], check=True, stdout=subprocess.DEVNULL
        )
        yield process.pid, address


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
    for _ in range(200):
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
