from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection

from rolecall.roles.commands import UndeleteRole
from rolecall.roles.errors import BrokenHistoryError, RevisionNotKeptError, StoreUnavailableError
from rolecall.roles.repository import Floor, RoleRepository
from rolecall.roles.role import Revision
from rolecall.storage import migrate, open_repository
from rolecall.storage.maintenance import audit_findings, audit_log, audit_state
from rolecall.storage.maintenance.admin_store import open_admin_store
from rolecall.storage.maintenance.audit import Audit, audit
from rolecall.storage.maintenance.copy_store import copy_store
from rolecall.storage.sqlite.driver import open_sqlite
from tests.postgres import PostgresServer
from tests.roles import policies
from tests.storage.samples import ACCOUNT, change, create, remove

APP, GONE, KEPT, OLD = (f"{ACCOUNT}/{name}" for name in ("app", "gone", "kept", "old"))


def fill(repository: RoleRepository) -> None:
    """Make revisions 1 to 6, of which 3 to 6 are kept."""
    create(repository, "Old", tags={"team": "a"})
    create(repository, "App", tags={"team": "b", "tier": "1"})
    change(repository, APP, description="second")
    create(repository, "Gone", "Kept")
    remove(repository, GONE)
    change(repository, APP, description="third")
    repository.prune(keep_after=2_000, keep_revisions=4, forget_requests_before=0)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "rolecall.db"
    repository = open_sqlite(path)
    fill(repository)
    repository.close()
    return path


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "rolecall.db"
    shutil.copy(sound, copy)
    return copy


def audited(url: str, first: int | None = None) -> Audit:
    with open_admin_store(url).pages() as pages:
        return audit(pages, first=None if first is None else Revision(first), on_progress=lambda *_: None)


def breaks_of(found: Audit) -> list[tuple[int | None, str]]:
    return [(broken.revision, broken.message) for broken in found.findings]


def alter(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            assert connection.execute(statement).rowcount >= 1


def test_a_store_with_a_restored_role_is_sound(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/restored.db"
    with closing(open_sqlite(tmp_path / "restored.db")) as repository:
        catalog = policies.catalog_of(repository)
        made = policies.create(catalog, tags={"team": "a"})
        remove(repository, APP)
        restored = catalog.undelete(UndeleteRole(role="App"), policies.author(), policies.SCOPE).result

    found = audited(url)

    assert breaks_of(found) == []
    assert restored.role_id == made.role_id


def test_an_unaltered_store_is_sound(path: Path) -> None:
    found = audited(f"sqlite:///{path}")

    assert breaks_of(found) == []
    assert (found.first, found.head.revision) == (3, 6)
    assert (found.commits, found.changes, found.roles, found.older_than_the_log) == (4, 5, 3, 1)
    assert (found.total_findings, found.skipped) == (0, ())


def test_the_progress_of_an_audit_counts_rows_then_commits_then_roles(path: Path) -> None:
    reported: list[tuple[str, int | None, int]] = []

    with open_admin_store(f"sqlite:///{path}").pages() as pages:
        audit(pages, first=Revision(4), on_progress=lambda *progress: reported.append(progress))

    # A page of each of the nine tables: three of one row, an account, three roles and their tags, four commits, five changes.
    rows = [("rows", None, done) for done in (1, 2, 3, 4, 7, 10, 14, 19, 19)]
    assert reported == [*rows, *(("commits", 3, done) for done in (1, 2, 3)), ("roles", None, 3)]


def test_an_empty_store_is_sound(tmp_path: Path) -> None:
    open_sqlite(tmp_path / "empty.db").close()

    found = audited(f"sqlite:///{tmp_path}/empty.db")

    assert (breaks_of(found), found.head.revision, found.commits, found.roles) == ([], 0, 0, 0)


SET_BODY = "UPDATE changes SET body = CAST(replace(body, '{}', '{}') AS BLOB) WHERE revision = {}"
OTHER_ROLE = (
    "INSERT INTO roles SELECT '{0}/{1}', account_id, '{1}', '399', document, description, max_session_duration_seconds, '{{}}',"
    " create_time, update_time, {2} FROM roles WHERE key = '{3}'"
)
OTHER_DIGEST = (6, "the roles are not those that servers wrote up to revision 6: they have another digest")


def altered(revision: int) -> tuple[int, str]:
    return revision, f"commit {revision} was altered: its hash does not match"


def orphans(revision: int) -> tuple[int, str]:
    return revision, f"there are changes of commit {revision}, but not the commit"


def counted(stored: int, found: int, account: str = ACCOUNT) -> tuple[None, str]:
    return None, f"account `{account}` is counted with {stored} roles, but has {found}"


TAMPERINGS: list[tuple[str, list[tuple[int | None, str]]]] = [
    (SET_BODY.format('"second"', '"forged"', 3), [altered(3)]),
    ("UPDATE changes SET body = CAST(body AS TEXT) WHERE revision = 3", [(3, "`changes.body` of the row `3, 0` is text, it must be bytes")]),
    ("UPDATE changes SET body = x'00' WHERE revision = 3", [(3, "change 0 of commit 3 cannot be read"), altered(3)]),
    ("UPDATE changes SET body = CAST('{}' AS BLOB) WHERE revision = 3", [(3, "change 0 of commit 3 cannot be read"), altered(3)]),
    ("UPDATE commits SET body = CAST(replace(body, 'alice', 'mallory') AS BLOB) WHERE revision = 4", [altered(4)]),
    ("UPDATE commits SET body = CAST('{}' AS BLOB) WHERE revision = 4",
     [altered(4), (4, "commit 4 has an invalid header, or that of another commit")]),
    (r"UPDATE commits SET body = CAST(replace(body, 'alice', '\ud800') AS BLOB) WHERE revision = 4",
     [altered(4), (4, "commit 4 has an invalid header, or that of another commit")]),
    ("UPDATE commits SET body = CAST(body AS TEXT) WHERE revision = 4", [(4, "`commits.body` of the row `4` is text, it must be bytes")]),
    ("UPDATE commits SET hash = zeroblob(32) WHERE revision = 4", [altered(4), altered(5)]),
    ("UPDATE commits SET time = 7 WHERE revision = 4", [(4, "commit 4 is stored with another time than its header has")]),
    ("DELETE FROM commits WHERE revision = 4", [(4, "commit 4 is missing"), orphans(4)]),
    ("DELETE FROM commits WHERE revision IN (4, 5)", [(4, "commits 4 to 5 are missing"), orphans(4), orphans(5)]),
    ("DELETE FROM commits WHERE revision = 6", [orphans(6), (6, "commit 6 is missing")]),
    ("DELETE FROM changes WHERE revision = 5", [altered(5), (4, f"role `{GONE}` is missing, but commit 4 did not delete it")]),
    ("INSERT INTO changes SELECT revision, 1, role_id, body, role_key FROM changes WHERE revision = 3", [altered(3)]),
    ("INSERT INTO changes SELECT 9, 0, role_id, body, role_key FROM changes WHERE revision = 3",
     [(9, "there are changes of revision 9, but the newest revision is 6"),
      (9, f"role `{APP}` is not as commit 9 left it: revision, description differ")]),
    (f"UPDATE changes SET role_key = '{OLD}' WHERE revision = 3",
     [(3, f"change 0 of commit 3 is stored for role `{OLD}`, but is of `{APP}`"),
      (3, f"role `{OLD}` is not as commit 3 left it: role_id, role_name, revision, description, tags differ")]),
    ("UPDATE changes SET role_id = '1' WHERE revision = 3",
     [(3, "change 0 of commit 3 is stored for role id `1`, but is of `300000000000001002`")]),
    ("UPDATE counter SET hash = zeroblob(32)", [(6, "the newest hash of the store is not that of revision 6")]),
    ("UPDATE counter SET revision = 7", [(7, "commit 7 is missing")]),
    ("UPDATE counter SET revision = 5",
     [(6, "there are commits of revision 6, but the newest revision is 5"), (6, "there are changes of revision 6, but the newest revision is 5"),
      (5, "the newest hash of the store is not that of revision 5")]),
    ("UPDATE counter SET next_role_id = 300000000000001004",
     [(None, "the store would assign role id 300000000000001004 again: ids up to 300000000000001004 are in use"),
      (None, "the store would assign role id 300000000000001004 again: roles have ids up to 300000000000001004")]),
    ("UPDATE floor SET revision = 3",
     [(3, "there are commits of revision 3, but history begins after 3"), (3, "there are changes of revision 3, but history begins after 3"),
      altered(4)]),
    ("UPDATE floor SET revision = 1", [(2, "commit 2 is missing")]),
    ("UPDATE floor SET hash = zeroblob(32)", [altered(3)]),
    (f"UPDATE roles SET document = '{{}}' WHERE key = '{APP}'", [(6, f"role `{APP}` is not as commit 6 left it: document differs"), OTHER_DIGEST]),
    (f"UPDATE roles SET tags = '{{}}' WHERE key = '{APP}'",
     [(6, f"role `{APP}` is not as commit 6 left it: tags differs"), (6, f"role `{APP}` has other tags in the index than in itself"), OTHER_DIGEST]),
    (f"UPDATE roles SET tags = '[' WHERE key = '{APP}'", [(6, f"role `{APP}` cannot be read"), OTHER_DIGEST]),
    (f"UPDATE roles SET role_name = 'Other' WHERE key = '{KEPT}'",
     [(4, f"role `{KEPT}` is stored with a key that is not its own, `{ACCOUNT}/other`"),
      (4, f"role `{KEPT}` is not as commit 4 left it: role_name differs"), OTHER_DIGEST]),
    (f"DELETE FROM roles WHERE key = '{APP}'",
     [(6, f"role `{APP}` is missing, but commit 6 did not delete it"), counted(3, 2),
      (None, f"there are tags of a role `{APP}`, but no such role"), OTHER_DIGEST]),
    (OTHER_ROLE.format(ACCOUNT, "gone", 4, KEPT), [(5, f"role `{GONE}` exists, but commit 5 deleted it"), counted(3, 4), OTHER_DIGEST]),
    (OTHER_ROLE.format(ACCOUNT, "new", 6, KEPT),
     [(6, f"role `{ACCOUNT}/new` is of revision 6, but the log has no change of it"), counted(3, 4), OTHER_DIGEST]),
    (OTHER_ROLE.format("555555555555", "new", 1, KEPT),
     [(1, f"role `555555555555/new` is stored with a key that is not its own, `{ACCOUNT}/new`"), counted(0, 1, "555555555555"), OTHER_DIGEST]),
    (f"DELETE FROM role_tags WHERE role_key = '{OLD}'", [(1, f"role `{OLD}` has other tags in the index than in itself")]),
    (f"INSERT INTO role_tags VALUES ('tier', '2', '{APP}')", [(6, f"role `{APP}` has other tags in the index than in itself")]),
    ("INSERT INTO role_tags VALUES ('a', 'b', 'nobody')", [(None, "there are tags of a role `nobody`, but no such role")]),
    ("UPDATE accounts SET roles = 99", [counted(99, 3)]),
    ("DELETE FROM accounts", [counted(0, 3)]),
    ("INSERT INTO accounts VALUES ('777777777777', 0), ('111111111111', 2)", [counted(2, 0, "111111111111")]),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "wanted"), TAMPERINGS)
def test_each_alteration_is_found_and_described(
    path: Path, statement: str, wanted: list[tuple[int | None, str]]
) -> None:
    alter(path, statement)

    found = audited(f"sqlite:///{path}")

    assert breaks_of(found) == wanted
    assert (found.total_findings, found.skipped) == (len(wanted), ())


def test_an_id_of_a_deleted_role_must_not_be_assigned_again(tmp_path: Path) -> None:
    repository = open_sqlite(tmp_path / "rolecall.db")
    create(repository, "App", "Gone")
    remove(repository, GONE)
    repository.close()
    highest = 300_000_000_000_001_002

    sound = audited(f"sqlite:///{tmp_path}/rolecall.db")
    alter(tmp_path / "rolecall.db", f"UPDATE counter SET next_role_id = {highest}")
    altered = audited(f"sqlite:///{tmp_path}/rolecall.db")

    assert breaks_of(sound) == []
    # Only the log knows of the id: no role has it any more.
    assert breaks_of(altered) == [
        (None, f"the store would assign role id {highest} again: ids up to {highest} are in use")
    ]


def test_every_finding_is_reported_not_only_the_first(path: Path) -> None:
    alter(path, SET_BODY.format('"second"', '"forged"', 3), "UPDATE accounts SET roles = 99")
    alter(path, f"DELETE FROM role_tags WHERE role_key = '{OLD}'", "UPDATE commits SET time = 7 WHERE revision = 6")

    found = audited(f"sqlite:///{path}")

    assert [revision for revision, _ in breaks_of(found)] == [3, 6, 1, None]


def test_the_list_of_findings_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_findings, "MAX_LISTED_FINDINGS", 2)
    alter(path, "UPDATE commits SET time = 7")

    found = audited(f"sqlite:///{path}")

    assert ([broken.revision for broken in found.findings], found.total_findings) == ([3, 4], 4)


def test_a_list_of_findings_that_includes_others_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_findings, "MAX_LISTED_FINDINGS", 3)
    whole, others = audit_findings.Findings(), audit_findings.Findings()
    whole.add(1, "a")
    for revision in (2, 3, 4):
        others.add(revision, "b")
    others.add(None, "c")

    whole.include(others)
    whole.add(5, "d")

    assert ([(found.revision, found.message) for found in whole.listed], whole.total) == (
        [(1, "a"), (2, "b"), (3, "b")],
        6,
    )


def test_a_store_without_a_position_is_refused(path: Path) -> None:
    alter(path, "DELETE FROM counter")

    with pytest.raises(BrokenHistoryError, match="must have one row each"):
        audited(f"sqlite:///{path}")


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_small_pages_find_the_same(path: Path, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "_COMMITS", audit_log._COMMITS.limit(rows))
    monkeypatch.setattr(audit_log, "_CHANGES", audit_log._CHANGES.limit(rows))
    monkeypatch.setattr(audit_log, "ROWS_PER_PAGE", rows)
    for name in ("_ROLES", "_CHANGED_KEYS", "_TAGGED"):
        monkeypatch.setattr(audit_state, name, getattr(audit_state, name).limit(rows))

    sound = audited(f"sqlite:///{path}")
    alter(path, f"DELETE FROM roles WHERE key = '{KEPT}'", "UPDATE commits SET time = 7 WHERE revision = 6")
    altered = audited(f"sqlite:///{path}")

    assert (sound.total_findings, sound.commits, sound.changes, sound.roles) == (0, 4, 5, 3)
    assert {revision for revision, _ in breaks_of(altered)} == {6, 4, None}


# --- from a revision on


@pytest.mark.parametrize(("first", "commits"), [(3, 4), (4, 3), (6, 1)])
def test_the_walk_can_begin_later(path: Path, first: int, commits: int) -> None:
    found = audited(f"sqlite:///{path}", first)

    assert (breaks_of(found), found.first, found.commits) == ([], first, commits)


def test_a_walk_that_begins_later_does_not_examine_earlier_commits(path: Path) -> None:
    alter(path, SET_BODY.format('"second"', '"forged"', 3))

    assert breaks_of(audited(f"sqlite:///{path}", 4)) == []


@pytest.mark.parametrize("first", [1, 2, 7, 100])
def test_a_walk_cannot_begin_at_a_revision_that_is_not_stored(path: Path, first: int) -> None:
    with pytest.raises(RevisionNotKeptError, match=rf"cannot start at revision {first}: the log has revisions 3 to 6"):
        audited(f"sqlite:///{path}", first)


def noting(path: Path, noted: Floor) -> Audit:
    with open_admin_store(f"sqlite:///{path}").pages() as pages:
        return audit(pages, first=None, on_progress=lambda *_: None, noted=noted)


def hash_of(path: Path, revision: int) -> bytes:
    with closing(sqlite3.connect(path)) as connection:
        (found,) = connection.execute(
            "SELECT hash FROM commits WHERE revision = ? UNION SELECT hash FROM floor WHERE revision = ?",
            (revision,) * 2,
        ).fetchone()
        return bytes(found)


@pytest.mark.parametrize("revision", [2, 3, 6])
def test_a_noted_revision_that_is_kept_has_the_hash_that_was_noted_or_is_reported(path: Path, revision: int) -> None:
    right = hash_of(path, revision)

    same = noting(path, Floor(revision=Revision(revision), hash=right))
    other = noting(path, Floor(revision=Revision(revision), hash=bytes(32)))

    assert breaks_of(same) == []
    assert breaks_of(other) == [(revision, f"revision {revision} has another hash than was noted: {right.hex()}")]


@pytest.mark.parametrize("revision", [1, 7])
def test_a_noted_revision_that_is_not_kept_cannot_be_compared(path: Path, revision: int) -> None:
    with pytest.raises(RevisionNotKeptError) as caught:
        noting(path, Floor(revision=Revision(revision), hash=bytes(32)))

    assert str(caught.value) == (
        f"revision {revision}, whose hash was noted, is not kept: the log has revisions 3 to 6"
    )
    assert (caught.value.revision, caught.value.floor) == (revision, 2)


def test_a_walk_cannot_begin_in_an_empty_log(path: Path) -> None:
    with closing(open_sqlite(path)) as repository:
        repository.prune(keep_after=2_000, keep_revisions=0, forget_requests_before=0)

    with pytest.raises(RevisionNotKeptError) as caught:
        audited(f"sqlite:///{path}", 6)

    assert str(caught.value) == "the audit cannot start at revision 6: the log is empty"
    assert (caught.value.revision, caught.value.floor) == (6, 6)
    found = audited(f"sqlite:///{path}")
    assert (breaks_of(found), found.first, found.commits, found.older_than_the_log) == ([], 7, 0, 3)


# --- while servers are at work


def test_a_file_is_examined_while_a_server_writes_to_it(path: Path) -> None:
    server, stop = open_sqlite(path), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            create(server, f"n{number}", tags={"team": "b"})
            change(server, APP, description=f"at {number}")
            if number % 3 == 0:
                remove(server, f"{ACCOUNT}/n{number}")
            # A writer that never rests can keep a reader waiting beyond its busy timeout.
            stop.wait(0.002)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = [audited(f"sqlite:///{path}") for _ in range(5)]
    finally:
        stop.set()
        writer.join()
    server.close()

    assert [breaks_of(one) for one in found] == [[]] * 5
    assert found[-1].head.revision > found[0].head.revision


@contextmanager
def forgetting(url: str, forget: Callable[[int], object]) -> Iterator[Callable[[], AbstractContextManager[Connection]]]:
    """Give pages; `forget` is called before each, with its number."""
    numbers = iter(range(1_000_000))
    with open_admin_store(url).pages() as pages:

        @contextmanager
        def page() -> Iterator[Connection]:
            forget(next(numbers))
            with pages() as connection:
                yield connection

        yield page


def test_the_walk_restarts_when_commits_are_pruned_during_it(path: Path) -> None:
    server = open_sqlite(path)

    def forget(number: int) -> None:
        # The store says where it stands, its nine tables are read, and where the log begins; then its changes, and now its commits.
        if number == 12:
            server.prune(keep_after=2_000, keep_revisions=1, forget_requests_before=0)

    with forgetting(f"sqlite:///{path}", forget) as pages:
        found = audit(pages, first=None, on_progress=lambda *_: None)
    server.close()

    assert (breaks_of(found), found.first, found.commits) == ([], 6, 1)


def test_the_walk_does_not_restart_without_end(path: Path) -> None:
    server = open_sqlite(path)

    def forget(number: int) -> None:
        create(server, f"n{number}")
        server.prune(keep_after=2_000, keep_revisions=1, forget_requests_before=0)

    with forgetting(f"sqlite:///{path}", forget) as pages, pytest.raises(StoreUnavailableError, match="try again"):
        audit(pages, first=None, on_progress=lambda *_: None)
    server.close()


def test_examining_changes_nothing_and_needs_no_right_to_write(path: Path) -> None:
    before = path.read_bytes()

    audited(f"sqlite:///{path}")

    assert path.read_bytes() == before
    assert not path.with_name("rolecall.db.lock").exists()


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="there is no store"):
        audited(f"sqlite:///{tmp_path}/missing.db")

    assert list(tmp_path.iterdir()) == []


def test_a_file_with_an_unfinished_write_is_refused_with_what_to_do(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = DELETE")
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("CREATE TABLE more (x)")
        writer.executemany("INSERT INTO more VALUES (?)", [("y" * 4_000,)] * 100)
        # What a machine that stops at this moment leaves behind.
        left = path.with_name("left.db")
        shutil.copy(path, left)
        shutil.copy(f"{path}-journal", f"{left}-journal")

    with pytest.raises(StoreUnavailableError, match=r"has an unfinished write.* run `rolecall migrate`"):
        audited(f"sqlite:///{left}")
    migrate(f"sqlite:///{left}")
    assert breaks_of(audited(f"sqlite:///{left}")) == []


# --- on PostgreSQL


@pytest.fixture
def database(postgres_server: PostgresServer, path: Path) -> str:
    url = postgres_server.create_database()
    source = open_admin_store(f"sqlite:///{path}")
    with source.snapshot_transaction() as read, open_admin_store(url).fill_transaction() as written:
        copy_store(read, written, head_now=source.head, on_progress=lambda _: None, store=source.name)
    return url


def test_a_database_is_examined(database: str) -> None:
    found = audited(database)

    assert breaks_of(found) == []
    assert (found.commits, found.changes, found.roles, found.older_than_the_log) == (4, 5, 3, 1)


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ("UPDATE changes SET body = convert_to(replace(convert_from(body, 'UTF8'), '\"second\"', '\"forged\"'), 'UTF8') WHERE revision = 3",
         [(3, "commit 3 was altered: its hash does not match")]),
        ("DELETE FROM commits WHERE revision = 4", [(4, "commit 4 is missing"), (4, "there are changes of commit 4, but not the commit")]),
        (f"UPDATE roles SET document = '{{}}' WHERE key = '{APP}'", [(6, f"role `{APP}` is not as commit 6 left it: document differs")]),
        (f"DELETE FROM roles WHERE key = '{KEPT}'", [(4, f"role `{KEPT}` is missing, but commit 4 did not delete it")]),
        ("INSERT INTO role_tags VALUES ('a', 'b', 'nobody')", [(None, "there are tags of a role `nobody`, but no such role")]),
        ("UPDATE accounts SET roles = 99", [(None, f"account `{ACCOUNT}` is counted with 99 roles, but has 3")]),
    ],
)  # fmt: skip
def test_each_alteration_of_a_database_is_found(
    database: str, statement: str, wanted: list[tuple[int | None, str]]
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(statement.encode())

    found = breaks_of(audited(database))

    assert [finding for finding in wanted if finding not in found] == []


def test_a_database_is_examined_at_one_revision_while_servers_write(database: str) -> None:
    server, stop = open_repository(database), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            create(server, f"n{number}", tags={"team": "b"})
            change(server, APP, description=f"at {number}")
            server.prune(keep_after=2_000, keep_revisions=3, forget_requests_before=0)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = [audited(database) for _ in range(3)]
    finally:
        stop.set()
        writer.join()
    server.close()

    assert [breaks_of(one) for one in found] == [[]] * 3
    assert found[-1].head.revision > found[0].head.revision


def test_a_database_without_tables_is_refused(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database()

    with pytest.raises(Exception, match="run `rolecall migrate` once"):
        audited(url)
    migrate(url)
    assert audited(url).total_findings == 0
