"""Python processes of our own, which import what the tests import."""

from __future__ import annotations

import os
import subprocess
import sys


def python(*arguments: str) -> subprocess.Popen[str]:
    """Start `python ARGUMENTS` with this process's import path; its output is read line by line."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True, bufsize=1, env=environment)


def stop(process: subprocess.Popen[str]) -> None:
    """Kill a process at once (SIGKILL) and wait for its end."""
    process.kill()
    process.communicate()
