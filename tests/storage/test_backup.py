"""Backup and restore, and row 70 of the faults: a restored store is another history."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from rolecall.config.settings import Config
from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.roles.canonical_json import canonical
from rolecall.roles.change import ChangeKind
from rolecall.roles.commands import RoleDifference
from rolecall.roles.differences import LEFT_OUT, MAX_TOTAL_BYTES
from rolecall.roles.errors import BrokenHistoryError, InvalidTokenError, StoreUnsupportedError, UnknownIncarnationError
from rolecall.roles.idempotency import DIFFERENCES_OUTCOME
from rolecall.roles.limits import MAX_NAME_CHARACTERS
from rolecall.roles.repository import Remembered, RoleRepository
from rolecall.roles.tokens import Tokens
from rolecall.storage import open_repository
from rolecall.storage.maintenance import backup_file, sqlite_admin, store_contents
from rolecall.storage.maintenance.admin_store import open_admin_store
from rolecall.storage.maintenance.audit import audit
from rolecall.storage.maintenance.backup import read_backup, restore_backup, write_backup
from rolecall.storage.maintenance.backup_file import Backup, BackupError
from rolecall.storage.maintenance.store_contents import StoreContents, row_batches
from tests.postgres import PostgresServer
from tests.repository.tree import DOCS
from tests.storage.samples import ACCOUNT, all_commits, author, change, create, remove

APP = f"{ACCOUNT}/app"
KINDS = ["sqlite", "postgresql"]


def fill(repository: RoleRepository) -> None:
    create(repository, "App", "Gone", tags={"team": "é🙂"}, description="line\nline\t'\"\\")
    remove(repository, f"{ACCOUNT}/gone")
    change(repository, APP, description="the newest")


@pytest.fixture
def new_url(tmp_path: Path, postgres_server: PostgresServer) -> Callable[[str], str]:
    numbers = iter(range(100))

    def url(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/store{next(numbers)}.db"
        return postgres_server.create_database()

    return url


@pytest.fixture
def source(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/source.db"
    repository = open_repository(url)
    fill(repository)
    repository.close()
    return url


@pytest.fixture
def file(source: str, tmp_path: Path) -> Path:
    backed_up(source, tmp_path / "a.backup")
    return tmp_path / "a.backup"


def backed_up(url: str, path: Path) -> Backup:
    with open_admin_store(url).snapshot_transaction_beside(path) as connection:
        return write_backup(connection, path, now=1_000_000, on_progress=lambda _: None)


def restored(path: Path, url: str) -> StoreContents:
    backup = read_backup(path, on_progress=lambda _: None)
    with open_admin_store(url).fill_transaction() as target:
        return restore_backup(path, backup, target, on_progress=lambda _: None)


def rows_of(url: str) -> dict[str, list[tuple[Any, ...]]]:
    rows: dict[str, list[tuple[Any, ...]]] = {}
    with open_admin_store(url).snapshot_transaction() as connection:
        for table, some in row_batches(connection):
            rows.setdefault(table.name, []).extend(map(tuple, some))
    return {name: sorted(found, key=repr) for name, found in rows.items()}


@contextmanager
def opened(url: str) -> Iterator[RoleRepository]:
    repository = open_repository(url)
    try:
        yield repository
    finally:
        repository.close()


# --- there and back


@pytest.mark.parametrize("back", KINDS)
@pytest.mark.parametrize("there", KINDS)
def test_a_restored_store_is_the_backup_but_for_its_incarnation(
    there: str, back: str, new_url: Callable[[str], str], tmp_path: Path
) -> None:
    source, target = new_url(there), new_url(back)
    with open_admin_store(source).fill_transaction():
        pass
    with opened(source) as repository:
        fill(repository)

    written = backed_up(source, tmp_path / "a.backup")
    found = restored(tmp_path / "a.backup", target)

    before, after = rows_of(source), rows_of(target)
    ((_, old, key),), ((_, new, same_key),) = before.pop("meta"), after.pop("meta")
    assert after == before
    assert (key, old != new, new) == (same_key, True, found.head.incarnation)
    assert (written.revision, found.head.revision, found.roles) == (3, 3, 1)


def test_a_restored_store_gives_no_role_id_again_that_was_given_after_the_backup(
    source: str, file: Path, tmp_path: Path
) -> None:
    target = f"sqlite:///{tmp_path}/target.db"
    with opened(source) as lost:
        (after_the_backup,) = create(lost, "Lost", time=2_000)
    restored(file, target)

    with opened(target) as repository:
        (after_the_restore,) = create(repository, "New", time=3_000)

    assert int(after_the_restore.role_id) > int(after_the_backup.role_id)


@pytest.mark.parametrize("rows", [1, 3])
def test_the_size_of_a_step_does_not_matter(
    file: Path, tmp_path: Path, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_contents, "ROWS_PER_BATCH", rows)
    monkeypatch.setattr("rolecall.storage.maintenance.backup_file.ROWS_PER_BATCH", rows)

    restored(file, f"sqlite:///{tmp_path}/target.db")

    assert (
        rows_of(f"sqlite:///{tmp_path}/target.db")["changes"] == rows_of(f"sqlite:///{tmp_path}/source.db")["changes"]
    )


def test_a_backup_may_be_behind_a_link(file: Path, tmp_path: Path) -> None:
    (tmp_path / "link.backup").symlink_to(file.name)

    assert restored(tmp_path / "link.backup", f"sqlite:///{tmp_path}/target.db").head.revision == 3


def test_stored_bytes_that_are_no_text_come_back_as_they_were(source: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "source.db")) as connection, connection:
        connection.execute("UPDATE commits SET body = x'00FF80EDA080F09F9982' WHERE revision = 2")
        connection.execute("UPDATE changes SET body = x'' WHERE revision = 2")

    backed_up(source, tmp_path / "a.backup")
    restored(tmp_path / "a.backup", f"sqlite:///{tmp_path}/target.db")

    after = rows_of(f"sqlite:///{tmp_path}/target.db")
    assert (after["commits"], after["changes"]) == (rows_of(source)["commits"], rows_of(source)["changes"])
    assert b"\x00\xff\x80\xed\xa0\x80" in after["commits"][1][2]


@pytest.mark.parametrize("kind", KINDS)
def test_a_restored_store_is_another_history(kind: str, new_url: Callable[[str], str], tmp_path: Path) -> None:
    # Row 70 of the faults.
    source, target = new_url(kind), new_url(kind)
    with open_admin_store(source).fill_transaction():
        pass
    with opened(source) as repository:
        fill(repository)
        at_backup = list(repository.load())
    backed_up(source, tmp_path / "old.backup")
    with opened(source) as repository:
        change(repository, APP, description="lost by the restore")
        head = repository.head()
        lost = Tokens(repository.token_key, head.incarnation).consistency(head.revision)

    restored(tmp_path / "old.backup", target)

    with opened(target) as repository:
        assert list(repository.load()) == at_backup
        change(repository, APP, description="another revision 4")
        tokens = Tokens(repository.token_key, repository.head().incarnation)
        assert repository.head().revision == head.revision
        with pytest.raises(UnknownIncarnationError):
            tokens.revision_of(lost)
        with pytest.raises(InvalidTokenError):
            tokens.revision_of(lost[:-2] + ("AA" if lost[-2:] != "AA" else "BB"))
        assert tokens.revision_of(tokens.consistency(head.revision)) == head.revision


# --- while servers are at work


@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_that_is_made_while_a_server_writes_is_of_one_moment(
    kind: str, new_url: Callable[[str], str], tmp_path: Path
) -> None:
    source, target, stop = new_url(kind), new_url(kind), threading.Event()
    with open_admin_store(source).fill_transaction():
        pass
    server = open_repository(source)
    fill(server)

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            create(server, f"n{number}")
            change(server, APP, description=f"at {number}")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        written = [backed_up(source, tmp_path / f"{number}.backup") for number in range(3)]
    finally:
        stop.set()
        writer.join()
    commits = all_commits(server)
    server.close()
    restored(tmp_path / "2.backup", target)

    with open_admin_store(target).pages() as pages:
        found = audit(pages, first=None, on_progress=lambda *_: None)
    assert found.findings == ()
    assert (found.head.revision, found.head.hash) == (written[2].revision, commits[written[2].revision - 1].hash)
    assert written[0].revision < written[2].revision
    assert sorted(path.name for path in tmp_path.iterdir() if "backup" in path.name) == [
        "0.backup",
        "1.backup",
        "2.backup",
    ]


@pytest.mark.parametrize(("writes", "wanted"), [(0, [1]), (10, [1]), (11, [1, -1]), (100, [1, -1])])
def test_a_file_that_is_always_written_to_is_copied_in_one_step_in_the_end(
    tmp_path: Path, writes: int, wanted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_admin, "PAGES_PER_STEP", 1)
    steps, pauses = list[int](), list[float]()
    with closing(sqlite3.connect(tmp_path / "s.db", isolation_level=None)) as writer:
        writer.execute("CREATE TABLE t (x)")
        writer.executemany("INSERT INTO t VALUES (?)", [("y" * 3_000,)] * 20)
        left = iter(range(writes))

        class Watched(sqlite3.Connection):
            def backup(
                self,
                target: sqlite3.Connection,
                *,
                pages: int = -1,
                progress: Any = None,
                name: str = "main",
                sleep: float = 0.25,
            ) -> None:
                def report(*arguments: int) -> None:
                    if next(left, None) is not None and arguments[1]:
                        writer.execute("UPDATE t SET x = x || 'z' WHERE rowid = 1")
                    progress(*arguments)

                steps.append(pages)
                pauses.append(sleep)
                super().backup(target, pages=pages, progress=progress and report, name=name, sleep=sleep)

        with (
            closing(sqlite3.connect(tmp_path / "s.db", factory=Watched)) as source,
            closing(sqlite3.connect(tmp_path / "t.db")) as target,
        ):
            sqlite_admin._copy(source, target)
            assert target.execute("SELECT x FROM t").fetchall() == writer.execute("SELECT x FROM t").fetchall()
            assert target.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert steps == wanted
    # A step that finds the file locked is repeated soon.
    assert pauses[0] <= 0.01


# --- the file


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


def test_each_step_reports_how_many_rows_it_has_done(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_contents, "ROWS_PER_BATCH", 2)
    monkeypatch.setattr(backup_file, "ROWS_PER_BATCH", 2)
    file, target = tmp_path / "a.backup", open_admin_store(f"sqlite:///{tmp_path}/target.db")
    written, read, inserted = list[int](), list[int](), list[int]()

    with open_admin_store(source).snapshot_transaction() as connection:
        backup = write_backup(connection, file, now=1_000_000, on_progress=written.append)
    again = read_backup(file, on_progress=read.append)
    with target.fill_transaction() as connection:
        restore_backup(file, backup, connection, on_progress=inserted.append)

    # Three tables of one row, an account, a role and its tag, three commits, and four changes.
    assert written == inserted == [1, 2, 3, 4, 5, 6, 8, 9, 11, 13]
    assert (read[-1], read) == (13, sorted(read))
    assert again == backup
    assert (backup.created, backup.revision, backup.rows) == (1_000_000, 3, 13)


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


def repacked(file: Path, edit: Callable[[list[Any]], object], *, sealed: bool = True) -> None:
    """Change the lines of a backup; `sealed` with the digest that they then have."""
    lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    edit(lines)
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines[:-1])
    if sealed:
        rows = sum(isinstance(line, list) for line in lines)
        lines[-1] = {"rows": rows, "sha256": hashlib.sha256(body).hexdigest()}
    file.write_bytes(gzip.compress(body + json.dumps(lines[-1]).encode() + b"\n"))


def as_format_1(lines: list[Any]) -> None:
    """Make the lines of a backup those of a version without the digest of roles."""
    lines[0]["version"] = 1
    at = next(n for n, line in enumerate(lines) if isinstance(line, dict) and line.get("table") == "counter")
    lines[at]["columns"].remove("digest")
    lines[at + 1].pop()


def a_role_altered(lines: list[Any]) -> None:
    at = next(n for n, line in enumerate(lines) if isinstance(line, dict) and line.get("table") == "roles")
    lines[at + 1][5] = "altered"


def test_a_backup_of_the_format_without_a_digest_is_restored_with_one(source: str, tmp_path: Path) -> None:
    file = tmp_path / "a.backup"
    with opened(source) as repository:
        create(repository, "One", "Two", "Three")
    backed_up(source, file)
    repacked(file, as_format_1)
    target = f"sqlite:///{tmp_path}/target.db"

    restored(file, target)

    with opened(source) as before, opened(target) as after:
        assert after.head().digest == before.head().digest != bytes(32)
        assert len(load_snapshot(after)) == before.size()


@pytest.mark.parametrize("edits", [[a_role_altered], [as_format_1, a_role_altered]], ids=["format 2", "format 1"])
def test_a_backup_with_roles_that_no_server_wrote_is_refused(
    file: Path, tmp_path: Path, edits: list[Callable[[list[Any]], None]]
) -> None:
    for edit in edits:
        repacked(file, edit)

    with pytest.raises(BackupError, match="contains roles that no server wrote; nothing was restored"):
        restored(file, f"sqlite:///{tmp_path}/target.db")

    with opened(f"sqlite:///{tmp_path}/target.db") as target:
        assert (target.size(), target.head().revision) == (0, 0)


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


def assert_refused(file: Path, target: str, message: str) -> None:
    with pytest.raises(BackupError, match=message) as error:
        restored(file, target)

    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)
    assert not Path(target.removeprefix("sqlite:///")).exists()


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_backup_that_was_cut_off_is_refused(file: Path, tmp_path: Path, part: float) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * part)])

    assert_refused(file, f"sqlite:///{tmp_path}/target.db", "is incomplete: its end is missing; nothing was restored$")


@pytest.mark.parametrize("lines", [1, 2, 5, -1])
def test_a_backup_that_lacks_its_last_lines_is_refused(file: Path, tmp_path: Path, lines: int) -> None:
    kept = gzip.decompress(file.read_bytes()).splitlines(keepends=True)[:lines]
    file.write_bytes(gzip.compress(b"".join(kept)))

    assert_refused(file, f"sqlite:///{tmp_path}/target.db", "is incomplete: its end is missing")


@pytest.mark.parametrize("seed", range(20))
def test_a_backup_with_any_byte_altered_is_refused(file: Path, tmp_path: Path, seed: int) -> None:
    import random

    data, chance = bytearray(file.read_bytes()), random.Random(seed)
    # The ten bytes before the first are what gzip says of the file's system and time, of which nothing is used.
    place = chance.randrange(10, len(data))
    # The whole byte: of the last one that is packed, some bits mean nothing.
    data[place] ^= 0xFF
    file.write_bytes(data)

    assert_refused(file, f"sqlite:///{tmp_path}/target.db", "was altered|its end is missing|is not a backup")


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda data: data[:-4], id="half of the checksum"),
        pytest.param(lambda data: data[:-6] + bytes([data[-6] ^ 1]) + data[-5:], id="another checksum"),
        pytest.param(lambda data: data[:-1] + bytes([data[-1] ^ 1]), id="another length"),
        pytest.param(lambda data: data + b"more", id="no gzip after the end"),
    ],
)
def test_a_backup_whose_packing_is_broken_behind_its_end_is_refused(
    file: Path, tmp_path: Path, broken: Callable[[bytes], bytes]
) -> None:
    file.write_bytes(broken(file.read_bytes()))

    assert_refused(file, f"sqlite:///{tmp_path}/target.db", "is damaged, or was altered since it was written")


@pytest.mark.parametrize(
    "edit",
    [
        lambda lines: lines[2].__setitem__(1, "another"),
        lambda lines: lines.pop(8),
        lambda lines: lines.insert(8, lines[8]),
        lambda lines: lines.insert(len(lines), [1, 2]),
        lambda lines: lines[0].__setitem__("revision", 2),
        lambda lines: lines[-1].__setitem__("rows", 1),
    ],
)
def test_a_backup_whose_lines_were_changed_is_refused(
    file: Path, tmp_path: Path, edit: Callable[[list[Any]], object]
) -> None:
    repacked(file, edit, sealed=False)

    assert_refused(file, f"sqlite:///{tmp_path}/target.db", "was altered since it was written")


def test_a_backup_whose_last_line_does_not_end_is_refused(file: Path, tmp_path: Path) -> None:
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()).removesuffix(b"\n")))

    assert_refused(file, f"sqlite:///{tmp_path}/target.db", "was altered since it was written")


def test_a_backup_with_something_after_its_end_is_refused(file: Path, tmp_path: Path) -> None:
    file.write_bytes(file.read_bytes() + gzip.compress(b"more\n"))

    assert_refused(file, f"sqlite:///{tmp_path}/target.db", "was altered since it was written")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda lines: lines[0].__setitem__("version", 3),
            "has format `3`, this version reads format 2; restore it with",
        ),
        (lambda lines: lines[1].__setitem__("table", "other"), "was altered"),
        (lambda lines: lines[1].__setitem__("table", []), "was altered"),
        (lambda lines: lines[1]["columns"].append("more"), "was altered"),
        (lambda lines: lines.__setitem__(2, [1, "x"]), "was altered"),
        (lambda lines: lines.__setitem__(2, [1, "x", "not base64"]), "was altered"),
        (lambda lines: lines.__setitem__(2, [True, "x", ""]), "was altered"),
        (lambda lines: lines.__setitem__(2, [1, "\ud800", ""]), "was altered"),
        (lambda lines: lines.__setitem__(2, [1, "\0", ""]), "was altered"),
        (lambda lines: lines.__setitem__(2, 1), "was altered"),
        (lambda lines: lines[-2].__setitem__(3, 7), "was altered"),
        (lambda lines: lines[-2].__setitem__(3, None), "was altered"),
        (lambda lines: lines[2].__setitem__(2, 7), "was altered"),
        # Some readers pass over what is no letter of base64.
        (lambda lines: lines[2].__setitem__(2, lines[2][2] + "!"), "was altered"),
        (lambda lines: lines[0].pop("incarnation"), "was altered"),
        (lambda lines: lines.__setitem__(1, [1]), "was altered"),
    ],
)
def test_a_backup_that_this_version_cannot_read_is_refused(
    file: Path, tmp_path: Path, edit: Callable[[list[Any]], object], message: str
) -> None:
    repacked(file, edit)

    assert_refused(file, f"sqlite:///{tmp_path}/target.db", message)


@pytest.mark.parametrize("line", [b"[" * 50_000, b"text", b"\xff"], ids=["nested too deep", "no JSON", "no text"])
def test_a_line_that_cannot_be_read_is_refused(file: Path, tmp_path: Path, line: bytes) -> None:
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    file.write_bytes(gzip.compress(b"".join([*lines[:2], line + b"\n", *lines[2:]])))

    assert_refused(file, f"sqlite:///{tmp_path}/target.db", "was altered since it was written")


def test_a_backup_of_another_revision_than_it_says_is_not_restored(file: Path, tmp_path: Path) -> None:
    repacked(file, lambda lines: lines[0].__setitem__("revision", 2))

    with pytest.raises(BackupError, match="does not contain the revision that its header names"):
        restored(file, f"sqlite:///{tmp_path}/target.db")

    assert not (tmp_path / "target.db").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"text", b"\x1f\x8b", gzip.compress(b""), gzip.compress(b"text"), gzip.compress(b"{}"), gzip.compress(b"[1]"),
     gzip.compress(b'{"format": "other", "version": 1, "created": 1, "incarnation": "", "revision": 1}'),
     gzip.compress(b"[" * 4_000), gzip.compress(b"0" * 10_000_000), b"SQLite format 3\0" + bytes(1_000),
     gzip.compress(b"")[:10] + b"\xff" * 50],
    ids=["nothing", "text", "a beginning", "nothing in it", "text in it", "an object", "a list", "another format", "depth",
         "length", "a store", "no packing"],
)  # fmt: skip
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)

    assert_refused(
        tmp_path / "x", f"sqlite:///{tmp_path}/target.db", "is not a backup; give a file that `rolecall backup` wrote"
    )


def test_a_file_that_was_replaced_after_its_check_is_not_restored(file: Path, source: str, tmp_path: Path) -> None:
    backup = read_backup(file, on_progress=lambda _: None)
    with opened(source) as repository:
        change(repository, APP, description="later")
    backed_up(source, file)
    target = f"sqlite:///{tmp_path}/target.db"

    with pytest.raises(BackupError, match="was replaced"), open_admin_store(target).fill_transaction() as connection:
        restore_backup(file, backup, connection, on_progress=lambda _: None)

    assert not list(tmp_path.glob("target.db*[!k]"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_with_any_content_is_not_restored_into(kind: str, file: Path, new_url: Callable[[str], str]) -> None:
    target = new_url(kind)
    with open_admin_store(target).fill_transaction():
        pass
    with opened(target) as repository:
        repository.transact(author(), lambda transaction: None)
        create(repository, "Mine")
    before = rows_of(target)

    with pytest.raises(
        StoreUnsupportedError, match="is not empty, it is at revision 1; give a file that does not exist"
    ):
        restored(file, target)

    assert rows_of(target) == before
