from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rolecall.roles.errors import (
    BrokenHistoryError,
    StoreBusyError,
    StoreUnavailableError,
    StoreUnsupportedError,
)
from rolecall.roles.repository import Remembered, RoleRepository, Transaction
from rolecall.roles.role import Revision
from rolecall.roles.tokens import Tokens
from rolecall.storage import migrate, open_repository
from rolecall.storage.maintenance import store_contents
from rolecall.storage.maintenance.admin_store import open_admin_store
from rolecall.storage.maintenance.copy_store import copy_store
from rolecall.storage.maintenance.store_contents import StoreContents, read_contents, row_batches
from tests.postgres import PostgresServer
from tests.storage.samples import ACCOUNT, OTHER_ACCOUNT, all_commits, assert_chained, author, change, create, remove
from tests.storage.stores import AS_SCHEMA_0002

APP = f"{ACCOUNT}/app"
HEAVY_DOCUMENT = '{"Version": "1", "Statement": [], "Id": "ünïcödé \\u0000 🙂"}'


def fill(repository: RoleRepository) -> None:
    create(repository, "Old", tags={"team": "a"}, account_id=OTHER_ACCOUNT)
    create(repository, "App", "Gone", tags={"team": "b", "tier": "é"}, document=HEAVY_DOCUMENT)
    remove(repository, f"{ACCOUNT}/gone")
    change(repository, APP, description="line\nline\t'\"\\")
    repository.transact(author(5_000), remember)
    repository.prune(keep_after=2_000, keep_revisions=3, forget_requests_before=0)


def remember(transaction: Transaction) -> None:
    transaction.remember("scope", "request", Remembered(bytes(range(256)), b"outcome"))


def recall(transaction: Transaction) -> Remembered | None:
    return transaction.recall("scope", "request")


@pytest.fixture
def source(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/source.db"
    repository = open_repository(url)
    fill(repository)
    repository.close()
    return url


def copied(source: str, target: str) -> StoreContents:
    store = open_admin_store(source)
    with store.snapshot_transaction() as read, open_admin_store(target).fill_transaction() as written:
        return copy_store(read, written, head_now=store.head, on_progress=lambda _: None, store=store.name)


def rows_of(url: str) -> dict[str, list[tuple[object, ...]]]:
    rows: dict[str, list[tuple[object, ...]]] = {}
    with open_admin_store(url).snapshot_transaction() as connection:
        for table, some in row_batches(connection):
            rows.setdefault(table.name, []).extend(map(tuple, some))
    return {name: sorted(found, key=repr) for name, found in rows.items()}


def contents(url: str) -> StoreContents:
    with open_admin_store(url).snapshot_transaction() as connection:
        return read_contents(connection)


@pytest.mark.long
@pytest.mark.parametrize("rows_a_step", [1, 2, 250])
def test_every_row_arrives_in_a_file_and_comes_back_from_a_database(
    source: str, tmp_path: Path, postgres_server: PostgresServer, rows_a_step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_contents, "ROWS_PER_BATCH", rows_a_step)
    database, back = postgres_server.create_database(), f"sqlite:///{tmp_path}/back.db"

    there, here = copied(source, database), copied(database, back)

    assert there == here == contents(source)
    assert rows_of(source) == rows_of(database) == rows_of(back)
    assert {name: len(found) for name, found in rows_of(back).items()} == {
        "meta": 1, "counter": 1, "floor": 1, "accounts": 2, "roles": 2, "role_tags": 3, "commits": 3, "changes": 4, "requests": 1,
    }  # fmt: skip


@pytest.mark.long
def test_a_copy_has_the_same_history_and_continues_it(source: str, postgres_server: PostgresServer) -> None:
    database = postgres_server.create_database()
    copied(source, database)
    old, new = open_repository(source), open_repository(database)

    assert (new.head(), new.floor(), new.token_key) == (old.head(), old.floor(), old.token_key)
    assert all_commits(new) == all_commits(old)
    assert list(new.load()) == list(old.load())
    assert new.transact(author(), recall)[0] == Remembered(bytes(range(256)), b"outcome")
    token = Tokens(old.token_key, old.head().incarnation).consistency(Revision(4))
    assert Tokens(new.token_key, new.head().incarnation).revision_of(token) == 4
    (made,) = create(new, "Next")
    assert made.role_id not in {change.role.role_id for commit in all_commits(old) for change in commit.changes}
    assert made.revision == old.head().revision + 1
    assert_chained(new)
    old.close()
    new.close()


def test_progress_is_reported_in_rows(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_contents, "ROWS_PER_BATCH", 2)
    reported: list[int] = []
    store, target = open_admin_store(source), open_admin_store(f"sqlite:///{tmp_path}/target.db")

    with store.snapshot_transaction() as read, target.fill_transaction() as written:
        copy_store(read, written, head_now=store.head, on_progress=reported.append, store=store.name)

    assert reported == sorted(reported)
    assert reported[-1] == 18


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_store_with_any_content_is_not_filled(
    kind: str, source: str, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    target = f"sqlite:///{tmp_path}/target.db" if kind == "sqlite" else postgres_server.create_database()
    migrate(target)
    repository = open_repository(target)
    create(repository, "Mine")
    repository.close()
    before = rows_of(target)

    with pytest.raises(StoreUnsupportedError, match="is not empty, it is at revision 1"):
        copied(source, target)

    assert rows_of(target) == before


@pytest.mark.parametrize("which", ["source", "target"])
def test_a_file_that_a_server_uses_is_not_touched(source: str, tmp_path: Path, which: str) -> None:
    target = f"sqlite:///{tmp_path}/target.db"
    server = open_repository(source if which == "source" else target)

    with pytest.raises(StoreBusyError, match="is in use by another server"):
        copied(source, target)

    server.close()


@pytest.mark.long
def test_a_source_that_was_written_to_during_the_copy_is_not_copied(
    source: str, postgres_server: PostgresServer
) -> None:
    database, target = postgres_server.create_database(), postgres_server.create_database()
    copied(source, database)
    store, server = open_admin_store(database), open_repository(database)

    def write_and_tell(_: int) -> None:
        change(server, APP, description="while it was copied")

    with (
        pytest.raises(
            StoreUnavailableError, match="was written to during the copy; stop its servers and copy it again"
        ),
        store.snapshot_transaction() as read,
        open_admin_store(target).fill_transaction() as written,
    ):
        copy_store(read, written, head_now=store.head, on_progress=write_and_tell, store=store.name)

    server.close()
    assert contents(target).head.revision == 0


def test_every_row_arrives_in_another_file(source: str, tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path}/target.db"

    summary = copied(source, target)

    assert summary == contents(source) == contents(target)
    assert (summary.head.revision, summary.roles) == (4, 2)
    assert rows_of(target) == rows_of(source)


@pytest.mark.parametrize("changed", [{"revision": Revision(9)}, {"hash": bytes(32)}, {"incarnation": "another"}])
def test_a_source_that_is_elsewhere_after_the_copy_was_written_to(
    source: str, tmp_path: Path, changed: dict[str, Any]
) -> None:
    store, target = open_admin_store(source), open_admin_store(f"sqlite:///{tmp_path}/target.db")
    now = replace(store.head(), **changed)

    with (
        pytest.raises(StoreUnavailableError) as caught,
        store.snapshot_transaction() as read,
        target.fill_transaction() as written,
    ):
        copy_store(read, written, head_now=lambda: now, on_progress=lambda _: None, store=store.name)

    assert str(caught.value) == (f"`{store.path}` was written to during the copy; stop its servers and copy it again")
    assert not made(tmp_path)


def made(folder: Path) -> list[str]:
    """Return the files of a target, whole or unfinished; the lock file stays."""
    return sorted(path.name for path in folder.glob("target.db*") if path.suffix != ".lock")


def deface(url: str, statement: str) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        assert connection.execute(statement).rowcount >= 1


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE commits SET time = 7 WHERE revision = 3",
         "the log of STORE is damaged: commit 3 is stored with another time than its header has; run `rolecall audit verify`"),
        ("DELETE FROM commits WHERE revision = 3", "the log of STORE is damaged: commit 3 is missing, and 1 more; run `rolecall audit verify`"),
        ("UPDATE commits SET body = CAST(body AS TEXT)", "table `commits` has a value of a wrong type; run `rolecall audit verify`"),
        ("UPDATE roles SET description = 'altered'",
         "STORE has roles that no server wrote; run `rolecall audit verify`; nothing was copied"),
        ("UPDATE roles SET revision = 'x'", "table `roles` has a value of a wrong type; run `rolecall audit verify`"),
        ("DELETE FROM floor",
         "the position of the store is unknown: `meta`, `counter` and `floor` must have one row each; restore a backup"),
        ("INSERT INTO commits SELECT 9, time, body, hash FROM commits WHERE revision = 3",
         "the log of STORE is damaged: there are commits of revision 9, but the newest revision is 4; run `rolecall audit verify`"),
    ],
)  # fmt: skip
def test_a_damaged_source_is_not_copied(source: str, tmp_path: Path, statement: str, message: str) -> None:
    target = f"sqlite:///{tmp_path}/target.db"
    deface(source, statement)

    with pytest.raises(BrokenHistoryError) as caught:
        copied(source, target)

    assert str(caught.value) == message.replace("STORE", f"`{source.removeprefix('sqlite:///')}`")
    assert not made(tmp_path)


def test_a_copy_that_differs_is_not_committed(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, steps = f"sqlite:///{tmp_path}/target.db", store_contents.row_batches
    monkeypatch.setattr(
        "rolecall.storage.maintenance.copy_store.row_batches",
        lambda connection: (replace_description(step) for step in steps(connection)),
    )

    with pytest.raises(BrokenHistoryError, match=r"^the copy differs from the source; nothing was copied$"):
        copied(source, target)

    assert not made(tmp_path)


def replace_description(step: store_contents.RowBatch) -> store_contents.RowBatch:
    if step.table.name != "roles":
        return step
    place = step.table.c.keys().index("description")
    return step._replace(rows=[[*row[:place], "another", *row[place + 1 :]] for row in step.rows])


def test_a_source_of_an_older_schema_is_to_be_migrated_first(source: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(source.removeprefix("sqlite:///"))) as connection, connection:
        for statement in AS_SCHEMA_0002:
            connection.execute(statement)

    with pytest.raises(
        StoreUnsupportedError, match="has schema 0002, this version copies schema 0005; run `rolecall migrate` first"
    ):
        copied(source, f"sqlite:///{tmp_path}/target.db")


def test_a_target_of_an_older_schema_is_not_migrated_on_the_way(source: str, tmp_path: Path) -> None:
    open_repository(f"sqlite:///{tmp_path}/target.db").close()
    with closing(sqlite3.connect(tmp_path / "target.db")) as connection, connection:
        for statement in AS_SCHEMA_0002:
            connection.execute(statement)
    before = (tmp_path / "target.db").read_bytes()

    with pytest.raises(StoreUnsupportedError, match="has schema 0002, this version copies schema 0005"):
        copied(source, f"sqlite:///{tmp_path}/target.db")

    assert (tmp_path / "target.db").read_bytes() == before


def test_a_source_of_a_later_schema_is_not_copied_in_part(source: str, tmp_path: Path) -> None:
    deface(source, "UPDATE alembic_version SET version_num = '0099'")

    with pytest.raises(
        StoreUnsupportedError,
        match="has schema 0099, this version copies schema 0005; use the version that migrated it",
    ):
        copied(source, f"sqlite:///{tmp_path}/target.db")


@pytest.mark.long
def test_a_standby_is_no_source_since_it_may_lack_what_was_acknowledged(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    url = postgres_server.create_database()
    migrate(url)
    repository = open_repository(url)
    create(repository, "App")
    standby = postgres_server.make_standby()
    there = url.replace(f":{postgres_server.port}/", f":{standby.port}/")

    with pytest.raises(StoreUnavailableError, match="is a standby; give the address of the primary"):
        copied(there, f"sqlite:///{tmp_path}/copy.db")
    with pytest.raises(StoreUnavailableError, match="is a standby; give the address of the primary"):
        open_admin_store(there).head()
    # It may be backed up, though: a restored store is another history.
    with open_admin_store(there).snapshot_transaction_beside(tmp_path / "a.backup") as connection:
        backed_up = connection.exec_driver_sql("SELECT role_name FROM roles").scalars().all()
    standby.close()
    repository.close()

    assert backed_up == ["App"]
    assert not list(open_repository(f"sqlite:///{tmp_path}/copy.db").load())


@pytest.mark.long
def test_a_database_of_an_older_schema_is_neither_read_nor_filled(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    url = postgres_server.create_database()
    migrate(url)
    with psycopg.connect(url) as connection:
        for statement in AS_SCHEMA_0002:
            connection.execute(statement.encode())
    store = open_admin_store(url)

    for use, name in [
        (store.pages, "has schema 0002, this version needs 0005 or later; run `rolecall migrate`"),
        (store.snapshot_transaction, "has schema 0002, this version copies schema 0005; run `rolecall migrate` first"),
        (
            lambda: store.snapshot_transaction_beside(tmp_path / "a.backup"),
            "has schema 0002, this version copies schema 0005; run `rolecall migrate` first",
        ),
        (store.fill_transaction, "has schema 0002, this version copies schema 0005; run `rolecall migrate` first"),
    ]:
        with pytest.raises(StoreUnsupportedError, match=name), use():
            pytest.fail("not reached")
