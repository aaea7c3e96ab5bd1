"""The database of a run: a real PostgreSQL that can crash, be stopped by SIGSTOP, lose its connections, or run out of disk space.

Where this process may mount, the tables lie on a small file system of their own, which a ballast file fills; elsewhere the disk of the
database is not made full, and the report says so.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.postgres import OWNER, PostgresServer, somebody

DISK_MEGABYTES = 384
NAME = "chaos"


class Database:
    """One PostgreSQL server with the database of a run; `small_disk`: whose tables lie on a disk of their own, where that may be."""

    def __init__(self, *, small_disk: bool = True) -> None:
        self.server = PostgresServer(fsync="on", max_connections=60, log_min_messages="warning")
        self._wants_small_disk, self._disk = small_disk, self.server.directory / "small"
        self.has_small_disk = False

    @property
    def url(self) -> str:
        """Return the URL of the database of the run."""
        return self.server.url_of(NAME)

    def start(self) -> None:
        """Start the server, and make the database when it is new."""
        new = not self.server.data.exists()
        self.server.start()
        if new:
            self._create()

    def crash(self) -> None:
        """Stop the server at once (SIGQUIT): nothing is flushed, every connection breaks."""
        self.server.stop("immediate")

    def terminate_backends(self) -> int:
        """End every connection from the server's side; return how many there were."""
        ended = self.server.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{NAME}' AND pid <> pg_backend_pid()"
        )
        return len(ended)

    def backends(self) -> Sequence[int]:
        """Return the processes that serve the connections of replicas."""
        rows = self.server.execute(f"SELECT pid FROM pg_stat_activity WHERE datname = '{NAME}'")
        return [pid for (pid,) in rows]

    def processes(self) -> Sequence[int]:
        """Return every process of the server, its first one last."""
        first = self._first_process()
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [*map(int, children), first]

    @contextmanager
    def stopped(self, pids: Sequence[int]) -> Iterator[None]:
        """Stop processes (SIGSTOP), and continue them afterwards (SIGCONT)."""
        _signal(pids, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal(pids, signal.SIGCONT)

    @contextmanager
    def full(self) -> Iterator[None]:
        """Fill the disk of the tables; free the space afterwards."""
        ballast = self._disk / "ballast"
        try:
            with ballast.open("wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(bytes(65_536))
            with ballast.open("ab", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(bytes(512))
            yield
        finally:
            ballast.unlink(missing_ok=True)

    def close(self) -> None:
        """Stop the server and remove everything."""
        self.server.stop("immediate")
        if self.has_small_disk:
            subprocess.run(["umount", "--lazy", str(self._disk)], check=False)
        self.server.close()

    def _create(self) -> None:
        self.has_small_disk = self._mounted()
        space = ""
        if self.has_small_disk:
            self.server.execute(f"CREATE TABLESPACE small LOCATION '{self._disk}'")
            space = "TABLESPACE small"
        self.server.execute(f"CREATE DATABASE {NAME} OWNER {OWNER} {space}")

    def _mounted(self) -> bool:
        """Mount a small file system for the tables, if this process may."""
        ids = somebody()
        if not self._wants_small_disk or ids is None or shutil.which("mount") is None:
            return False
        self._disk.mkdir()
        options = f"size={DISK_MEGABYTES}m,mode=0700,uid={ids[0]},gid={ids[1]}"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self._disk)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def _first_process(self) -> int:
        return int((self.server.data / "postmaster.pid").read_text().split()[0])


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
