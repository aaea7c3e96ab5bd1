"""The URL of a PostgreSQL database, as its library reads it, with the settings that a connection of ours has besides.

What the URL says stands: a setting is ours only where the URL has none. No message shows anything of a URL, since a password may be
anywhere in it, also where a character that was not escaped has moved it.
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
    # A peer that is gone without a word is noticed within about half a minute when idle, ten seconds when it owes an answer.
    "keepalives": 1,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

_FIXED: ConnectionParameters = {"client_encoding": "UTF8"}
"""What no URL changes: another encoding could not carry every text."""


def parse_url(url: str) -> ConnectionParameters:
    """Return the parameters of a connection; raise `StoreUnsupportedError` if the URL does not parse."""
    parsed = None
    if "\0" not in url:
        try:
            parsed = conninfo_to_dict(url)
        except (psycopg.Error, ValueError):
            parsed = None
    if parsed is None:
        raise StoreUnsupportedError(
            "the URL of the database does not parse; give `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE`"
            " with `%` escapes for special characters and options of libpq only"
        )
    return {**_DEFAULTS, **parsed, **_FIXED}


def connect(parameters: ConnectionParameters, *, response_timeout: ResponseTimeout | None = None) -> psycopg.Connection:
    """Return a new connection, each of whose statements is a transaction unless it says otherwise.

    Nothing is prepared: a pooler may run the next transaction on another connection of its own. An answer is waited for as long as
    `response_timeout` allows. Raise `StoreUnavailableError`, also once that was cut short.
    """
    if response_timeout and response_timeout.shortened:
        raise StoreUnavailableError("the store is closed")
    try:
        connection = TimedConnection.connect(**parameters, autocommit=True, prepare_threshold=None)  # type: ignore[arg-type]
        connection.response_timeout = response_timeout
        return connection  # noqa: TRY300  (it reads as one)
    except (psycopg.Error, ValueError, OSError) as error:
        told = describe_connection_error(error)
    # Outside of the `except`, so that the library's own words are not kept with this error.
    raise StoreUnavailableError(told)
