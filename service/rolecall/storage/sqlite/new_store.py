"""Making the file of a new store. It is made under another name, and gets its own when it is whole.

So a file of that name is always a store: an empty one, which a crash could leave, would be one without roles, and deny everything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rolecall.regular_file import NotRegularError, reason_of, require_replaceable
from rolecall.roles.errors import StoreUnavailableError, StoreUnsupportedError
from rolecall.storage.atomic_file import sync_directory

COMPANIONS = ("-wal", "-shm", "-journal", ".lock")
"""What the names of files end in that belong to a store: those of SQLite, and the lock."""

_UNFINISHED = ("-wal", "-journal")
_NEW = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_EXCL | os.O_NOFOLLOW
_MODE = 0o600


def store_file(path: Path) -> Path:
    """Return the path of a store without links; raise `StoreUnavailableError` if there can be no store."""
    resolved = path.resolve()
    if path.is_symlink() and not resolved.exists():
        raise StoreUnavailableError(
            f"`{path}` is a link to `{resolved}`, which does not exist; mend or remove the link"
        )
    if not resolved.parent.is_dir():
        raise StoreUnavailableError(f"there is no directory `{resolved.parent}` for the store; create it first")
    try:
        require_replaceable(resolved)
    except NotRegularError as error:
        raise StoreUnavailableError(f"`{path}` is not a store: {reason_of(error)}") from None
    return resolved


def require_content(path: Path, schema: int) -> None:
    """Raise `StoreUnsupportedError` for an existing file whose schema is 0: it has no tables, so it is no store, nor a new one."""
    if schema == 0:
        state = "has no tables" if path.stat().st_size else "is empty"
        raise StoreUnsupportedError(
            f"`{path}` {state}, so it is not a store, and a new one is made only where there is no file; remove it, and restore"
            " a backup or start with a new store"
        )


@contextmanager
def new_store(path: Path) -> Iterator[Path]:
    """Yield an empty file that becomes the store `path`, which must not exist, when the block ends; raise `StoreUnavailableError`.

    The caller has the lock of `path`. If the block fails, nothing is left.
    """
    _require_nothing(path)
    # A name that nobody gives a store of their own, since what has it is removed.
    fresh = path.with_name(f".{path.name}.unfinished")
    with _errors_of(path):
        _remove(fresh)
        _make(fresh)
    try:
        yield fresh
        with _errors_of(path):
            _require_nothing(path)
            fresh.rename(path)
            sync_directory(path.parent)
    except BaseException:
        with suppress(OSError):
            _remove(fresh)
        raise


def _require_nothing(path: Path) -> None:
    if path.exists():
        raise StoreUnavailableError(f"`{path}` was put there while a new store was made; start again")
    for suffix in _UNFINISHED:
        if (left := path.with_name(path.name + suffix)).exists():
            # SQLite would apply it to the new store.
            raise StoreUnavailableError(
                f"there is no `{path}`, but `{left}`, with the last writes of a store of that name; put the store back beside"
                " it, or remove it to start with a new store"
            )


def _make(fresh: Path) -> None:
    descriptor = os.open(fresh, _NEW, _MODE)
    try:
        # The umask may have removed the owner's own permissions.
        os.fchmod(descriptor, _MODE)
    finally:
        os.close(descriptor)


def _remove(fresh: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailableError(f"cannot make the store `{path}`: {reason_of(error)}") from error
