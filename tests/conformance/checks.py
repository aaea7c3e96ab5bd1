"""Run every check of the clients in other languages, each in a line with its time, and what it prints if it fails."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.cli.serving import REPOSITORY
from tests.conformance.toolchains import Toolchain

Environment = Mapping[str, str]


def run_checks(toolchain: Toolchain) -> list[str]:
    """Run the checks of one client; return the names of those that failed. Without its packages the others are not run."""
    failed: list[str] = []
    for name, command in toolchain.checks:
        if not passes(f"{toolchain.name}: {name}", command, _directory_of(toolchain, command), clean_environment()):
            failed.append(f"{toolchain.name}: {name}")
            if name == "packages":
                break
    return failed


def passes(title: str, command: Sequence[str], directory: Path, environment: Environment) -> bool:
    """Run a command; print its title with the time it took, and its output if it fails; return whether it succeeded."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            command,
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
        took = f"{time.monotonic() - began:.0f} s"
        if done.returncode == 0:
            print(f"{title}: passed in {took}", flush=True)
            return True
        output.seek(0)
        print(output.read(), f"{title}: FAILED in {took}, exit code {done.returncode}", sep="\n", flush=True)
        return False


def clean_environment() -> dict[str, str]:
    """Return the environment without settings of the tester's own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ROLECALL_")}


def _directory_of(toolchain: Toolchain, command: Sequence[str]) -> Path:
    """Modules of this repository run at its root, everything else where the client is."""
    return REPOSITORY if command[0] == sys.executable else toolchain.directory
