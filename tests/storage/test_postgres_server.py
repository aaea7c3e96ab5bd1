"""The server of the tests: it leaves nothing behind, and where it cannot be had the tests say so."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.postgres import PATIENCE_SECONDS, PostgresServer, binaries, not_there
from tests.storage.processes import python, stop

_STARTING = """
from tests.postgres import PostgresServer
server = PostgresServer()
server.start()
print(server.directory, server.pid, flush=True)
input()
"""


def test_a_missing_program_skips_a_test_and_fails_it_where_changes_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install postgresql"):
        not_there("PostgreSQL", "postgresql")

    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install postgresql"):
        not_there("PostgreSQL", "postgresql")


def test_a_server_ends_with_the_process_that_started_it(postgres_server: PostgresServer) -> None:
    assert binaries() is not None
    process = python("-c", _STARTING)
    assert process.stdout is not None
    directory, pid = process.stdout.readline().split()

    stop(process)

    limit = time.monotonic() + PATIENCE_SECONDS
    while (Path(directory).exists() or Path(f"/proc/{pid}").exists()) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not Path(directory).exists()
    assert not Path(f"/proc/{pid}").exists()
