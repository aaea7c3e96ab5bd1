from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.storage.snapshot.file import NoSnapshotFileError, SavedSnapshot, SnapshotFile, SnapshotFileError
from rolecall.storage.snapshot.moment import Moment, read_boot_id
from rolecall.storage.snapshot.restore import restore_snapshot
from tests.storage.snapshots import KEY, POSITION, roles

SECOND = 1_000_000
MINUTE = 60 * SECOND


@pytest.fixture
def file(tmp_path: Path) -> SnapshotFile:
    return SnapshotFile(tmp_path / "state", KEY)


def test_a_restored_state_is_the_one_that_was_saved(file: SnapshotFile) -> None:
    saved = roles(3)
    file.write(POSITION, saved, Moment.now(read_boot_id()).before(MINUTE), pause=lambda: None)

    restored = restore_snapshot(file, max_age=2 * MINUTE)

    snapshot = restored.snapshot
    assert (snapshot.revision, snapshot.hash, snapshot.incarnation) == (
        POSITION.revision,
        POSITION.hash,
        POSITION.incarnation,
    )
    assert sorted((version.role for version in snapshot.versions()), key=lambda role: role.key) == saved
    assert (snapshot.restored, restored.token_key, restored.warning) == (True, POSITION.token_key, "")
    assert MINUTE <= restored.age < 2 * MINUTE


def test_a_warning_about_the_time_reaches_the_caller(file: SnapshotFile) -> None:
    file.write(POSITION, roles(1), Moment.now(read_boot_id()), pause=lambda: None)
    file.path.with_name("state.seen").write_bytes(b"altered " * 9)

    assert restore_snapshot(file, max_age=MINUTE).warning == (
        f"the snapshot file `{file.path}.seen` is another kind of file, or of another version; the time in `state` is used instead"
    )


def test_a_file_that_is_not_there_is_not_set_aside(file: SnapshotFile) -> None:
    with pytest.raises(NoSnapshotFileError) as caught:
        restore_snapshot(file, max_age=MINUTE)

    assert str(caught.value) == f"there is no snapshot file `{file.path}`"


def test_a_file_that_cannot_be_trusted_is_set_aside_and_both_are_reported(file: SnapshotFile) -> None:
    file.path.write_bytes(b"rolecall state 1\n" + bytes(200))

    with pytest.raises(SnapshotFileError) as caught:
        restore_snapshot(file, max_age=MINUTE)

    assert str(caught.value) == (
        f"the snapshot file `{file.path}` was altered, or written with another key; it was renamed to `{file.path}.refused`"
    )
    assert [path.name for path in file.path.parent.iterdir()] == ["state.refused"]


def test_a_file_that_can_neither_be_read_nor_set_aside_is_left_and_both_are_reported(file: SnapshotFile) -> None:
    file.path.symlink_to("elsewhere")

    with pytest.raises(SnapshotFileError) as caught:
        restore_snapshot(file, max_age=MINUTE)

    first, _, second = str(caught.value).partition("; ")
    assert first.startswith(f"cannot read the snapshot file `{file.path}`: ")
    assert second.startswith(f"cannot rename `{file.path}` to `state.refused`: it is a symbolic link")


def test_a_state_whose_age_is_not_known_is_refused_and_stays(file: SnapshotFile) -> None:
    ahead = Moment.now(read_boot_id()).before(-MINUTE)
    file.write(POSITION, roles(1), ahead, pause=lambda: None)

    with pytest.raises(SnapshotFileError) as caught:
        restore_snapshot(file, max_age=MINUTE)

    assert str(caught.value) == (
        f"the age of the snapshot file `{file.path}` is unknown, because a clock was set back; wait for the database"
    )
    assert file.path.exists()


def test_a_state_that_is_too_old_is_refused_with_its_age_and_the_limit_in_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = SnapshotFile(tmp_path / "state", KEY)
    seen = Moment.now(read_boot_id())
    monkeypatch.setattr(file, "read", lambda: SavedSnapshot(position=POSITION, seen=seen, roles=roles(2), warning=""))
    age = 999_999 * SECOND
    monkeypatch.setattr(Moment, "age", lambda *_: age)

    with pytest.raises(SnapshotFileError) as caught:
        restore_snapshot(file, max_age=999_998 * SECOND)

    assert str(caught.value) == f"the snapshot file `{file.path}` is 999999 seconds old; the limit is 999998"
    assert restore_snapshot(file, max_age=age).age == age
