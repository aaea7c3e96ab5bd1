"""Opening a store by its URL."""

from __future__ import annotations

from pathlib import Path

from rolecall.roles.errors import StoreUnsupportedError
from rolecall.roles.repository import RoleRepository
from rolecall.roles.text import shown
from rolecall.storage.memory import MemoryRoleRepository
from rolecall.storage.sqlite import open_sqlite

_SHAPES = "give `memory://`, `sqlite:///relative/path` or `sqlite:////absolute/path`"


def open_repository(url: str) -> RoleRepository:
    """Open the store that `url` names.

    `sqlite:///PATH` takes the path as it is, spaces and all. Raise `StoreUnsupportedError` for any other kind of store,
    `StoreBusyError` or `StoreUnavailableError` if this one cannot be had.
    """
    scheme, separator, rest = url.partition("://")
    match scheme:
        case "memory" if separator and not rest:
            return MemoryRoleRepository()
        case "sqlite" if separator:
            return open_sqlite(_sqlite_path(rest))
        case "postgresql" | "postgres":
            raise StoreUnsupportedError("PostgreSQL is not available in this version; use `sqlite:///PATH`")
    # Only the scheme is shown: what follows may hold a password.
    raise StoreUnsupportedError(f"{shown(scheme) if separator else 'that'} is not a kind of store; {_SHAPES}")


def _sqlite_path(rest: str) -> Path:
    path = rest.removeprefix("/")
    if not rest.startswith("/") or not path:
        raise StoreUnsupportedError("a SQLite store needs three slashes and a path: `sqlite:///rolecall.db`")
    if path == ":memory:":
        raise StoreUnsupportedError("a store in memory is `memory://`")
    if "\0" in path or "?" in path:
        raise StoreUnsupportedError("the path of a SQLite store takes no options and has no `?`")
    return Path(path)
