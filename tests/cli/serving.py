"""Real servers for tests: one process each, on a free port of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.transports import TRANSPORT

REPOSITORY = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which `python -m rolecall` runs from the sources, with no setting of the tester's own.

    Only the transport is that of the test run.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROLECALL_")}
    path = os.pathsep.join([str(REPOSITORY / "service"), str(REPOSITORY / "clients" / "python")])
    return {
        **kept,
        "XDG_CONFIG_HOME": "/nowhere",
        "PYTHONPATH": path,
        "PYTHONIOENCODING": "utf-8",
        "ROLECALL_TRANSPORT": TRANSPORT,
        **more,
    }


@contextmanager
def served(*flags: str, directory: Path, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run a server with its account and its store in memory; give its address."""
    command = [sys.executable, "-m", "rolecall", "serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]
    command += ["--store", "memory://", "--account-id", ACCOUNT, "--log-format", "json", *flags]
    with (directory / "server.log").open("w+") as log:
        process = subprocess.Popen(
            command, cwd=directory, env=env or environment(), stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            yield _address(process, directory / "server.log")
        finally:
            process.terminate()
            process.communicate(timeout=30)


def _address(process: subprocess.Popen[str], log: Path) -> str:
    while process.poll() is None:
        for line in log.read_text().splitlines():
            if line.startswith("{") and "address" in (reported := json.loads(line)):
                return str(reported["address"])
    raise AssertionError(f"the server did not start: {log.read_text()}")
