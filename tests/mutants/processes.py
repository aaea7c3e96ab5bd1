"""Processes that end: with everything that they started, in time, whatever they do."""

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
_MARK = "MUTANTS_PROCESS"


class Ended(NamedTuple):
    """What a process came to; no exit code if its time was up."""

    returncode: int | None
    output: str


class Process:
    """One command at a time, which another thread may kill."""

    def __init__(self) -> None:
        self._mark = secrets.token_hex(8)
        self._running: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def run(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], seconds: float, log: Path) -> Ended:
        """Run a command until it ends or its time is up; then end everything that it started."""
        if self._stopped:
            return Ended(None, "")
        with log.open("wb") as output:
            self._running = subprocess.Popen(
                command,
                cwd=cwd,
                env={**env, _MARK: self._mark},
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
        """Kill the command with all of its descendants at once, and run nothing more."""
        self._stopped = True
        self._kill()

    def _kill(self) -> None:
        if self._running is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()
        while marked := _marked(f"{_MARK}={self._mark}".encode()):
            for pid in marked:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _marked(mark: bytes) -> list[int]:
    """Return the processes that have a variable in their environment; none where there is no `/proc`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is somebody else's
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found
