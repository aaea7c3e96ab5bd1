"""What errors of PostgreSQL mean for the store, in sentences of our own: those of the library may quote the URL."""

from __future__ import annotations

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError as PoolTimeoutError

from rolecall.roles.errors import StoreUnavailableError

_UNUSABLE = "the database cannot be used now"
_LOST = (
    "the connection to the database broke; whether a write that was under way was done is not known:"
    " repeat it with the same request id"
)

_STATES = {
    "25006": "it is read-only",
    "25P03": "the transaction was idle for too long",
    "3D000": "there is no such database",
    "3F000": "its schema is gone",
    "40001": "another transaction was in the way; try again",
    "40P01": "another transaction was in the way; try again",
    "42501": "its user may not do this; let it own the tables",
    "42703": "its tables are not those that were there at the start; update this server",
    "42P01": "its tables are not those that were there at the start; update this server",
    "53100": "its disk is full",
    "53200": "it has no memory left",
    "53300": "it has too many connections",
    "55P03": "another writer holds the store; try again",
    "57014": "a statement took too long",
    "57P01": "it is being stopped",
    "57P02": "it has crashed",
    "57P03": "it is starting or stopping",
    "57P04": "it was dropped",
    "57P05": "the connection was idle for too long",
}
_CLASSES = {
    "08": "the connection broke",
    "28": "it refuses the user or the password",
    "53": "it is short of resources",
    "57": "an operator intervened",
    "58": "its machine fails",
    "XX": "it reports an internal error",
}

_MESSAGE_PARTS = (
    ("password authentication failed", "it refuses the user or the password"),
    ("no password supplied", "it asks for a password"),
    ("pg_hba.conf", "it admits no such connection from here"),
    ("does not exist", "there is no such database or user"),
    ("no such database", "there is no such database or user"),
    ("too many", "it has too many connections"),
    ("remaining connection slots", "it has too many connections"),
    ("starting up", "it is starting or stopping"),
    ("shutting down", "it is starting or stopping"),
    ("not yet accepting", "it is starting or stopping"),
    ("connection refused", "nobody listens at its address"),
    ("no such file", "nobody listens at its address"),
    ("timeout expired", "it does not answer in time"),
    ("timed out", "it does not answer in time"),
    ("name or service not known", "the name of its host is not known"),
    ("could not translate host name", "the name of its host is not known"),
    ("failed to resolve", "the name of its host is not known"),
    ("name resolution", "the name of its host is not known"),
    ("closed the connection", "it closed the connection"),
    ("certificate", "TLS does not come about; see `sslmode` and `sslrootcert`"),
    ("ssl", "TLS does not come about; see `sslmode` and `sslrootcert`"),
    ("session is read-only", "it is not of the kind that `target_session_attrs` asks for"),
    ("session is not read-only", "it is not of the kind that `target_session_attrs` asks for"),
    ("server is in hot standby", "it is not of the kind that `target_session_attrs` asks for"),
    ("server is not in hot standby", "it is not of the kind that `target_session_attrs` asks for"),
    ("invalid", "an option of its URL has a value that is not known"),
    ("bad value", "an option of its URL has a value that is not known"),
)


def describe_connection_error(error: Exception) -> str:
    """Return the sentence for a connection that did not come about."""
    text = str(error).lower()
    sentences = dict.fromkeys(sentence for phrase, sentence in _MESSAGE_PARTS if phrase in text)
    return f"cannot connect to the database: {'; '.join(sentences) or 'for an unknown reason'}"


def unavailable_error(error: SQLAlchemyError | psycopg.Error, *, connections: int) -> StoreUnavailableError | None:
    """Return what an error means for the store; None if it is a mistake of ours."""
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
