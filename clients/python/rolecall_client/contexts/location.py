"""Where the file of contexts is, and whether others could have written it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from rolecall_client.contexts.errors import ContextsError, error_in
from rolecall_client.contexts.limits import MAX_FILE_BYTES
from rolecall_client.regular_file import open_regular

FILE_VARIABLE = "ROLECALL_CONFIG"

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def contexts_path(environ: Mapping[str, str]) -> Path:
    """Return the path of the file, whether it exists or not: `ROLECALL_CONFIG`, else `rolecall/config.yaml` of the user."""
    if named := environ.get(FILE_VARIABLE):
        return expanded_path(named)
    # The specification of XDG ignores relative paths.
    folder = Path(environ.get("XDG_CONFIG_HOME", ""))
    return (folder if folder.is_absolute() else expanded_path("~/.config")) / "rolecall" / "config.yaml"


def expanded_path(text: str) -> Path:
    """Return a path in which `~` is the home of the user. A user without a home, as in some containers, has `/`."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path("/", *Path(text).parts[1:])


def is_named(environ: Mapping[str, str]) -> bool:
    """Return whether a variable names the file, so that it must exist."""
    return bool(environ.get(FILE_VARIABLE))


def read_safely(path: Path) -> str:
    """Return the text of the file; raise `ContextsError`, or `FileNotFoundError` if it does not exist.

    Refused is a file that others can write, that is too large, or that is not UTF-8 text.
    """
    try:
        with open_regular(path) as file:
            _require_safe(path, os.fstat(file.fileno()))
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise error_in(path, f"cannot read the file: {(error.strerror or str(error)).lower()}") from None
    if len(data) > MAX_FILE_BYTES:
        raise error_in(path, f"the file is longer than {MAX_FILE_BYTES:,} bytes, which is the limit")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise error_in(path, "the file is not UTF-8 text") from None


def _require_safe(path: Path, file: os.stat_result) -> None:
    """Raise `ContextsError` unless only this user and root can change the file: its token commands are programs that run."""
    if not hasattr(os, "geteuid"):
        return
    if file.st_uid not in (os.geteuid(), 0):
        raise error_in(path, "the file belongs to another user", "its token commands would run as you; copy it")
    if file.st_mode & _OTHERS_WRITE:
        raise _writable(path, path)
    for folder in _folders(path):
        if _others_can_replace_in(folder):
            raise _writable(path, folder)


def _folders(path: Path) -> Iterator[Path]:
    """Yield the folder of the file, and of what it links to."""
    yield path.absolute().parent
    if (target := path.resolve().parent) != path.absolute().parent:
        yield target


def _others_can_replace_in(folder: Path) -> bool:
    status = folder.stat()
    if os.statvfs(folder).f_flag & os.ST_RDONLY:  # such as a mounted ConfigMap, whose folder has every right
        return False
    if status.st_uid not in (os.geteuid(), 0):
        return True
    return bool(status.st_mode & _OTHERS_WRITE) and not status.st_mode & stat.S_ISVTX


def _writable(path: Path, what: Path) -> ContextsError:
    kind = "the file" if what == path else f"the folder `{what}`"
    return error_in(path, f"other users can write {kind}, and its token commands run as you", f"chmod go-w {what}")
