"""How a new store begins: on disk, with its first rows, and with which text encoding."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from rolecall.roles.errors import StoreUnavailableError
from rolecall.storage.maintenance.audit_findings import Findings
from rolecall.storage.maintenance.audit_schema import check_schema
from rolecall.storage.sql import first_digest
from rolecall.storage.sqlite import new_store as module
from rolecall.storage.sqlite.driver import open_sqlite

NOTHING_YET = bytes(32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    open_sqlite(tmp_path / "rolecall.db").close()
    return tmp_path / "rolecall.db"


def test_a_new_store_has_no_commit_and_may_be_written_by_version_5_of_its_schema_and_later(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        counter = connection.execute(
            "SELECT revision, hash, next_role_id, compatible_from, digest FROM counter"
        ).fetchall()
        floor = connection.execute("SELECT revision, hash FROM floor").fetchall()

    assert counter == [(0, NOTHING_YET, 300_000_000_000_000_001, 5, NOTHING_YET)]
    assert floor == [(0, NOTHING_YET)]


def test_the_directory_is_on_disk_when_a_new_store_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced = tmp_path / "rolecall.db", list[tuple[Path, bool]]()
    monkeypatch.setattr(module, "sync_directory", lambda directory: synced.append((directory, path.exists())))

    open_sqlite(path).close()

    assert (tmp_path, True) in synced


@pytest.mark.parametrize("fails", [True, False])
def test_each_file_that_an_unfinished_store_may_leave_is_removed(tmp_path: Path, fails: bool) -> None:
    beside = [tmp_path / f".rolecall.db.unfinished{suffix}" for suffix in ("", "-journal", "-wal", "-shm")]

    def filling() -> list[str]:
        with module.new_store(tmp_path / "rolecall.db"):
            found = [path.name for path in tmp_path.iterdir()]
            if fails:
                for path in beside:
                    path.write_bytes(b"half")
                raise KeyboardInterrupt
        return found

    if fails:
        with pytest.raises(KeyboardInterrupt):
            filling()
        assert list(tmp_path.iterdir()) == []
        return
    for path in beside:
        path.write_bytes(b"left by a crash")
    assert filling() == [".rolecall.db.unfinished"]


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_the_file_of_a_new_store_is_its_owners_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with module.new_store(tmp_path / "rolecall.db") as fresh:
            modes = [stat.S_IMODE(fresh.stat().st_mode)]
    finally:
        os.umask(before)

    assert [*modes, stat.S_IMODE((tmp_path / "rolecall.db").stat().st_mode)] == [0o600, 0o600]


@pytest.mark.parametrize("link", [True, False])
def test_what_is_put_there_just_before_a_new_store_is_made_is_not_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: bool
) -> None:
    victim, fresh = tmp_path / "victim", tmp_path / ".rolecall.db.unfinished"
    victim.write_text("untouched")

    def late(_: Path) -> None:
        if link:
            fresh.symlink_to(victim)
        else:
            victim.rename(fresh)

    monkeypatch.setattr(module, "_remove", late)

    with pytest.raises(StoreUnavailableError) as caught, module.new_store(tmp_path / "rolecall.db"):
        pytest.fail("not reached")

    assert str(caught.value) == f"cannot make the store `{tmp_path}/rolecall.db`: file exists"
    assert fresh.read_text() == "untouched"


def test_a_change_whose_json_is_nested_too_deep_left_no_role_that_can_be_read() -> None:
    assert first_digest._role_after(b"[" * 50_000) == ()


def test_a_store_in_another_encoding_is_found(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as made, closing(sqlite3.connect(other)) as copy:
        copy.execute("PRAGMA encoding = 'UTF-16le'")
        copy.executescript("\n".join(made.iterdump()))
    engine, findings = create_engine(f"sqlite:///{other}"), Findings()

    with engine.connect() as connection:
        check_schema(connection, findings)
    engine.dispose()

    assert [finding.message for finding in findings.listed] == [
        "the setting `encoding` is `UTF-16le`, it must be `UTF-8`"
    ]
