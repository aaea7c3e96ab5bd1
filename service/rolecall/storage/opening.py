"""Opening a store by its URL, and bringing its schema up to date on purpose.

A server brings a SQLite file up to date by itself, and never a PostgreSQL database, on which others of an older version may be at
work.
"""

from __future__ import annotations

import re
from pathlib import Path

from rolecall.policy.wording import quoted
from rolecall.roles.errors import StoreUnsupportedError
from rolecall.roles.repository import RoleRepository
from rolecall.storage.memory import MemoryRoleRepository
from rolecall.storage.sqlite.driver import migrate_sqlite, open_sqlite, read_sqlite_schema

_SHAPES = (
    "give `memory://`, `sqlite:///relative/path`, `sqlite:////absolute/path` or"
    " `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`"
)

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}")


def open_repository(url: str) -> RoleRepository:
    """Open the store that `url` names.

    `sqlite:///PATH` takes the path as it is, spaces and all. `postgresql://` is read by PostgreSQL's own library, and the database
    is reached when it is first used. Raise `StoreUnsupportedError` for any other kind of store, `StoreBusyError` or
    `StoreUnavailableError` if this one cannot be had.
    """
    scheme, rest = split_url(url)
    if scheme == "memory":
        return MemoryRoleRepository()
    if scheme == "sqlite":
        return open_sqlite(sqlite_path(rest))
    require_postgres()
    from rolecall.storage.postgres.driver import open_postgres  # noqa: PLC0415 -- needs a library that not everybody has

    return open_postgres(url)


def migrate(url: str) -> tuple[str, str]:
    """Bring the schema of a store to this version, making its tables if there are none; return it before and after.

    A schema is four digits, or empty if there are no tables. A newer one that this version can work on is left as it is. Of two at
    once on one database the second waits. Raise `StoreUnsupportedError` for a store without a schema, or one that is something
    else's or too new, `StoreBusyError` for a file that a server has, `StoreUnavailableError` for one that cannot be reached.
    """
    scheme, rest = split_url(url)
    if scheme == "sqlite":
        before, after = migrate_sqlite(sqlite_path(rest))
    else:
        _require_schema_in(scheme)
        from rolecall.storage.postgres.schema import migrate_postgres  # noqa: PLC0415 -- as above

        before, after = migrate_postgres(url)
    return _digits(before), _digits(after)


def schema_of(url: str) -> str:
    """Return the schema of a store as it is, four digits or empty if there are no tables; raise as `migrate` does."""
    scheme, rest = split_url(url)
    if scheme == "sqlite":
        return _digits(read_sqlite_schema(sqlite_path(rest)))
    _require_schema_in(scheme)
    from rolecall.storage.postgres.schema import read_postgres_schema  # noqa: PLC0415 -- as above

    return _digits(read_postgres_schema(url))


def split_url(url: str) -> tuple[str, str]:
    """Return the kind of store, `postgresql` for either spelling, and what follows."""
    scheme, separator, rest = url.partition("://")
    match scheme:
        case "memory" if separator and not rest:
            return scheme, rest
        case "sqlite" if separator:
            return scheme, rest
        case "postgresql" | "postgres" if separator:
            return "postgresql", rest
    # Only what can be a scheme is shown: anything else may hold a password.
    named = quoted(scheme) if separator and _SCHEME.fullmatch(scheme) else "that"
    raise StoreUnsupportedError(f"{named} is not a kind of store; {_SHAPES}")


def _require_schema_in(scheme: str) -> None:
    if scheme == "memory":
        raise StoreUnsupportedError("a store in memory has no schema")
    require_postgres()


def require_postgres() -> None:
    """Raise `StoreUnsupportedError` if the library for PostgreSQL is not there."""
    try:
        import psycopg  # noqa: F401, PLC0415 -- as above
    except ImportError as error:
        raise StoreUnsupportedError("PostgreSQL needs a library: pip install 'rolecall[postgres]'") from error


def _digits(schema: int) -> str:
    return f"{schema:04}" if schema else ""


def sqlite_path(rest: str) -> Path:
    """Return the path of a file from what follows `sqlite://`; raise `StoreUnsupportedError`."""
    path = rest.removeprefix("/")
    if not rest.startswith("/") or not path:
        raise StoreUnsupportedError("a SQLite store needs three slashes and a path: `sqlite:///rolecall.db`")
    if path == ":memory:":
        raise StoreUnsupportedError("a store in memory is `memory://`")
    if "\0" in path or "?" in path:
        raise StoreUnsupportedError("the path of a SQLite store takes no options and has no `?`")
    return Path(path)
