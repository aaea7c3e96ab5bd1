"""Restoring the state from a snapshot file, if the file is authentic and not too old."""

from __future__ import annotations

from dataclasses import dataclass

from rolecall.engine.snapshot import Snapshot
from rolecall.storage.snapshot.file import NoSnapshotFileError, SavedSnapshot, SnapshotFile, SnapshotFileError
from rolecall.storage.snapshot.moment import Moment, read_boot_id

_MICROS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredSnapshot:
    """A state from a file, its age in microseconds, and the key of its tokens. `warning` may be empty."""

    snapshot: Snapshot
    age: int
    token_key: bytes
    warning: str


def restore_snapshot(file: SnapshotFile, *, max_age: int) -> RestoredSnapshot:
    """Return the state of a file if it is at most `max_age` microseconds old; blocks.

    Raise `SnapshotFileError`; a file that is not authentic is renamed to PATH.refused first.
    """
    saved, age = read_saved(file, max_age=max_age)
    return RestoredSnapshot(
        snapshot=_snapshot(saved), age=age, token_key=saved.position.token_key, warning=saved.warning
    )


def read_saved(file: SnapshotFile, *, max_age: int) -> tuple[SavedSnapshot, int]:
    """Return the content of a file and its age in microseconds; block and raise as `restore_snapshot` does."""
    try:
        saved = file.read()
    except NoSnapshotFileError:
        raise
    except SnapshotFileError as error:
        raise SnapshotFileError(f"{error}; {_set_aside(file)}") from error
    age = saved.seen.age(Moment.now(read_boot_id()))
    if age is None:
        raise SnapshotFileError(
            f"the age of the snapshot file `{file.path}` is unknown, because a clock was set back; wait for the database"
        )
    if age > max_age:
        old, limit = age / _MICROS, max_age / _MICROS
        raise SnapshotFileError(f"the snapshot file `{file.path}` is {old:g} seconds old; the limit is {limit:g}")
    return saved, age


def _set_aside(file: SnapshotFile) -> str:
    try:
        return f"it was renamed to `{file.set_aside()}`"
    except SnapshotFileError as error:
        return str(error)


def _snapshot(saved: SavedSnapshot) -> Snapshot:
    position = saved.position
    return Snapshot(
        saved.roles,
        revision=position.revision,
        hash=position.hash,
        incarnation=position.incarnation,
        restored=True,
    )
