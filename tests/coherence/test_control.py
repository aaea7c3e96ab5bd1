"""The control: a log numbered by a sequence and polled by `id > last` loses rows that commit late, and our checker reports it.

The same interleaving is then forced on the store itself, whose counter row allows no second writer before the first has committed.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event

import psycopg
import pytest

from rolecall.roles.repository import RoleRepository, Transaction
from rolecall.roles.role import Revision, Role
from rolecall.storage.open import migrate, open_repository
from tests.coherence.order import disorder
from tests.postgres import PostgresServer
from tests.storage.samples import all_commits, author, create, creating
from tests.storage.stores import database_of
from tests.storage.waiting import has_blocked_transaction, wait_until

WAIT_SECONDS = 30.0


class SequenceFollower:
    """A deliberately vulnerable follower: it polls after the highest number that it has read."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self.applied: list[int] = []

    def poll(self) -> None:
        last = max(self.applied, default=0)
        rows = self._connection.execute("SELECT id FROM log WHERE id > %s ORDER BY id", [last]).fetchall()
        self.applied += [number for (number,) in rows]


@pytest.fixture
def url(postgres_server: PostgresServer) -> str:
    return postgres_server.create_database()


@pytest.fixture
def repository(url: str) -> Iterator[RoleRepository]:
    migrate(url)
    with closing(open_repository(url)) as opened:
        yield opened


def test_the_control_loses_a_row_that_commits_late_and_the_checker_reports_it(url: str) -> None:
    with (
        closing(psycopg.connect(url, autocommit=True)) as reader,
        closing(psycopg.connect(url)) as slow,
        closing(psycopg.connect(url)) as quick,
    ):
        reader.execute("CREATE TABLE log (id bigserial PRIMARY KEY, text text)")
        follower = SequenceFollower(reader)

        slow.execute("INSERT INTO log (text) VALUES ('takes number 1, commits last')")
        quick.execute("INSERT INTO log (text) VALUES ('takes number 2, commits first')")
        quick.commit()
        follower.poll()
        slow.commit()
        follower.poll()
        committed = [number for (number,) in reader.execute("SELECT id FROM log ORDER BY id").fetchall()]

    assert committed == [1, 2]
    assert list(disorder(follower.applied, committed)) == ["lost: [1]"]


def test_a_writer_that_begins_first_and_commits_last_loses_nothing_in_the_store(
    postgres_server: PostgresServer, url: str, repository: RoleRepository
) -> None:
    begun, go_on, applied = Event(), Event(), list[int]()

    def slowly(transaction: Transaction) -> None:
        creating("slow")(transaction)
        begun.set()
        assert go_on.wait(WAIT_SECONDS)

    with closing(open_repository(url)) as other, ThreadPoolExecutor(2) as pool:
        slow = pool.submit(repository.transact, author(), slowly)
        assert begun.wait(WAIT_SECONDS)
        quick = pool.submit(create, other, "quick")
        applied += polled(repository, applied)
        wait_until(lambda: quick.done() or has_blocked_transaction(postgres_server, database_of(url)))
        waiting = not quick.done()
        go_on.set()
        slow.result(WAIT_SECONDS)
        quick.result(WAIT_SECONDS)
        applied += polled(repository, applied)

    committed = [commit.revision for commit in all_commits(repository)]
    assert waiting
    assert committed == [1, 2]
    assert list(disorder(applied, committed)) == []
    assert [role.role_name for role in all_roles_in_order(repository)] == ["slow", "quick"]


@pytest.mark.parametrize(
    ("applied", "reported"),
    [
        ([1, 2, 3], []),
        ([1, 3], ["lost: [2]"]),
        ([1, 2, 3, 4], ["never committed: [4]"]),
        ([1, 2, 2, 3], ["applied twice: [2]", "out of order: [(2, 2)]"]),
        ([2, 1, 3], ["out of order: [(2, 1)]"]),
    ],
)
def test_the_checker_reports_every_kind_of_disorder(applied: list[int], reported: list[str]) -> None:
    assert list(disorder(applied, [1, 2, 3])) == reported


def polled(repository: RoleRepository, applied: list[int]) -> list[int]:
    last = Revision(applied[-1] if applied else 0)
    return [commit.revision for commit in repository.commits(after=last, limit=100)]


def all_roles_in_order(repository: RoleRepository) -> list[Role]:
    return sorted(repository.load(), key=lambda role: role.revision)
