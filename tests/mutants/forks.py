"""Runs pytest in forks of a process that has imported what most tests need: a short run is then mostly its tests."""

from __future__ import annotations

import json
import os
import secrets
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.mutants.processes import MARK, Ended, kill_marked

_SERVER = Path(__file__).with_name("fork_server.py")


class Forks:
    """Runs pytest in one directory and environment, one run at a time, which another thread may stop."""

    def __init__(self, cwd: Path, environment: Mapping[str, str]) -> None:
        self._cwd, self._environment = cwd, dict(environment)
        self._mark = secrets.token_hex(8)
        self._server: subprocess.Popen[str] | None = None
        self._fork = 0
        self._stopped = False

    def run(self, arguments: Sequence[str], *, seconds: float, log: Path) -> Ended:
        """Run pytest with arguments until it ends or times out; then end every process that it started."""
        if self._stopped:
            return Ended(None, "")
        server = self._running()
        request = {"arguments": arguments, "log": str(log), "environment": {MARK: self._mark}}
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(f"{json.dumps(request)}\n")
        server.stdin.flush()
        self._fork = int(server.stdout.readline())
        in_time = bool(select.select([server.stdout], [], [], seconds)[0])
        self._kill_fork()  # when it has ended in time, this ends what it has forked
        returncode = int(server.stdout.readline() or -signal.SIGKILL)
        kill_marked(self._mark)
        return Ended(returncode if in_time else None, log.read_text(errors="replace"))

    def stop(self) -> None:
        """End the run, and refuse another. May be called on any thread."""
        self._stopped = True
        self._kill_fork()
        if self._server is not None:
            self._server.kill()
        kill_marked(self._mark)

    def close(self) -> None:
        """Stop, when no run is left."""
        self.stop()
        if self._server is not None:
            self._server.communicate()

    def _running(self) -> subprocess.Popen[str]:
        if self._server is None:
            self._server = subprocess.Popen(
                # -P: the directory of the script must not be searched for modules.
                [sys.executable, "-P", str(_SERVER)],
                cwd=self._cwd,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        return self._server

    def _kill_fork(self) -> None:
        if self._fork:
            # A fork becomes the leader of its group; what it has forked belongs to that.
            for kill in (os.kill, os.killpg):
                with suppress(ProcessLookupError):
                    kill(self._fork, signal.SIGKILL)
