"""What each failure of PostgreSQL is called: by the condition that its manual names, and by what its library reports."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError as PoolTimeoutError

from rolecall.storage.postgres.errors import describe_connection_error, unavailable_error

CHANGED = "its tables have changed since the start; update this server"
CONFLICT = "it conflicts with another transaction; try again"

CONDITIONS: list[tuple[type[psycopg.Error], str, str]] = [
    (errors.ReadOnlySqlTransaction, "25006", "it is read-only"),
    (errors.IdleInTransactionSessionTimeout, "25P03", "the transaction was idle for too long; try again"),
    (errors.InvalidCatalogName, "3D000", "the database does not exist; create it, or correct the URL"),
    (errors.InvalidSchemaName, "3F000", "its schema is missing; restore it"),
    (errors.SerializationFailure, "40001", CONFLICT),
    (errors.DeadlockDetected, "40P01", CONFLICT),
    (errors.InsufficientPrivilege, "42501", "its user lacks a permission; make it the owner of the tables"),
    (errors.UndefinedColumn, "42703", CHANGED),
    (errors.UndefinedTable, "42P01", CHANGED),
    (errors.DiskFull, "53100", "its disk is full; free space there"),
    (errors.OutOfMemory, "53200", "it is out of memory; try again"),
    (
        errors.TooManyConnections,
        "53300",
        "it has too many connections; raise its limit, or lower the number of servers",
    ),
    (errors.LockNotAvailable, "55P03", "another writer has locked the store; try again"),
    (errors.QueryCanceled, "57014", "a statement took too long; try again"),
    (errors.AdminShutdown, "57P01", "it is shutting down; try again"),
    (errors.CrashShutdown, "57P02", "it has crashed; try again"),
    (errors.CannotConnectNow, "57P03", "it is starting or stopping; try again"),
    (errors.DatabaseDropped, "57P04", "the database was dropped; restore it"),
    (errors.IdleSessionTimeout, "57P05", "the connection was idle for too long; try again"),
    # Any other condition of these classes.
    (errors.ConnectionFailure, "08006", "the connection broke; try again"),
    (errors.InvalidPassword, "28P01", "it rejects the user or the password"),
    (errors.ConfigurationLimitExceeded, "53400", "it lacks resources"),
    (errors.OperatorIntervention, "57000", "an operator intervened; see its log"),
    (errors.IoError, "58030", "its machine fails; see its log"),
    (errors.DataCorrupted, "XX001", "it reports an internal error; see its log"),
]


@pytest.mark.parametrize(("condition", "state", "sentence"), CONDITIONS, ids=[c[0].__name__ for c in CONDITIONS])
def test_a_condition_is_described_with_what_to_do(condition: type[psycopg.Error], state: str, sentence: str) -> None:
    expected = f"the database cannot be used now: {sentence} (SQLSTATE {state})"

    for error in (condition(), DBAPIError("SELECT 1", {}, condition())):
        assert str(unavailable_error(error, connections=8)) == expected


@pytest.mark.parametrize(
    "error",
    [
        errors.UniqueViolation(),
        errors.SyntaxError(),
        psycopg.InterfaceError("no state"),
        DBAPIError("SELECT 1", {}, ValueError("none of the library")),
        SQLAlchemyError("none of a database"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_programming_mistake_is_no_outage(error: SQLAlchemyError | psycopg.Error) -> None:
    assert unavailable_error(error, connections=8) is None


def test_a_connection_that_broke_leaves_the_outcome_of_a_write_open() -> None:
    assert str(unavailable_error(psycopg.OperationalError("server closed the connection"), connections=8)) == (
        "the connection to the database broke; a write in progress may or may not have been committed:"
        " repeat it with the same request id"
    )


def test_a_pool_without_a_free_connection_names_its_size() -> None:
    assert str(unavailable_error(PoolTimeoutError(), connections=8)) == (
        "all 8 connections to the database are in use; try again"
    )


REJECTED = "it rejects the user or the password"
UNKNOWN_NAME = "the database or the user does not exist"
TOO_MANY = "it has too many connections"
STARTING = "it is starting or stopping"
NOTHING_LISTENS = "nothing listens at its address"
SILENT = "it does not answer in time"
UNRESOLVED = "its host name cannot be resolved"
NO_TLS = "TLS cannot be set up; see `sslmode` and `sslrootcert`"
OTHER_ROLE = "it is not what `target_session_attrs` requires"
INVALID_OPTION = "an option of its URL has an invalid value"

TEXTS = [
    ('FATAL:  password authentication failed for user "app"', REJECTED),
    ("fe_sendauth: no password supplied", "it requires a password; add it to the URL"),
    (
        'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "app"',
        "its `pg_hba.conf` does not allow this connection",
    ),
    ('FATAL:  database "roles" does not exist', UNKNOWN_NAME),
    ("FATAL:  no such database: roles", UNKNOWN_NAME),
    ('FATAL:  too many connections for database "roles"', TOO_MANY),
    ("FATAL:  remaining connection slots are reserved for superusers", TOO_MANY),
    ("FATAL:  the database system is starting up", STARTING),
    ("FATAL:  the database system is shutting down", STARTING),
    ("FATAL:  the database system is not yet accepting connections", STARTING),
    ("Connection refused\n\tIs the server running on that host?", NOTHING_LISTENS),
    ('connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory', NOTHING_LISTENS),
    ("connection timeout expired", SILENT),
    ('connection to server at "10.0.0.1", port 5432 failed: Connection timed out', SILENT),
    ("[Errno -2] Name or service not known", UNRESOLVED),
    ('could not translate host name "db" to address: No address associated with hostname', UNRESOLVED),
    ("failed to resolve host 'db'", UNRESOLVED),
    ("[Errno -3] Temporary failure in name resolution", UNRESOLVED),
    ("server closed the connection unexpectedly", "it closed the connection"),
    ('could not load root certificate file "/ca.pem": no start line', NO_TLS),
    ('root certificate file "/ca.pem" does not exist', NO_TLS),
    ("server does not support SSL, but SSL was required", NO_TLS),
    ("session is read-only", OTHER_ROLE),
    ("session is not read-only", OTHER_ROLE),
    ("server is in hot standby", OTHER_ROLE),
    ("server is not in hot standby", OTHER_ROLE),
    ('invalid integer value "soon" for connection option "connect_timeout"', INVALID_OPTION),
    ("bad value for connect_timeout: 'soon'", INVALID_OPTION),
    ("something that no version has reported so far", "for an unknown reason"),
]


@pytest.mark.parametrize(("text", "sentence"), TEXTS)
def test_a_connection_that_could_not_be_made_has_a_reason_in_words_of_our_own(text: str, sentence: str) -> None:
    assert describe_connection_error(psycopg.OperationalError(text)) == f"cannot connect to the database: {sentence}"


def test_the_reasons_of_several_hosts_are_listed_each_once() -> None:
    text = "a: Connection refused\nb: Connection refused\nc: FATAL:  password authentication failed\nd: timeout expired"

    assert describe_connection_error(psycopg.OperationalError(text)) == (
        f"cannot connect to the database: {REJECTED}; {NOTHING_LISTENS}; {SILENT}"
    )
