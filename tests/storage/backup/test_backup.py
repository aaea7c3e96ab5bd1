"""Backups of stores, and stores restored from them, of every kind from every kind."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rolecall.roles.errors import InvalidTokenError, StoreUnsupportedError, UnknownIncarnationError
from rolecall.roles.tokens import Tokens
from rolecall.storage import open_repository
from rolecall.storage.maintenance import backup_file, sqlite_admin, store_contents
from rolecall.storage.maintenance.admin_store import open_admin_store
from rolecall.storage.maintenance.audit import audit
from rolecall.storage.maintenance.backup import read_backup, restore_backup, write_backup
from tests.postgres import PostgresServer
from tests.storage.backup.backups import APP, backed_up, fill, opened, restored, rows_of
from tests.storage.samples import all_commits, author, change, create

KINDS = ["sqlite", "postgresql"]


@pytest.fixture
def new_url(tmp_path: Path, postgres_server: PostgresServer) -> Callable[[str], str]:
    numbers = iter(range(100))

    def url(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/store{next(numbers)}.db"
        return postgres_server.create_database()

    return url


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
    # row 70 of the faults
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
