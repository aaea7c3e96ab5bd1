"""The secret that authenticates a snapshot file: whoever knows it can write what a server decides upon."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from rolecall.storage.atomic_file import open_regular

MIN_KEY_BYTES = 32
MAX_KEY_BYTES = 4_096


class SnapshotKeyError(Exception):
    """There is no secret in the key file, or it is not one any more."""


def read_key(path: Path) -> bytes:
    """Return the bytes of a key file, as they are; raise `SnapshotKeyError`.

    At least 32 of them, and readable to nobody but the owner and the group of the file. A link is followed: that is how
    secrets are mounted.
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
            f"everybody on this machine may use the key file `{path}`: take that from others (`chmod o= FILE`, or "
            "`defaultMode: 0440` of a mounted secret)"
        )
