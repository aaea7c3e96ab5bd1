"""The key that authenticates a snapshot file. It is secret: with it, one can write the roles that a server decides on."""

from __future__ import annotations

from pathlib import Path

from rolecall.regular_file import FileTooLongError, read_secret, reason_of

MIN_KEY_BYTES = 32
MAX_KEY_BYTES = 4_096


class SnapshotKeyError(Exception):
    """The key file cannot be read, has a wrong size, or is readable to every user."""


def read_key(path: Path) -> bytes:
    """Return the bytes of a key file, 32 at least; raise `SnapshotKeyError`, also if users other than owner and group have access.

    Symbolic links are followed: Kubernetes mounts secrets that way.
    """
    try:
        key = read_secret(path, MAX_KEY_BYTES)
    except FileTooLongError:
        key = b""
    except OSError as error:
        raise SnapshotKeyError(f"cannot read the key file `{path}`: {reason_of(error)}") from error
    if len(key) < MIN_KEY_BYTES:
        raise SnapshotKeyError(
            f"the key file `{path}` must have {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes; "
            f"`head -c {MIN_KEY_BYTES} /dev/urandom` makes a good one"
        )
    return key
