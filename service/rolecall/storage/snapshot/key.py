"""The key that authenticates a snapshot file. It is secret: with it, one can write the roles that a server decides on."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from rolecall.storage.atomic_file import open_regular

MIN_KEY_BYTES = 32
MAX_KEY_BYTES = 4_096


class SnapshotKeyError(Exception):
    """The key file cannot be read, has a wrong size, or is readable to every user."""


def read_key(path: Path) -> bytes:
    """Return the bytes of a key file, 32 at least; raise `SnapshotKeyError`, also if users other than owner and group have access.

    Symbolic links are followed: Kubernetes mounts secrets that way.
    """
    try:
        with open_regular(path, follow=True) as file:
            _require_secret(path, file)
            key = file.read(MAX_KEY_BYTES + 1)
    except OSError as error:
        raise SnapshotKeyError(
            f"cannot read the key file `{path}`: {(error.strerror or str(error)).lower()}"
        ) from error
    if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise SnapshotKeyError(
            f"the key file `{path}` must have {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes; "
            f"`head -c {MIN_KEY_BYTES} /dev/urandom` makes a good one"
        )
    return key


def _require_secret(path: Path, file: BinaryIO) -> None:
    if os.fstat(file.fileno()).st_mode & stat.S_IRWXO:
        raise SnapshotKeyError(
            f"the key file `{path}` is accessible to every user of this machine; restrict it with `chmod o= FILE`, or "
            "`defaultMode: 0440` of a mounted secret"
        )
