"""How a transaction on PostgreSQL begins and what it announces, without a server: SQLite runs the statements that both understand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool, StaticPool

from rolecall.roles.errors import StoreUnavailableError, StoreUnsupportedError
from rolecall.roles.role import Revision
from rolecall.storage.postgres import driver as module
from rolecall.storage.postgres.driver import (
    TIMEOUTS,
    PostgresDriver,
    Timeouts,
    one_transaction,
    open_postgres,
    require_encoding,
)
from rolecall.storage.postgres.timeouts import ResponseTimeout
from rolecall.storage.postgres.url import parse_url
from rolecall.storage.sql.store import WRITES, SqlRoleRepository

URL = "postgresql://app@127.0.0.1:1/none"
GIVEN = Timeouts(lock=1, idle=2, statement=3, response=4_000)


def in_memory(*_: object) -> Engine:
    """Return an engine with one connection, which begins no transaction by itself."""
    return create_engine("sqlite://", poolclass=StaticPool, connect_args={"isolation_level": None})


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = in_memory()
    with engine.connect() as opened:
        yield opened
    engine.dispose()


class Beginning:
    """Begins transactions of a driver on a database that answers as given; notes what it is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.driver, self.answer = PostgresDriver(parse_url(URL), GIVEN), (False, "UTF8")
        self.statements, self.examined = list[str](), list[tuple[object, str]]()
        self.failure: Exception | None = None
        monkeypatch.setattr(module, "_begin_and_read", self._begin_and_read)
        monkeypatch.setattr(module, "require_schema", self._require_schema)

    def begin(self, connection: Connection) -> None:
        self.driver.begin(connection)

    def _begin_and_read(self, _: Connection, statement: str) -> tuple[bool, str]:
        self.statements.append(" ".join(statement.split()))
        return self.answer

    def _require_schema(self, connection: Connection, store: str) -> None:
        self.examined.append((connection, store))
        if self.failure:
            raise self.failure


@pytest.fixture
def beginning(monkeypatch: pytest.MonkeyPatch) -> Beginning:
    return Beginning(monkeypatch)


LIMITS = (
    "SELECT pg_is_in_recovery(), current_setting('server_encoding'), set_config('lock_timeout', '1', true),"
    " set_config('idle_in_transaction_session_timeout', '2', true), set_config('statement_timeout', '3', true)"
)


def test_a_read_is_of_one_state_and_has_the_limits_that_were_given(
    beginning: Beginning, connection: Connection
) -> None:
    beginning.begin(connection)

    assert beginning.statements == [f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {LIMITS}"]


def test_a_write_sees_the_writes_before_it_and_is_on_disk_when_it_is_acknowledged(
    beginning: Beginning, connection: Connection
) -> None:
    beginning.begin(connection.execution_options(**{WRITES: True}))

    (statement,) = beginning.statements
    assert statement == (
        f"BEGIN ISOLATION LEVEL READ COMMITTED; {LIMITS} ,"
        " set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), true)"
    )


def test_the_limits_of_a_server_are_those_of_the_documentation() -> None:
    assert (TIMEOUTS.lock, TIMEOUTS.idle, TIMEOUTS.statement, TIMEOUTS.response) == (3_000, 5_000, 30_000, 35_000)


def test_the_first_transaction_examines_the_schema_and_the_others_do_not(
    beginning: Beginning, connection: Connection
) -> None:
    for _ in range(3):
        beginning.begin(connection)

    assert beginning.examined == [(connection, "the database")]


def test_a_schema_that_was_refused_is_examined_again(beginning: Beginning, connection: Connection) -> None:
    beginning.failure = StoreUnsupportedError("has no tables yet")

    for _ in range(2):
        with pytest.raises(StoreUnsupportedError):
            beginning.begin(connection)
    beginning.failure = None
    beginning.begin(connection)
    beginning.begin(connection)

    assert len(beginning.examined) == 3


def test_a_database_that_cannot_store_every_text_is_refused_before_its_schema_is_examined(
    beginning: Beginning, connection: Connection
) -> None:
    beginning.answer = False, "LATIN1"

    with pytest.raises(StoreUnsupportedError) as caught:
        beginning.begin(connection)

    assert str(caught.value) == "the database has the encoding LATIN1; create one with ENCODING 'UTF8'"
    assert beginning.examined == []
    require_encoding("UTF8")


def test_no_connection_to_a_standby_is_used_again(beginning: Beginning) -> None:
    given_up = list[str]()
    beginning.answer = True, "LATIN1"
    standby: Any = SimpleNamespace(
        get_execution_options=dict,
        invalidate=lambda: given_up.append("this one"),
        engine=SimpleNamespace(dispose=lambda: given_up.append("the others")),
    )

    with pytest.raises(StoreUnavailableError) as caught:
        beginning.begin(standby)

    assert str(caught.value) == "the database is a standby; give the address of the primary"
    assert (given_up, beginning.examined) == (["this one", "the others"], [])


@pytest.mark.parametrize(
    "use", [lambda store: store.head(), lambda store: list(store.load()), lambda store: store.try_write()]
)
def test_each_transaction_of_a_store_begins_with_the_questions_of_its_driver(
    beginning: Beginning, monkeypatch: pytest.MonkeyPatch, use: Callable[[SqlRoleRepository], object]
) -> None:
    monkeypatch.setattr(module, "postgres_engine", in_memory)
    beginning.answer = True, "UTF8"

    with pytest.raises(StoreUnavailableError, match="the database is a standby"):
        use(open_postgres(URL))

    assert len(beginning.statements) == 1


class Cursor:
    """A cursor with the results of two statements that were sent as one."""

    def __init__(self, *row: object) -> None:
        self.done, self._row = list[str](), row

    def execute(self, statement: str) -> None:
        self.done.append(statement)

    def nextset(self) -> bool:
        self.done.append("next")
        return True

    def fetchall(self) -> list[tuple[object, ...]]:
        return [self._row] if self.done[-1:] == ["next"] else []

    def close(self) -> None:
        self.done.append("close")


@pytest.mark.parametrize(("row", "answer"), [((True, "UTF8", "3s"), (True, "UTF8")), ((False, "X"), (False, "X"))])
def test_the_answer_is_that_of_the_second_statement(row: tuple[object, ...], answer: tuple[bool, str]) -> None:
    cursor = Cursor(*row)
    connection: Any = SimpleNamespace(connection=SimpleNamespace(cursor=lambda: cursor))

    assert module._begin_and_read(connection, "BEGIN; SELECT") == answer
    assert cursor.done == ["BEGIN; SELECT", "next", "close"]


def test_a_commit_is_announced_to_the_listening_servers_with_its_revision(connection: Connection) -> None:
    announced = list[tuple[object, ...]]()
    made: Any = connection.connection.dbapi_connection
    made.create_function("pg_notify", 2, lambda *given: announced.append(given))

    PostgresDriver(parse_url(URL), TIMEOUTS).notify(connection, Revision(7))

    assert announced == [("rolecall", "7")]


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """Return the list of the parameters and response timeouts with which connections are made; none is."""
    noted = list[tuple[Any, Any]]()

    def refuse(parameters: Any, *, response_timeout: Any = None) -> None:
        noted.append((parameters, response_timeout))
        raise StoreUnavailableError("no connection is made")

    monkeypatch.setattr(module, "connect", refuse)
    return noted


def test_connections_of_a_store_share_a_response_timeout_which_closing_shortens(
    connected: list[tuple[Any, Any]],
) -> None:
    opened = open_postgres(URL, GIVEN)
    for read in (opened.head, opened.census):
        with pytest.raises(StoreUnavailableError, match="no connection is made"):
            read()

    (parameters, timeout), second = connected
    before, seconds = timeout.shortened, timeout.seconds
    opened.close()

    assert (parameters, second) == (parse_url(URL), (parameters, timeout))
    assert (before, seconds, timeout.shortened) == (False, 4.0, True)
    assert not opened.exclusive


def test_notifications_have_a_connection_and_a_response_timeout_of_their_own(
    connected: list[tuple[Any, Any]],
) -> None:
    opened = open_postgres(URL, GIVEN)
    notifications: Any = opened.notifications()

    notifications.wait(0.001)
    opened.close()
    ((parameters, timeout),) = connected
    of_store = timeout.shortened
    notifications.close()

    assert (parameters, timeout.seconds) == (parse_url(URL), 4.0)
    assert (of_store, timeout.shortened) == (False, True)
    assert isinstance(timeout, ResponseTimeout)


def test_the_pool_is_bounded_and_replaces_dead_connections() -> None:
    engine = open_postgres(URL)._engine
    pool = engine.pool
    assert isinstance(pool, QueuePool)

    assert (pool.size(), pool._max_overflow, pool._timeout, pool._pre_ping) == (8, 0, 5, True)
    # The newest connection is used first, so that those of a peak become idle.
    assert pool._pool.use_lifo
    assert (engine.hide_parameters, engine.url.host, engine.url.username) == (True, None, None)


def test_a_pool_without_a_free_connection_names_the_size_of_the_pool_of_a_store() -> None:
    error = PostgresDriver(parse_url(URL), TIMEOUTS).unavailable_error(PoolTimeoutError())

    assert str(error) == "all 8 connections to the database are in use; try again"


def test_a_command_has_a_connection_of_its_own_without_a_response_timeout(connected: list[tuple[Any, Any]]) -> None:
    parameters = parse_url(URL)

    with pytest.raises(StoreUnavailableError, match="no connection is made"), one_transaction(parameters, "BEGIN"):
        pytest.fail("not reached")

    assert connected == [(parameters, None)]


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list in which the end of each transaction of a command is noted; its database is in memory."""
    noted = list[str]()

    def noting(_: object) -> Engine:
        engine = in_memory()
        event.listen(engine, "commit", lambda _: noted.append("committed"))
        event.listen(engine, "rollback", lambda _: noted.append("undone"))
        return engine

    monkeypatch.setattr(module, "postgres_engine", noting)
    return noted


def test_what_a_command_has_done_is_committed_at_its_end(ended: list[str]) -> None:
    with one_transaction(parse_url(URL), "BEGIN") as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        before = list(ended)

    assert (before, ended) == ([], ["committed"])


def test_what_a_command_has_done_is_undone_when_the_database_fails(ended: list[str]) -> None:
    full = DBAPIError("INSERT", {}, psycopg.errors.DiskFull())

    with pytest.raises(StoreUnavailableError) as caught, one_transaction(parse_url(URL), "BEGIN"):
        raise full

    assert ended == ["undone"]
    assert str(caught.value) == "the database cannot be used now: its disk is full; free space there (SQLSTATE 53100)"
    assert caught.value.__cause__ is full
