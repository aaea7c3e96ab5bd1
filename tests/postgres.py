"""A real PostgreSQL server for tests, made of the binaries of the system and gone when the tests are.

It runs as an unprivileged user, since it refuses root, in a directory of its own directly under the temporary one. A shell keeps watch:
when the process of the tests ends, however it ends, it stops the server and removes the directory.
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

NAMES_OF_NOBODY = ("postgres", "nobody")
PATIENCE_SECONDS = 60
FIRST_WITH_ICU_DATABASES = 15
OWNER = "rolecall"

StopMode = Literal["smart", "fast", "immediate"]
_SIGNALS: dict[StopMode, signal.Signals] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}

_BECOME = """
import os, sys
user, group, *command = sys.argv[1:]
os.setgroups([])
os.setgid(int(group))
os.setuid(int(user))
os.execv(command[0], command)
"""
_KEEPER = """
trap '' INT TERM HUP
cat >/dev/null
read pid < "$1/data/postmaster.pid" && [ "$(readlink "/proc/$pid/cwd")" = "$1/data" ] && kill -QUIT "$pid" && sleep 1
rm -rf "$1"
"""


def binaries() -> Path | None:
    """Return the directory of PostgreSQL's programs: that of the path, else Debian's newest; None if there is none."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    installed = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(installed, key=lambda path: float(path.parent.name), default=None)


def not_there(what: str, package: str) -> None:
    """Skip the test for want of a program; fail it where tests decide whether a change is good."""
    reason = f"{what} is not installed: apt-get install {package}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def somebody() -> tuple[int, int] | None:
    """Return the user and the group of somebody other than root; None if that is what we are."""
    if os.geteuid() != 0:
        return None
    users = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = next(users[name] for name in NAMES_OF_NOBODY if name in users)
    return user.pw_uid, user.pw_gid


def unprivileged(*command: str | Path) -> list[str]:
    """Return the command that runs a command as somebody other than root.

    Not by `user=` of `subprocess`, which then forks: in a process with calls under way, gRPC ends such a child (seen with grpcio 1.85).
    """
    ids = somebody()
    if ids is None:
        return [str(part) for part in command]
    return [sys.executable, "-I", "-c", _BECOME, *map(str, ids), *map(str, command)]


def own_directory(prefix: str) -> Path:
    """Make a directory that `unprivileged` programs own, whose parents they may enter, with a name short enough for sockets."""
    directory = Path(tempfile.mkdtemp(prefix=prefix))
    if ids := somebody():
        os.chown(directory, *ids)
    return directory


def free_port() -> int:
    """Return a port of loopback that nobody has now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class PostgresServer:
    """One server: its data survive `stop` and `start`, its port and passwords stay the same; `close` removes everything.

    Passwords are asked for over TCP; `OWNER` owns the databases and is no superuser. Where the server can, databases sort by a
    language and not byte by byte, as they do in most places. Settings are those of `postgresql.conf`: `fsync="off"`.
    """

    def __init__(self, **settings: str | int) -> None:
        found = binaries()
        if found is None:
            raise FileNotFoundError("initdb")
        self.binaries = found
        self.directory = own_directory("rc-pg-")
        self.port = free_port()
        self.password = secrets.token_hex(8)
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        self._keeper = subprocess.Popen(
            ["/bin/sh", "-c", _KEEPER, "keeper", str(self.directory)],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def data(self) -> Path:
        """Return the data directory."""
        return self.directory / "data"

    @property
    def log(self) -> str:
        """Return what the server has logged."""
        path = self.directory / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def superuser_url(self) -> str:
        """Return the URL of the superuser's database."""
        return self.url_of("postgres", user="postgres")

    @property
    def url(self) -> str:
        """Return the URL of a database that is there from the start, for its owner."""
        return self.url_of(OWNER)

    @property
    def running(self) -> bool:
        """Tell whether the server was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Return the process id of a running server."""
        assert self._process is not None
        return self._process.pid

    def url_of(self, database: str, *, user: str = OWNER) -> str:
        """Return the URL of a database."""
        return f"postgresql://{user}:{self.password}@127.0.0.1:{self.port}/{quote(database)}"

    def start(self) -> None:
        """Start the server and wait until it takes connections; make it first if it is new."""
        new = not self.data.exists()
        if new:
            self._initialize()
        self._launch()
        if new:
            self._sql(f"CREATE ROLE {OWNER} LOGIN PASSWORD '{self.password}'", f"CREATE DATABASE {OWNER} OWNER {OWNER}")

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server: `immediate` is as if it had crashed."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(_SIGNALS[mode])
            self._process.wait(PATIENCE_SECONDS)
            self._process = None

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop the server and start it again."""
        self.stop(mode)
        self.start()

    def create_database(self, *, template: str = "template1") -> str:
        """Make a database of `OWNER` and return its URL: empty, or a copy of another, which nobody may be connected to."""
        name = f"db{next(self._numbers)}"
        self._sql(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template}")
        return self.url_of(name)

    def execute(self, statement: str, *, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement as the superuser and return its rows."""
        url = self.url_of(database, user="postgres")
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            cursor = connection.execute(sql.SQL(statement))
            return cursor.fetchall() if cursor.description else []

    def make_standby(self, **settings: str | int) -> PostgresServer:
        """Return a new server that follows this one as a standby. `promote` makes it a primary."""
        standby = PostgresServer(**{**self._settings, **settings})
        standby.password = self.password
        address = f"host={self.directory} port={self.port} user=postgres"
        standby._run("pg_basebackup", "-D", str(standby.data), "-R", "-X", "stream", "-c", "fast", "-N", "-d", address)
        standby.start()
        return standby

    def fall_behind(self) -> None:
        """Let a standby receive nothing more from its primary; what it has received by then, it has."""
        self._sql("ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
        self._wait_until("SELECT NOT EXISTS (SELECT FROM pg_stat_wal_receiver)")

    def wait_for_standby(self, standby: PostgresServer) -> None:
        """Return when a standby has everything that this server has now."""
        ((here,),) = self.execute("SELECT pg_current_wal_flush_lsn()")
        standby._wait_until(f"SELECT pg_last_wal_replay_lsn() >= '{here}'")

    def promote(self) -> None:
        """Make a standby a primary."""
        self.execute("SELECT pg_promote()")

    def close(self) -> None:
        """Stop the server and remove its directory."""
        self.stop("immediate")
        shutil.rmtree(self.directory, ignore_errors=True)
        self._keeper.communicate()

    def _initialize(self) -> None:
        password_file = self.directory / "password"
        password_file.write_text(self.password)
        locale = ["-E", "UTF8", "--locale=C.UTF-8"]
        if self._major() >= FIRST_WITH_ICU_DATABASES:
            locale += ["--locale-provider=icu", "--icu-locale=en-US"]
        password_file.chmod(0o644)
        authentication = ["-A", "scram-sha-256", "--auth-local=trust", f"--pwfile={password_file}"]
        self._run("initdb", "-N", "-U", "postgres", *authentication, *locale, "-D", str(self.data))
        password_file.unlink()

    def _major(self) -> int:
        version = subprocess.run([self.binaries / "postgres", "-V"], check=True, capture_output=True, text=True).stdout
        found = re.search(r"\d+", version)
        assert found is not None
        return int(found[0])

    def _launch(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.directory,
            "shared_buffers": "32MB",
            **self._settings,
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                unprivileged(self.binaries / "postgres", "-D", self.data, *options),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._await_ready(self._process)

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        limit = time.monotonic() + PATIENCE_SECONDS
        while not self._is_ready(process.pid):
            if process.poll() is not None or time.monotonic() > limit:
                raise RuntimeError(f"the server did not start:\n{self.log[-2_000:]}")
            time.sleep(0.02)

    def _is_ready(self, pid: int) -> bool:
        # The last line of the file says how far the server is; `standby` takes connections for reads.
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() in {"ready", "standby"}

    def _wait_until(self, question: str) -> None:
        limit = time.monotonic() + PATIENCE_SECONDS
        while self.execute(question) != [(True,)]:
            if time.monotonic() > limit:
                raise RuntimeError(f"it does not come true: {question}")
            time.sleep(0.02)

    def _sql(self, *statements: str) -> None:
        for statement in statements:
            self.execute(statement)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            unprivileged(self.binaries / program, *arguments),
            check=False,
            cwd="/",
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr or done.stdout}")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests of a process. Who stops it starts it again; who needs one of their own asks for `own_server`."""
    with _started() as server:
        yield server


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that the test may stop."""
    with _started() as server:
        yield server


@contextmanager
def _started() -> Iterator[PostgresServer]:
    if binaries() is None:
        not_there("PostgreSQL", "postgresql")
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.close()
