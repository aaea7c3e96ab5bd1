"""The state of a snapshot file, if it can be trusted and is young enough: a file that is not genuine is put aside."""

from __future__ import annotations

from dataclasses import dataclass

from rolecall.engine.snapshot import Snapshot
from rolecall.storage.snapshot.file import NoSnapshotFileError, SavedSnapshot, SnapshotFile, SnapshotFileError
from rolecall.storage.snapshot.moment import Moment, read_boot_id

_MICROS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A state from a file, its age in microseconds, and the key of its tokens. `warning` may be empty."""

    snapshot: Snapshot
    age: int
    token_key: bytes
    warning: str


def restore_snapshot(file: SnapshotFile, *, max_age: int) -> Restored:
    """Return the state of a file that is at most `max_age` microseconds old; blocks. Raise `SnapshotFileError`."""
    try:
        saved = file.read()
    except NoSnapshotFileError:
        raise
    except SnapshotFileError as error:
        raise SnapshotFileError(f"{error}; {_put_aside(file)}") from error
    age = saved.seen.age(Moment.now(read_boot_id()))
    if age is None:
        raise SnapshotFileError(f"nobody can say how old the snapshot file `{file.path}` is, for a clock went back")
    if age > max_age:
        old, limit = age / _MICROS, max_age / _MICROS
        raise SnapshotFileError(f"the snapshot file `{file.path}` is {old:g} seconds old and would do up to {limit:g}")
    return Restored(snapshot=_snapshot(saved), age=age, token_key=saved.position.token_key, warning=saved.warning)


def _put_aside(file: SnapshotFile) -> str:
    try:
        return f"it is put aside as `{file.refuse()}`"
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
