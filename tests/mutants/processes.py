"""Runs a command with a time limit, and ends every process that it started."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

# Every descendant inherits it: tests start servers in sessions of their own, which a signal to the group does not reach.
MARK = "MUTANTS_PROCESS"


class Ended(NamedTuple):
    """The exit code of a process, None after a timeout, and its output."""

    returncode: int | None
    output: str


class BrokenTestsError(Exception):
    """The tests cannot be used: without any change they fail, or they import other code."""


class Process:
    """Runs one command at a time, which another thread may stop."""

    def __init__(self) -> None:
        self._mark = secrets.token_hex(8)
        self._running: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def run(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], seconds: float | None, log: Path
    ) -> Ended:
        """Run a command until it ends or times out; then end every process that it started."""
        if self._stopped:
            return Ended(None, "")
        with log.open("wb") as output:
            self._running = subprocess.Popen(
                command,
                cwd=cwd,
                env={**env, MARK: self._mark},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        returncode: int | None = None
        with suppress(subprocess.TimeoutExpired):
            returncode = self._running.wait(seconds)
        self._kill()
        return Ended(returncode, log.read_text(errors="replace"))

    def stop(self) -> None:
        """Kill the command and all of its descendants, and refuse to run another."""
        self._stopped = True
        self._kill()

    def _kill(self) -> None:
        if self._running is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()
        kill_marked(self._mark)


def kill_marked(mark: str) -> None:
    """Kill all processes whose environment had this mark when they began."""
    while marked := _marked(f"{MARK}={mark}".encode()):
        for pid in marked:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _marked(mark: bytes) -> list[int]:
    """Return the processes with a variable in their environment; none on systems without `/proc`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or belongs to another user
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found
