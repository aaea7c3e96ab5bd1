"""What a backup says and holds: its columns, its owner, its longest lines, and roles that no server wrote."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from rolecall.config.settings import Config
from rolecall.roles.canonical_json import canonical
from rolecall.roles.change import ChangeKind
from rolecall.roles.commands import RoleDifference
from rolecall.roles.differences import LEFT_OUT, MAX_TOTAL_BYTES
from rolecall.roles.errors import BrokenHistoryError
from rolecall.roles.idempotency import DIFFERENCES_OUTCOME
from rolecall.roles.limits import MAX_NAME_CHARACTERS
from rolecall.roles.repository import Remembered, RoleRepository
from rolecall.storage.maintenance import backup_file
from rolecall.storage.maintenance.backup import read_backup
from rolecall.storage.maintenance.backup_file import BackupError
from tests.repository.tree import DOCS
from tests.storage.backup.backups import assert_refused, backed_up, opened, restored, rows_of
from tests.storage.samples import author, create


def test_a_backup_is_its_owners_alone_and_whole_or_not_there(source: str, tmp_path: Path) -> None:
    old_mask = os.umask(0)
    try:
        backed_up(source, tmp_path / "a.backup")
    finally:
        os.umask(old_mask)
    before = (tmp_path / "a.backup").read_bytes()
    with closing(sqlite3.connect(tmp_path / "source.db")) as connection, connection:
        connection.execute("UPDATE changes SET body = 'text' WHERE revision = 3")

    with pytest.raises(BrokenHistoryError, match="`changes` has a value of a wrong type"):
        backed_up(source, tmp_path / "a.backup")

    assert stat.S_IMODE((tmp_path / "a.backup").stat().st_mode) == 0o600
    assert (tmp_path / "a.backup").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.backup", "source.db", "source.db.lock"]


def remember(repository: RoleRepository, outcome: bytes) -> None:
    repository.transact(author(), lambda t: t.remember("scope", "id", Remembered(b"body", outcome)))


def longest_line(file: Path) -> int:
    return max(map(len, gzip.decompress(file.read_bytes()).splitlines(keepends=True)))


def test_a_line_may_be_as_long_as_the_limit_and_no_longer(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(source) as repository:
        remember(repository, b"x" * 30_000)
    file = tmp_path / "a.backup"
    backed_up(source, file)
    longest = longest_line(file)

    monkeypatch.setattr(backup_file, "MAX_LINE_BYTES", longest)
    backed_up(source, file)
    restored(file, f"sqlite:///{tmp_path}/target.db")

    monkeypatch.setattr(backup_file, "MAX_LINE_BYTES", longest - 1)
    with pytest.raises(BackupError, match="was altered"):
        read_backup(file, on_progress=lambda _: None)
    assert longest > 40_000
    assert rows_of(f"sqlite:///{tmp_path}/target.db")["requests"] == rows_of(source)["requests"]


def test_a_line_that_could_not_be_restored_is_not_written(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(source) as repository:
        remember(repository, b"x" * 30_000)
    backed_up(source, tmp_path / "old.backup")
    before = (tmp_path / "old.backup").read_bytes()
    monkeypatch.setattr(backup_file, "MAX_LINE_BYTES", longest_line(tmp_path / "old.backup") - 1)

    for name in ("new.backup", "old.backup"):
        with pytest.raises(BackupError, match=r"table `requests` has a row of 40,\d+ bytes") as error:
            backed_up(source, tmp_path / name)

    assert "accepts at most 40," in str(error.value)
    assert "back the store up with the tools of its database" in str(error.value)
    assert (tmp_path / "old.backup").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old.backup", "source.db", "source.db.lock"]


def test_a_row_may_be_as_long_as_the_page_of_operations_announces() -> None:
    announced = re.search(r"A row may have (\d+) MiB in the file", (DOCS / "operations.md").read_text())

    assert announced is not None
    assert int(announced[1]) * 2**20 == backup_file.MAX_LINE_BYTES


def test_the_outcome_of_an_apply_within_the_limits_fits_a_line_twice() -> None:
    # As long as they can be: a million roles of one account are deleted, and as many as may be declared are unchanged.
    arn = f"acs:ram::{'1' * 20}:role/{'n' * MAX_NAME_CHARACTERS}"
    left_out = RoleDifference(kind=ChangeKind.DELETED, role_arn=arn, diff=LEFT_OUT)
    same = RoleDifference(kind=ChangeKind.UNCHANGED, role_arn=arn, diff="")
    config = Config.from_mapping({}, {})

    deleted, unchanged = (len(canonical(DIFFERENCES_OUTCOME.form((d,) * 100))) // 100 for d in (left_out, same))

    # Every character of a diff may be one that JSON escapes, and base64 makes four bytes of three.
    outcome = config.max_roles_per_account * deleted + config.max_upload_roles * unchanged + 2 * MAX_TOTAL_BYTES
    assert 2 * (outcome * 4 // 3) < backup_file.MAX_LINE_BYTES


def test_a_backup_has_no_name_and_no_time_but_its_own(file: Path) -> None:
    # What gzip says of a file: no flags, so no name, and no time.
    assert file.read_bytes()[:8] == b"\x1f\x8b\x08\x00" + bytes(4)


def test_a_backup_says_what_it_is(file: Path) -> None:
    lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]

    assert lines[0] == {
        "format": "rolecall-backup", "version": 2, "created": 1_000_000, "incarnation": lines[2][1], "revision": 3,
    }  # fmt: skip
    # Nothing is written between the parts of a line.
    assert gzip.decompress(file.read_bytes()).splitlines()[1] == (
        b'{"table":"meta","columns":["id","incarnation","token_key"]}'
    )
    assert [line["table"] for line in lines[1:-1] if isinstance(line, dict)] == [
        "meta", "counter", "floor", "accounts", "roles", "role_tags", "commits", "changes",
    ]  # fmt: skip
    assert lines[-1]["rows"] == sum(isinstance(line, list) for line in lines)


def test_format_2_has_these_columns(file: Path) -> None:
    lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]

    # A change of the tables needs another version of the format: otherwise old backups would be misread.
    assert {line["table"]: " ".join(line["columns"]) for line in lines[1:-1] if isinstance(line, dict)} == {
        "meta": "id incarnation token_key",
        "counter": "id revision hash next_role_id digest",
        "floor": "id revision hash",
        "accounts": "account_id roles",
        "roles": "key account_id role_name role_id document description max_session_duration_seconds tags create_time"
        " update_time revision",
        "role_tags": "tag_key tag_value role_key",
        "commits": "revision time body hash",
        "changes": "revision ordinal role_id body role_key",
    }


def test_a_store_with_roles_that_no_server_wrote_is_not_backed_up(tmp_path: Path) -> None:
    path = tmp_path / "altered.db"
    with opened(f"sqlite:///{path}") as repository:
        create(repository, "App")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE roles SET description = 'altered'")

    with pytest.raises(
        BackupError, match="has roles that no server wrote; run `rolecall audit verify`; nothing was written"
    ):
        backed_up(f"sqlite:///{path}", tmp_path / "a.backup")

    assert not (tmp_path / "a.backup").exists()


def test_the_first_line_of_a_backup_has_4096_bytes_at_most(file: Path, tmp_path: Path) -> None:
    first, rest = gzip.decompress(file.read_bytes()).split(b"\n", 1)

    def padded(length: int) -> None:
        # Spaces after a value mean nothing in JSON, but they count in the digest of the lines.
        lines = (first.ljust(length - 1) + b"\n" + rest).splitlines(keepends=True)
        end = {**json.loads(lines[-1]), "sha256": hashlib.sha256(b"".join(lines[:-1])).hexdigest()}
        file.write_bytes(gzip.compress(b"".join(lines[:-1]) + json.dumps(end).encode() + b"\n"))

    padded(4_096)
    assert restored(file, f"sqlite:///{tmp_path}/first.db").head.revision == 3
    padded(4_097)
    assert_refused(file, f"sqlite:///{tmp_path}/target.db", "was altered since it was written; nothing was restored$")
