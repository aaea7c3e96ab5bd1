from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.storage.snapshot.file import SavedSnapshot, SnapshotFile, SnapshotFileError
from rolecall.storage.snapshot.moment import Moment, read_boot_id
from rolecall.storage.snapshot.restore import restore_snapshot
from tests.storage.snapshots import KEY, POSITION, roles

MINUTE = 60_000_000


def test_a_state_that_is_too_old_is_refused_with_its_age_and_the_limit_in_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = SnapshotFile(tmp_path / "state", KEY)
    seen = Moment.now(read_boot_id())
    monkeypatch.setattr(file, "read", lambda: SavedSnapshot(position=POSITION, seen=seen, roles=roles(2), warning=""))
    monkeypatch.setattr(Moment, "age", lambda *_: 2 * MINUTE)

    with pytest.raises(SnapshotFileError, match=r"is 120 seconds old; the limit is 60$"):
        restore_snapshot(file, max_age=MINUTE)

    assert restore_snapshot(file, max_age=2 * MINUTE).age == 2 * MINUTE
