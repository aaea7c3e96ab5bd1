"""What a crash or a full disk leaves behind: every acknowledged write, and nothing of any other (faults, rows 65 and 74)."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.repository import Remembered, Transaction
from rolecall.storage.sql.store import SqlRoleRepository
from rolecall.storage.sqlite.driver import open_sqlite
from tests.storage.processes import python, stop
from tests.storage.samples import all_commits, assert_chained, author, create

ROUNDS = 4


def assert_sound(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def written_until_killed(path: Path, first: int, random_source: random.Random) -> tuple[int, list[int]]:
    """Let a process write and kill it; return the number of its last attempt and those it acknowledged."""
    process = python("-m", "tests.storage.writing_process", str(path), str(first))
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line.split())
        if len(lines) > random_source.randint(3, 20):
            time.sleep(random_source.random() / 50)
            break
    process.kill()
    rest, _ = process.communicate()
    lines += [line.split() for line in rest.splitlines() if line.endswith(tuple("0123456789"))]
    tried = [int(line[1]) for line in lines if line[0] == "trying"]
    return tried[-1], [int(line[1]) for line in lines if line[0] == "done"]


def test_acknowledged_writes_survive_kill_9(tmp_path: Path) -> None:
    # Row 65 of the faults.
    path, random_source = tmp_path / "rolecall.db", random.Random(7)
    acknowledged: set[int] = set()
    unanswered: set[int] = set()
    tried = 0

    for _ in range(ROUNDS):
        tried, done = written_until_killed(path, tried + 1, random_source)
        acknowledged |= set(done)
        unanswered |= {tried} - acknowledged

        repository = open_sqlite(path)
        assert_chained(repository)
        committed = {int(c.author.request_id.removeprefix("request-")) for c in all_commits(repository)}
        names = {role.role_name for role in repository.load()}
        outcome = repository.transact(author(), partial(recalled, f"request-{tried}"))[0]
        repository.close()
        assert_sound(path)

        assert acknowledged <= committed
        assert names == {f"r{n}-{part}" for n in committed for part in range(3)}
        # The one that was under way is there wholly or not at all, and a repeat of its request id learns which.
        assert committed <= acknowledged | unanswered
        assert (outcome is not None) == (tried in committed)
    assert len(acknowledged) >= ROUNDS


def recalled(request_id: str, transaction: Transaction) -> Remembered | None:
    return transaction.recall("scope", request_id)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[SqlRoleRepository]:
    repository = open_sqlite(tmp_path / "rolecall.db")
    yield repository
    repository.close()


def test_a_full_database_refuses_the_write_and_keeps_its_state(repository: SqlRoleRepository, tmp_path: Path) -> None:
    # Row 74 of the faults.
    made = create(repository, "App")
    head = repository.head()

    def no_more_pages(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")

    event.listen(repository._engine, "begin", no_more_pages)
    with pytest.raises(StoreUnavailableError, match="full"):
        create(repository, *(f"r{n}" for n in range(50)), document="x" * 5_000)
    event.remove(repository._engine, "begin", no_more_pages)

    assert repository.head() == head
    assert list(repository.load()) == made
    assert_chained(repository)
    assert_sound(tmp_path / "rolecall.db")


def test_a_write_that_fails_at_any_page_changes_nothing(tmp_path: Path) -> None:
    # Row 74 of the faults.
    process = python("-m", "tests.storage.full_disk_process", str(tmp_path / "rolecall.db"))

    output, _ = process.communicate(timeout=120)

    refused, accepted = map(int, output.split())
    assert process.returncode == 0
    assert refused >= 10
    assert accepted >= 1
    assert_sound(tmp_path / "rolecall.db")


def test_a_killed_process_lets_go_of_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "rolecall.db"
    process = python("-m", "tests.storage.writing_process", str(path), "1")
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"

    with pytest.raises(StoreUnavailableError, match=str(process.pid)):
        open_sqlite(path)
    stop(process)

    open_sqlite(path).close()
