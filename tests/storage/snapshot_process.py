"""A process that writes a snapshot file and does not come to its end, or comes to it late.

Usage: python -m tests.storage.snapshot_process PATH ("in the middle" | "before the rename" | "on a full disk"). It kills itself in
the middle of the file, or when only the rename is missing; or it may write a little more each time, prints each error, and ends
when it has written 500 roles, or with an error if a refused writing changed anything.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path

from rolecall.storage.snapshot.file import SnapshotFile, SnapshotFileError
from tests.storage.snapshots import KEY, POSITION, SEEN, roles

STEP_BYTES = 8_192


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def no_pause() -> None:
    return None


def main(path: Path, when: str) -> None:
    file = SnapshotFile(path, KEY)
    if when == "in the middle":
        file.write(POSITION, roles(500), SEEN, pause=die)
    elif when == "before the rename":
        setattr(Path, "replace", die)  # noqa: B010  (mypy would not have a method assigned)
        file.write(POSITION, roles(500), SEEN, pause=no_pause)
    else:
        fill(file)


def fill(file: SnapshotFile) -> None:
    # Without this the kernel would end the process instead of failing the write.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit, before = 0, file.path.read_bytes()
    while not written(file, limit):
        assert file.path.read_bytes() == before
        limit += STEP_BYTES
    print("written")


def written(file: SnapshotFile, limit: int) -> bool:
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
    try:
        file.write(POSITION, roles(500), SEEN, pause=no_pause)
    except SnapshotFileError as error:
        print(error)
        return False
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    return True


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
