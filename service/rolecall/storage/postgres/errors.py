"""Errors of PostgreSQL as `StoreUnavailableError`, in words of our own: messages of the library may quote the URL."""

from __future__ import annotations

import re

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError as PoolTimeoutError

from rolecall.roles.errors import StoreUnavailableError

_UNUSABLE = "the database cannot be used now"
_LOST = (
    "the connection to the database broke; a write in progress may or may not have been committed:"
    " repeat it with the same request id"
)

_STATES = {
    "25006": "it is read-only",
    "25P03": "the transaction was idle for too long; try again",
    "3D000": "the database does not exist; create it, or correct the URL",
    "3F000": "its schema is missing; restore it",
    "40001": "it conflicts with another transaction; try again",
    "40P01": "it conflicts with another transaction; try again",
    "42501": "its user lacks a permission; make it the owner of the tables",
    "42703": "its tables have changed since the start; update this server",
    "42P01": "its tables have changed since the start; update this server",
    "53100": "its disk is full; free space there",
    "53200": "it is out of memory; try again",
    "53300": "it has too many connections; raise its limit, or lower the number of servers",
    "55P03": "another writer has locked the store; try again",
    "57014": "a statement took too long; try again",
    "57P01": "it is shutting down; try again",
    "57P02": "it has crashed; try again",
    "57P03": "it is starting or stopping; try again",
    "57P04": "the database was dropped; restore it",
    "57P05": "the connection was idle for too long; try again",
}
_CLASSES = {
    "08": "the connection broke; try again",
    "28": "it rejects the user or the password",
    "53": "it lacks resources",
    "57": "an operator intervened; see its log",
    "58": "its machine fails; see its log",
    "XX": "it reports an internal error; see its log",
}

# Regular expressions, for messages in lower case.
_MESSAGE_PARTS = (
    ("password authentication failed", "it rejects the user or the password"),
    ("no password supplied", "it requires a password; add it to the URL"),
    (r"pg_hba\.conf", "its `pg_hba.conf` does not allow this connection"),
    (r'(database|role|user) ".*" does not exist', "the database or the user does not exist"),
    ("no such database", "the database or the user does not exist"),
    ("too many", "it has too many connections"),
    ("remaining connection slots", "it has too many connections"),
    ("starting up", "it is starting or stopping"),
    ("shutting down", "it is starting or stopping"),
    ("not yet accepting", "it is starting or stopping"),
    ("connection refused", "nothing listens at its address"),
    ("no such file", "nothing listens at its address"),
    ("timeout expired", "it does not answer in time"),
    ("timed out", "it does not answer in time"),
    ("name or service not known", "its host name cannot be resolved"),
    ("could not translate host name", "its host name cannot be resolved"),
    ("failed to resolve", "its host name cannot be resolved"),
    ("name resolution", "its host name cannot be resolved"),
    ("closed the connection", "it closed the connection"),
    ("certificate", "TLS cannot be set up; see `sslmode` and `sslrootcert`"),
    ("ssl", "TLS cannot be set up; see `sslmode` and `sslrootcert`"),
    ("session is read-only", "it is not what `target_session_attrs` requires"),
    ("session is not read-only", "it is not what `target_session_attrs` requires"),
    ("server is in hot standby", "it is not what `target_session_attrs` requires"),
    ("server is not in hot standby", "it is not what `target_session_attrs` requires"),
    ("invalid", "an option of its URL has an invalid value"),
    ("bad value", "an option of its URL has an invalid value"),
)


def describe_connection_error(error: Exception) -> str:
    """Return a message for a connection that could not be made."""
    text = str(error).lower()
    sentences = dict.fromkeys(sentence for phrase, sentence in _MESSAGE_PARTS if re.search(phrase, text))
    return f"cannot connect to the database: {'; '.join(sentences) or 'for an unknown reason'}"


def unavailable_error(error: SQLAlchemyError | psycopg.Error, *, connections: int) -> StoreUnavailableError | None:
    """Return the error that the caller gets; None if the error is a programming mistake of ours."""
    if isinstance(error, PoolTimeoutError):
        return StoreUnavailableError(f"all {connections} connections to the database are in use; try again")
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg.Error):
        return None
    state = cause.sqlstate
    if state is None:
        return StoreUnavailableError(_LOST) if isinstance(cause, psycopg.OperationalError) else None
    sentence = _STATES.get(state) or _CLASSES.get(state[:2])
    return StoreUnavailableError(f"{_UNUSABLE}: {sentence} (SQLSTATE {state})") if sentence else None
