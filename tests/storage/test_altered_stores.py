"""What a store says that another program has changed, in whole sentences, and how many rows one statement names."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event

from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.roles.errors import AlteredRolesError, BrokenHistoryError, StoreUnavailableError, StoreUnsupportedError
from rolecall.roles.repository import RoleRepository, Transaction
from rolecall.roles.role import Revision
from rolecall.storage.sql.schema import require_schema
from rolecall.storage.sql.store import SqlRoleRepository
from rolecall.storage.sqlite.driver import open_sqlite
from tests.storage.samples import ACCOUNT, author, change, create, nothing, remove

APP, OLD = f"{ACCOUNT}/app", f"{ACCOUNT}/old"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rolecall.db"


@pytest.fixture
def repository(path: Path) -> Iterator[SqlRoleRepository]:
    with closing(open_sqlite(path)) as opened:
        create(opened, "App", "Old")
        change(opened, APP, description="second")
        yield opened


def alter(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(statement).rowcount >= 1


WRONG_DIGEST = "`counter.digest` of the store must be 32 bytes; run `rolecall audit verify`"
CANNOT_BE_READ: list[tuple[str, Callable[[RoleRepository], object], str]] = [
    (f"UPDATE roles SET document = x'7b7d' WHERE key = '{OLD}'", load_snapshot,
     f"a role from `{APP}` on cannot be read; run `rolecall audit verify`"),
    (f"UPDATE roles SET tags = '[' WHERE key = '{OLD}'", load_snapshot,
     f"a role from `{APP}` on cannot be read; run `rolecall audit verify`"),
    ("UPDATE roles SET document = x'7b7d'", lambda repository: change(repository, APP, description="third"),
     f"one of the roles from `{APP}` on cannot be read; run `rolecall audit verify`"),
    ("UPDATE roles SET document = x'7b7d'", lambda repository: remove(repository, OLD),
     f"one of the roles from `{OLD}` on cannot be read; run `rolecall audit verify`"),
    ("UPDATE counter SET digest = ''", lambda repository: create(repository, "New"), WRONG_DIGEST),
    ("UPDATE counter SET digest = zeroblob(31)", lambda repository: create(repository, "New"), WRONG_DIGEST),
    ("UPDATE counter SET digest = '12345678901234567890123456789012'", lambda repository: create(repository, "New"), WRONG_DIGEST),
    ("UPDATE counter SET revision = 1", load_snapshot,
     "the log of the store does not end with its newest revision, 1; run `rolecall audit verify`"),
    ("UPDATE counter SET hash = zeroblob(32)", load_snapshot,
     "the log of the store does not end with its newest revision, 2; run `rolecall audit verify`"),
    ("DELETE FROM commits", load_snapshot, "the log of the store does not end with its newest revision, 2; run `rolecall audit verify`"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "use", "message"), CANNOT_BE_READ)
def test_altered_roles_are_refused_with_what_to_do(
    repository: SqlRoleRepository,
    path: Path,
    statement: str,
    use: Callable[[RoleRepository], object],
    message: str,
) -> None:
    alter(path, statement)

    with pytest.raises(AlteredRolesError) as caught:
        use(repository)

    assert str(caught.value) == message


def test_roles_whose_last_write_was_pruned_are_loaded(repository: SqlRoleRepository) -> None:
    repository.prune(keep_after=2_000, keep_revisions=0, forget_requests_before=0)

    assert len(load_snapshot(repository)) == 2


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DELETE FROM commits WHERE revision = 1", "the store has no commit 1: its next is 2"),
        ("DELETE FROM commits WHERE revision = 2", "the store has no commit 2, but its newest revision is 2 or later"),
        ("UPDATE changes SET body = CAST(body AS TEXT)", "commit 1 of the store was altered: its hash does not match"),
        ("UPDATE commits SET body = CAST(body AS TEXT)", "commit 1 of the store was altered: its hash does not match"),
        ("UPDATE changes SET body = x'7b7d' WHERE revision = 2", "commit 2 of the store was altered: its hash does not match"),
        ("UPDATE commits SET hash = zeroblob(32) WHERE revision = 1", "commit 1 of the store was altered: its hash does not match"),
    ],
)  # fmt: skip
def test_an_altered_log_is_refused_where_it_differs(
    repository: SqlRoleRepository, path: Path, statement: str, message: str
) -> None:
    alter(path, statement)

    with pytest.raises(BrokenHistoryError) as caught:
        repository.commits(after=Revision(0), limit=10)

    assert str(caught.value) == message


def test_a_page_does_not_begin_after_a_commit_that_is_missing(repository: SqlRoleRepository, path: Path) -> None:
    alter(path, "DELETE FROM commits WHERE revision = 1")

    with pytest.raises(BrokenHistoryError, match=r"^the store has no commit 1$"):
        repository.commits(after=Revision(1), limit=10)


@pytest.mark.parametrize("revision", [1, 2])
@pytest.mark.parametrize("altered", [1, 2])
def test_a_write_that_relies_on_an_earlier_one_requires_that_it_is_unaltered(
    repository: SqlRoleRepository, path: Path, revision: int, altered: int
) -> None:
    alter(path, f"UPDATE changes SET body = x'7b7d' WHERE revision = {altered}")

    def relying(transaction: Transaction) -> None:
        transaction.require_unaltered(Revision(revision))

    if revision == altered:
        with pytest.raises(BrokenHistoryError, match=rf"^commit {altered} of the store was altered"):
            repository.transact(author(), relying)
    else:
        repository.transact(author(), relying)


def test_a_store_of_this_schema_is_read_though_only_later_versions_may_write(path: Path) -> None:
    open_sqlite(path).close()
    alter(path, "UPDATE counter SET compatible_from = 6")

    with closing(open_sqlite(path)) as repository:
        with repository._reading() as connection:
            require_schema(connection, "the store")
        assert repository.head().revision == 0
        with pytest.raises(StoreUnavailableError, match="versions that support schema 0006 or later"):
            repository.transact(author(), nothing)


TOO_NEW = (
    "the store has schema 0006, for versions that support 0006 or later; this one supports 0005:"
    " open it with the version that wrote it, or a later one"
)


@pytest.mark.parametrize(
    ("version", "oldest", "message"),
    [
        ("0004", 5, "the store has schema 0004, this version needs 0005 or later; run `rolecall migrate`"),
        ("0006", 6, TOO_NEW),
        ("0006", 5, None),
        ("0005", 5, None),
    ],
)
def test_the_schemas_that_this_version_works_on(path: Path, version: str, oldest: int, message: str | None) -> None:
    with closing(open_sqlite(path)) as repository:
        alter(path, f"UPDATE alembic_version SET version_num = '{version}'")
        alter(path, f"UPDATE counter SET compatible_from = {oldest}")

        with repository._reading() as connection:
            if message is None:
                require_schema(connection, "the store")
                return
            with pytest.raises(StoreUnsupportedError) as caught:
                require_schema(connection, "the store")

    assert str(caught.value) == message


def test_a_large_write_names_its_roles_in_several_statements(
    repository: SqlRoleRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = create(repository, "A", "B", "C", "D", "E")
    monkeypatch.setattr("rolecall.storage.sql.transaction.KEYS_PER_READ", 2)
    deleted = list[tuple[str, ...]]()

    def note(_: object, __: object, statement: str, parameters: tuple[str, ...], *more: object) -> None:
        if statement.startswith("DELETE FROM roles"):
            deleted.append(parameters)

    def deleting(transaction: Transaction) -> None:
        for role in made:
            transaction.delete(role)

    event.listen(repository._engine, "before_cursor_execute", note)
    repository.transact(author(), deleting)

    a, b, c, d, e = (role.key for role in made)
    assert deleted == [(a, b), (c, d), (e,)]
