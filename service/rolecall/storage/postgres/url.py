"""The URL of a PostgreSQL database as libpq reads it, and the defaults of our connections.

No message contains any part of a URL: a password may be anywhere in it, also where a character that was not escaped has moved it.
"""

from __future__ import annotations

from typing import TypeAlias

import psycopg
from psycopg.conninfo import conninfo_to_dict

from rolecall.roles.errors import StoreUnavailableError, StoreUnsupportedError
from rolecall.storage.postgres.errors import describe_connection_error
from rolecall.storage.postgres.timeouts import ResponseTimeout, TimedConnection

ConnectionParameters: TypeAlias = dict[str, str | int | None]

_DEFAULTS: ConnectionParameters = {
    "application_name": "rolecall",
    "connect_timeout": 5,
    # A peer that vanishes is detected within about 30 seconds on an idle connection, 10 seconds on one that owes an answer.
    "keepalives": 1,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""Used unless the URL says otherwise."""

_FIXED: ConnectionParameters = {"client_encoding": "UTF8"}
"""No URL changes these: in another encoding some texts could not be sent."""


def parse_url(url: str) -> ConnectionParameters:
    """Return the parameters of a connection; raise `StoreUnsupportedError` if the URL does not parse."""
    parsed = None
    if "\0" not in url:
        try:
            parsed = conninfo_to_dict(url)
        except (psycopg.Error, ValueError):
            parsed = None
    # Raised outside of the `except`, because the library's error may quote the URL.
    if parsed is None:
        raise StoreUnsupportedError(
            "the URL of the database does not parse; give `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE`"
            " with `%` escapes for special characters and options of libpq only"
        )
    return {**_DEFAULTS, **parsed, **_FIXED}


def connect(parameters: ConnectionParameters, *, response_timeout: ResponseTimeout | None = None) -> psycopg.Connection:
    """Return a new connection in autocommit mode.

    Without a `response_timeout` a statement may take any time. Raise `StoreUnavailableError`, also once the timeout was shortened:
    then the store is closed.
    """
    if response_timeout and response_timeout.shortened:
        raise StoreUnavailableError("the store is closed")
    try:
        # Nothing is prepared: a pooler may run the next transaction on another server connection.
        connection = TimedConnection.connect(**parameters, autocommit=True, prepare_threshold=None)  # type: ignore[arg-type]
        connection.response_timeout = response_timeout
        return connection  # noqa: TRY300  (it reads as one)
    except (psycopg.Error, ValueError, OSError) as error:
        message = describe_connection_error(error)
    # Raised outside of the `except`, because the library's error may quote the URL.
    raise StoreUnavailableError(message)
