"""What the driver of PostgreSQL does by itself: with errors at the beginning of a transaction, and with silent connections."""

from __future__ import annotations

from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg.pq import ConnStatus
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool, StaticPool

from rolecall.roles.errors import StoreUnavailableError
from rolecall.storage.postgres import driver as module
from rolecall.storage.postgres.driver import TIMEOUTS, PostgresDriver, connector, one_transaction, postgres_engine
from rolecall.storage.postgres.timeouts import ResponseTimeout, TimedConnection
from rolecall.storage.postgres.url import parse_url

PARAMETERS = parse_url("postgresql://127.0.0.1:1/none")
MISTAKE, BROKEN = psycopg.errors.SyntaxError("of ours"), psycopg.OperationalError("it is gone")


def begun(monkeypatch: pytest.MonkeyPatch, error: psycopg.Error) -> list[object]:
    """Begin a transaction that fails; return the errors for which its connection was given up."""
    given_up = list[object]()
    connection: Any = SimpleNamespace(get_execution_options=dict, invalidate=given_up.append)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(module, "_begin_and_read", fail)
    with pytest.raises((StoreUnavailableError, psycopg.Error)) as caught:
        PostgresDriver(PARAMETERS, TIMEOUTS).begin(connection)
    return [*given_up, caught.value]


def test_a_connection_on_which_no_transaction_begins_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    given_up, reported = begun(monkeypatch, BROKEN)

    assert given_up is BROKEN
    assert isinstance(reported, StoreUnavailableError)
    assert str(reported).startswith(
        "the connection to the database broke; a write in progress may or may not have been"
    )


def test_a_mistake_of_ours_at_the_beginning_of_a_transaction_is_not_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    assert begun(monkeypatch, MISTAKE) == [MISTAKE, MISTAKE]


def in_memory(*_: object) -> Engine:
    # The test begins and ends transactions itself.
    return create_engine("sqlite://", poolclass=StaticPool, connect_args={"isolation_level": None})


def test_a_mistake_of_ours_in_a_command_is_not_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "postgres_engine", in_memory)

    with pytest.raises(OperationalError, match="syntax error"), one_transaction(PARAMETERS, "BEGIN") as connection:
        connection.exec_driver_sql("no statement")


def test_a_command_begins_its_transaction_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "postgres_engine", in_memory)

    with one_transaction(PARAMETERS, "BEGIN EXCLUSIVE") as connection:
        assert connection.connection.dbapi_connection.in_transaction  # type: ignore[union-attr]
        connection.exec_driver_sql("CREATE TABLE t (x)")


def test_an_engine_shows_no_values_and_asks_for_no_types_of_extensions() -> None:
    engine = postgres_engine(NullPool(connector(PARAMETERS)))

    assert (engine.hide_parameters, engine.dialect.use_native_hstore) == (True, False)  # type: ignore[attr-defined]
    assert engine.url.host is None


def test_a_silent_connection_is_closed_after_the_operation_that_waits_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    events = list[str]()

    def operation() -> Generator[str, bool, None]:
        try:
            while True:
                yield "readable"
        finally:
            events.append("operation closed")

    connection = object.__new__(TimedConnection)
    finished = SimpleNamespace(finish=lambda: events.append("connection closed"), status=ConnStatus.BAD)
    monkeypatch.setattr(connection, "pgconn", finished, raising=False)
    running, timeout = operation(), ResponseTimeout(-1)
    timed = connection._with_timeout(running, timeout)
    wanted = [next(timed), timed.send(True)]

    with pytest.raises(psycopg.OperationalError, match=r"^the database has not answered in time: timed out$"):
        timed.send(False)

    assert (wanted, events) == (["readable"] * 2, ["operation closed", "connection closed"])
