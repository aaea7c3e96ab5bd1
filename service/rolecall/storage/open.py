"""Opening a store by its URL, and migrating it.

Opening migrates a SQLite file, and makes one where there is none, but it never changes a PostgreSQL database: servers of an older
version may be using it.
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


def open_repository(url: str, *, create: bool = True) -> RoleRepository:
    """Open the store that `url` names; without `create`, only one that exists. A PostgreSQL database is never created.

    The path in `sqlite:///PATH` is not decoded. `postgresql://` is read by libpq, and the database is contacted on first use. Raise
    `StoreUnsupportedError` for any other kind of store, `StoreBusyError` or `StoreUnavailableError` if it cannot be opened.
    """
    scheme, rest = split_url(url)
    if scheme == "memory":
        if not create:
            raise StoreUnsupportedError(
                "a store in memory is new at every start; give another store to open an existing one"
            )
        return MemoryRoleRepository()
    if scheme == "sqlite":
        return open_sqlite(sqlite_path(rest), create=create)
    require_postgres()
    from rolecall.storage.postgres.driver import open_postgres  # noqa: PLC0415 -- needs an optional library

    return open_postgres(url)


def migrate(url: str) -> tuple[str, str]:
    """Migrate the schema of a store to this version, creating its tables if there are none; return it before and after.

    A schema is four digits, or empty if there are no tables. A newer schema that this version supports is left as it is. A second
    migration of the same database waits for the first. Raise `StoreUnsupportedError` for a store without a schema, another
    program's, or one that is too new, `StoreBusyError` for a file that a server uses, `StoreUnavailableError` if it cannot be
    opened.
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
    """Return the schema of a store: four digits, or empty if there are no tables; raise as `migrate` does."""
    scheme, rest = split_url(url)
    if scheme == "sqlite":
        return _digits(read_sqlite_schema(sqlite_path(rest)))
    _require_schema_in(scheme)
    from rolecall.storage.postgres.schema import read_postgres_schema  # noqa: PLC0415 -- as above

    return _digits(read_postgres_schema(url))


def split_url(url: str) -> tuple[str, str]:
    """Return the kind of store (`postgresql` for either spelling) and the rest of the URL."""
    scheme, separator, rest = url.partition("://")
    match scheme:
        case "memory" if separator and not rest:
            return scheme, rest
        case "sqlite" if separator:
            return scheme, rest
        case "postgresql" | "postgres" if separator:
            return "postgresql", rest
    # Only what can be a scheme is quoted: anything else may contain a password.
    named = quoted(scheme) if separator and _SCHEME.fullmatch(scheme) else "that"
    raise StoreUnsupportedError(f"{named} is not a kind of store; {_SHAPES}")


def _require_schema_in(scheme: str) -> None:
    if scheme == "memory":
        raise StoreUnsupportedError("a store in memory has no schema; give a SQLite file or a PostgreSQL database")
    require_postgres()


def require_postgres() -> None:
    """Raise `StoreUnsupportedError` if the library for PostgreSQL is not installed."""
    try:
        import psycopg  # noqa: F401, PLC0415 -- as above
    except ImportError as error:
        raise StoreUnsupportedError("PostgreSQL needs a library: install rolecall with its extra `postgres`") from error


def _digits(schema: int) -> str:
    return f"{schema:04}" if schema else ""


def sqlite_path(rest: str) -> Path:
    """Return the path from what follows `sqlite://`; raise `StoreUnsupportedError`."""
    path = rest.removeprefix("/")
    if not rest.startswith("/") or not path:
        raise StoreUnsupportedError("a SQLite store needs three slashes and a path: `sqlite:///rolecall.db`")
    if path == ":memory:":
        raise StoreUnsupportedError("a store in memory is `memory://`")
    if "\0" in path or "?" in path:
        raise StoreUnsupportedError("the path of a SQLite store has no options and no `?`; give the path alone")
    return Path(path)
