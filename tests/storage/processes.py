"""Python processes of our own, which import what the tests import, and what this process has open."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def python(*arguments: str) -> subprocess.Popen[str]:
    """Start `python ARGUMENTS` with this process's import path; its output is read line by line."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True, bufsize=1, env=environment)


def stop(process: subprocess.Popen[str]) -> None:
    """Kill a process at once (SIGKILL) and wait for its end."""
    process.kill()
    process.communicate()


def open_files() -> int:
    """Return how many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))
