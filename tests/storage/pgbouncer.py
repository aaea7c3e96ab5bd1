"""A real PgBouncer that lends its connections for a transaction only."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.postgres import OWNER, PATIENCE_SECONDS, PostgresServer, free_port, not_there, own_directory, unprivileged

_CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = 2
max_prepared_statements = 0
logfile = {log}
"""


def program() -> str | None:
    """Return PgBouncer's program, which Debian keeps where only root looks; None if there is none."""
    return shutil.which("pgbouncer", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))


@contextmanager
def pooler(server: PostgresServer) -> Iterator[int]:
    """Run a pooler in front of a server; give its port. Its two connections serve everybody."""
    found = program()
    if found is None:
        not_there("PgBouncer", "pgbouncer")
        return
    directory, port = own_directory("rc-pgb-"), free_port()
    process = subprocess.Popen(
        unprivileged(found, _configured(directory, server, port)),
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await_listening(port)
        yield port
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(directory)


def _configured(directory: Path, server: PostgresServer, port: int) -> Path:
    users, log = directory / "users.txt", directory / "log"
    users.write_text(f'"{OWNER}" "{server.password}"\n')
    path = directory / "pgbouncer.ini"
    text = _CONFIGURATION.format(server_port=server.port, port=port, users=users, log=log)
    # Versions before 1.21 know no prepared statements, nor the setting that turns them off.
    version = subprocess.run([program() or "", "-V"], check=True, capture_output=True, text=True).stdout.split()[1]
    if tuple(map(int, version.split(".")[:2])) < (1, 21):
        text = text.replace("max_prepared_statements = 0\n", "")
    path.write_text(text)
    return path


def _await_listening(port: int) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while True:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > limit:
            raise RuntimeError("PgBouncer does not listen")
        time.sleep(0.02)
