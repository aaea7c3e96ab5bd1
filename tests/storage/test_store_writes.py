"""Every write of a SQL store takes the row of the counter before it reads, asks for its schema, and is announced."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text

from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.repository import Remembered, RoleRepository
from rolecall.roles.role import Revision
from rolecall.storage.maintenance.admin_store import open_admin_store
from rolecall.storage.sql import retention
from rolecall.storage.sql.store import SqlRoleRepository
from rolecall.storage.sqlite.driver import open_sqlite
from tests.storage.samples import author, create, nothing

OUTCOME = Remembered(b"fingerprint", b"outcome")

WRITES: Mapping[str, Callable[[RoleRepository], object]] = {
    "a write": lambda repository: create(repository, "New"),
    "a write of nothing": lambda repository: repository.transact(author(), nothing),
    "a pruning": lambda repository: repository.prune(keep_after=2_000, keep_revisions=1, forget_requests_before=9_000),
    "a trial": lambda repository: repository.try_write(),
    "a new name": lambda repository: repository.rename_history(repository.head().incarnation),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rolecall.db"


@pytest.fixture
def repository(path: Path) -> Iterator[SqlRoleRepository]:
    with closing(open_sqlite(path)) as opened:
        for number in range(3):
            create(opened, f"r{number}")
        opened.transact(author(), lambda transaction: transaction.remember("scope", "id", OUTCOME))
        yield opened


@contextmanager
def transactions(engine: Engine) -> Iterator[list[list[str]]]:
    """Note the statements of each transaction that writes."""
    noted: list[list[str]] = []

    def note(_: object, __: object, statement: str, *more: object) -> None:
        if statement.startswith("BEGIN"):
            noted.append([])
        noted[-1].append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield noted
    event.remove(engine, "before_cursor_execute", note)
    noted[:] = [statements for statements in noted if statements[0] == "BEGIN IMMEDIATE"]


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_waits_for_the_one_before_it_and_only_then_reads(
    repository: SqlRoleRepository, write: Callable[[RoleRepository], object]
) -> None:
    with transactions(repository._engine) as noted:
        write(repository)

    # On PostgreSQL it is this row for which another writer waits.
    assert noted
    assert {statements[1].split(" WHERE")[0][:27] for statements in noted} == {"UPDATE counter SET revision"}


def test_a_store_is_filled_only_after_other_writers_were_kept_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_sqlite(path).close()
    engines: list[Engine] = []

    def noting(*arguments: Any, **options: Any) -> Engine:
        engines.append(create_engine(*arguments, **options))
        event.listen(engines[-1], "before_cursor_execute", lambda *given: statements.append(given[2]))
        return engines[-1]

    statements: list[str] = []
    monkeypatch.setattr("rolecall.storage.maintenance.sqlite_admin.create_engine", noting)

    with open_admin_store(f"sqlite:///{path}").fill_transaction():
        pass

    first_look = next(at for at, statement in enumerate(statements) if "FROM meta" in statement)
    assert statements[0] == "BEGIN IMMEDIATE"
    assert any(statement.startswith("UPDATE counter SET revision") for statement in statements[:first_look])
    assert [engine.hide_parameters for engine in engines] == [True]


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_no_write_is_made_to_a_schema_that_has_moved_on(
    repository: SqlRoleRepository, path: Path, write: Callable[[RoleRepository], object]
) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE counter SET compatible_from = 6")
    before = repository.head(), repository.floor()

    with pytest.raises(StoreUnavailableError) as caught:
        write(repository)

    with closing(sqlite3.connect(path)) as other:
        remembered = other.execute("SELECT count(*) FROM requests").fetchone()
    assert (repository.head(), repository.floor(), remembered) == (*before, (1,))
    assert str(caught.value) == (
        "the store accepts writes only from versions that support schema 0006 or later, this one supports 0005;"
        " update this server"
    )


def test_a_pruning_ends_where_the_schema_moves_on(
    repository: SqlRoleRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "COMMITS_PER_PRUNE", 1)

    def prune_and_move_on(connection: Connection, **limits: Any) -> int:
        pruned = retention.prune_commits(connection, **limits)
        connection.execute(text("UPDATE counter SET compatible_from = 6"))
        return pruned

    monkeypatch.setattr("rolecall.storage.sql.store.prune_commits", prune_and_move_on)

    with pytest.raises(StoreUnavailableError, match="accepts writes only from versions that support schema 0006"):
        repository.prune(keep_after=2_000, keep_revisions=0, forget_requests_before=0)

    assert repository.floor().revision == 1


def test_a_trial_to_write_really_writes(repository: SqlRoleRepository, path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        before = other.execute("PRAGMA data_version").fetchone()
        repository.head()
        after_a_read = other.execute("PRAGMA data_version").fetchone()
        repository.try_write()
        after_the_trial = other.execute("PRAGMA data_version").fetchone()

    assert before == after_a_read != after_the_trial


class Recording:
    """A driver that notes what the store asks of it."""

    def __init__(self, driver: Any) -> None:
        self._driver, self.noted = driver, list[tuple[Any, ...]]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def notify(self, connection: Connection, revision: Revision) -> None:
        assert connection.in_transaction()
        self.noted.append(("notify", revision))

    def shorten_timeouts(self) -> None:
        self.noted.append(("shorten",))

    def release(self) -> None:
        self.noted.append(("release",))
        self._driver.release()


@contextmanager
def statements_of(engine: Engine) -> Iterator[list[str]]:
    noted: list[str] = []

    def note(_: object, __: object, statement: str, *more: object) -> None:
        noted.append(" ".join(statement.split()))

    event.listen(engine, "before_cursor_execute", note)
    yield noted
    event.remove(engine, "before_cursor_execute", note)


def test_a_follower_that_has_everything_asks_only_where_the_store_is(repository: SqlRoleRepository) -> None:
    with statements_of(repository._engine) as noted:
        assert repository.commits(after=Revision(3), limit=10) == []

    assert [statement.partition(" FROM ")[2].partition(" WHERE")[0] for statement in noted] == [
        "",
        "floor",
        "meta, counter",
    ]


def test_the_changes_of_a_single_commit_are_not_counted_before_they_are_read(repository: SqlRoleRepository) -> None:
    with statements_of(repository._engine) as noted:
        one = repository.commits(after=Revision(2), limit=10)
    counted = [statement for statement in noted if "count(" in statement]
    with statements_of(repository._engine) as noted_of_two:
        two = repository.commits(after=Revision(1), limit=10)

    assert ([commit.revision for commit in one], counted) == ([3], [])
    assert ([commit.revision for commit in two], sum("count(" in each for each in noted_of_two)) == ([2, 3], 1)


def test_each_commit_and_each_new_name_is_announced_once(repository: SqlRoleRepository) -> None:
    driver = Recording(repository._driver)
    repository._driver = driver

    create(repository, "Fourth")
    repository.transact(author(), nothing)
    repository.try_write()
    repository.prune(keep_after=2_000, keep_revisions=1, forget_requests_before=0)
    repository.rename_history("another")
    before_the_name, driver.noted = driver.noted, []
    repository.rename_history(repository.head().incarnation)

    assert (before_the_name, driver.noted) == ([("notify", 4)], [("notify", 4)])


def test_a_store_is_released_once_after_its_waits_were_shortened(repository: SqlRoleRepository) -> None:
    driver = Recording(repository._driver)
    repository._driver = driver

    repository.close()
    repository.close()

    assert driver.noted == [("shorten",), ("release",), ("shorten",)]


def test_a_read_that_ends_after_its_store_was_closed_leaves_no_connection(repository: SqlRoleRepository) -> None:
    with repository._reading() as connection:
        used: Any = connection.connection.dbapi_connection
        repository.close()
        still_open = used.execute("SELECT 1").fetchone()

    assert still_open == (1,)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        used.execute("SELECT 1")


def test_a_read_leaves_its_connection_to_the_next_one(repository: SqlRoleRepository) -> None:
    used = list[object]()
    for _ in range(2):
        with repository._reading() as connection:
            used.append(connection.connection.dbapi_connection)

    assert used[0] is used[1]


def test_the_key_of_tokens_is_read_again_with_another_history_only(repository: SqlRoleRepository, path: Path) -> None:
    first = repository.token_key
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE meta SET token_key = zeroblob(32)")
    repository.head()
    same_history = repository.token_key

    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE meta SET incarnation = 'restored'")
    before_the_next_look = repository.token_key
    repository.head()

    assert (same_history, before_the_next_look, repository.token_key) == (first, first, bytes(32))
    assert repository.rename_history("another").incarnation == "restored"
