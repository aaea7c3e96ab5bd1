"""Replicas for tests: real `rolecall serve` processes that can be killed, stopped, drained, and given a wrong clock."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from tests.cli.serving import ACCOUNT, REPOSITORY, environment as process_environment
from tests.coherence.ports import free_port

START_SECONDS = 60.0
WITH_SHIFTED_CLOCK = Path(__file__).with_name("shifted_clock.py")


class ReplicaError(Exception):
    """A replica did not start or end as it should."""


class Replica:
    """One replica, whose addresses stay the same when its process is restarted.

    `command` is the command that it runs, and `store_flag` the setting that names where it has its roles from.
    """

    command: ClassVar = "serve"
    store_flag: ClassVar = "store"

    def __init__(self, name: str, store: str, directory: Path, **settings: object) -> None:
        self.name, self.store = name, store
        self.directory = directory / name
        self.directory.mkdir(parents=True)
        self.address, self._ops = str(settings.get("listen") or loopback()), loopback()
        self.snapshot, self.snapshot_key = self.directory / "snapshot", self.directory / "snapshot.key"
        self.snapshot_key.write_bytes(os.urandom(32))
        self.snapshot_key.chmod(0o600)
        self._clock, self.log = self.directory / "clock", self.directory / "log"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.shift_clock(0)

    @property
    def pid(self) -> int:
        """Return the id of the present process."""
        if self._process is None:
            raise ReplicaError(f"{self.name} does not run")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Report whether a process serves, or is stopped in doing so."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start a process; it serves when `wait_ready` returns."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(WITH_SHIFTED_CLOCK), str(self._clock), self.command, *self._flags()],
                stdout=log,
                stderr=log,
                env=process_environment(),
                cwd=REPOSITORY,
            )

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Return when the replica is ready; raise `ReplicaError` when it ends or takes too long."""
        until = time.monotonic() + seconds
        while self.readiness() != 200:
            if not self.running:
                raise ReplicaError(f"{self.name} ended with {self._ended_with()}: {self._log_tail()}")
            if time.monotonic() > until:
                raise ReplicaError(f"{self.name} is not ready after {seconds:g} seconds: {self._log_tail()}")
            time.sleep(0.05)

    def readiness(self) -> int:
        """Return the status of /readyz; 0 without an answer."""
        return self.ops("/readyz")[0]

    def ops(self, path: str) -> tuple[int, str]:
        """Return status and text of a page of the ops port; 0 without an answer."""
        try:
            with urllib.request.urlopen(f"http://{self._ops}{path}", timeout=2) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def kill(self) -> None:
        """End the process at once (SIGKILL)."""
        self.signal(signal.SIGKILL)
        self.wait_ended()

    def terminate(self) -> None:
        """Ask the process to drain and end (SIGTERM)."""
        self.signal(signal.SIGTERM)

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal, if it runs."""
        if self.running:
            os.kill(self.pid, number)

    def wait_ended(self, seconds: float = 60.0) -> int:
        """Return the exit code of the process when it has ended; raise `ReplicaError` with the stacks of its threads after `seconds`."""
        if self._process is None:
            raise ReplicaError(f"{self.name} does not run")
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGUSR1)
            time.sleep(0.5)
            raise ReplicaError(
                f"{self.name} has not ended after {seconds:g} seconds: {self.log_text()[-6_000:]}"
            ) from None

    def shift_clock(self, seconds: int) -> None:
        """Shift the wall clock of this and all later processes by `seconds`."""
        if not self._clock.exists():
            self._clock.write_bytes(bytes(8))
        with self._clock.open("r+b") as file:
            file.write(struct.pack("<q", seconds))

    def log_text(self) -> str:
        """Return what all processes have logged so far."""
        return self.log.read_text(errors="replace")

    def _flags(self) -> list[str]:
        settings: Mapping[str, object] = {
            "listen": self.address,
            "ops_listen": self._ops,
            self.store_flag: self.store,
            "account_id": ACCOUNT,
            "log_format": "json",
            "log_level": "warning",
            **self._settings,
        }
        if "snapshot_seconds" in settings:
            settings = {**settings, "snapshot_file": self.snapshot, "snapshot_key_file": self.snapshot_key}
        return [word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", str(value))]

    def _ended_with(self) -> int | None:
        return self._process.poll() if self._process else None

    def _log_tail(self) -> str:
        return self.log_text()[-2_000:]


def loopback() -> str:
    """Return an unused address."""
    return f"127.0.0.1:{free_port()}"
