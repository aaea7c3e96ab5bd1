"""What an audit sees in the tables themselves: values of wrong types, empty keys, what the counter still has to give."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from rolecall.cli.entry import run
from rolecall.roles.errors import BrokenHistoryError
from rolecall.roles.repository import Remembered
from rolecall.roles.role import Revision
from rolecall.storage.maintenance import audit_tables
from rolecall.storage.maintenance.admin_store import open_admin_store
from rolecall.storage.maintenance.audit import Audit, audit
from rolecall.storage.maintenance.copy_store import copy_store
from rolecall.storage.sqlite.driver import open_sqlite
from tests.postgres import PostgresServer
from tests.storage.samples import ACCOUNT, author, change, create

EXIT_BROKEN, EXIT_REFUSED = 1, 2
APP, OLD = f"{ACCOUNT}/app", f"{ACCOUNT}/old"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Make revisions 1 to 4, of which 3 and 4 are kept; role `old` and its id are older than the log."""
    path = tmp_path / "rolecall.db"
    repository = open_sqlite(path)
    create(repository, "App", tags={"team": "b"})
    create(repository, "Old", tags={"team": "a"})
    change(repository, APP, description="second")
    repository.transact(author(2_000), lambda writing: writing.remember("scope", "id", Remembered(b"f", b"o")))
    create(repository, "A", "B", "C")
    repository.prune(keep_after=2_000, keep_revisions=2, forget_requests_before=0)
    repository.close()
    return path


@pytest.fixture
def database(postgres_server: PostgresServer, path: Path) -> str:
    url = postgres_server.create_database()
    source = open_admin_store(f"sqlite:///{path}")
    with source.snapshot_transaction() as read, open_admin_store(url).fill_transaction() as written:
        copy_store(read, written, head_now=source.head, on_progress=lambda _: None, store=source.name)
    return url


def audited(url: str, first: int | None = None) -> Audit:
    with open_admin_store(url).pages() as pages:
        return audit(pages, first=None if first is None else Revision(first), on_progress=lambda *_: None)


def messages_of(found: Audit) -> list[str]:
    return [broken.message for broken in found.findings]


def alter(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(statement).rowcount >= 1


def test_an_unaltered_store_has_no_findings(path: Path) -> None:
    found = audited(f"sqlite:///{path}")

    assert (messages_of(found), found.skipped) == ([], ())


# --- values of wrong types


MISTYPED = [
    ("accounts.account_id", "x'ff'", "bytes", ("roles",)),
    ("accounts.roles", "'many'", "text", ("roles",)),
    ("changes.body", "'{}'", "text", ()),
    ("changes.ordinal", "'x'", "text", ("log", "roles")),
    ("changes.revision", "'x'", "text", ("log", "roles")),
    ("changes.role_id", "x'ff'", "bytes", ("log", "roles")),
    ("changes.role_key", "x'ff'", "bytes", ("log", "roles")),
    ("commits.body", "'{}'", "text", ()),
    ("commits.hash", "7", "a whole number", ("log",)),
    ("commits.time", "1.5", "a fraction", ("log",)),
    ("counter.compatible_from", "'x'", "text", ("log", "roles")),
    ("counter.digest", "'x'", "text", ("log", "roles")),
    ("counter.hash", "'x'", "text", ("log", "roles")),
    ("counter.next_role_id", "'x'", "text", ("log", "roles")),
    ("counter.revision", "x'ff'", "bytes", ("log", "roles")),
    ("floor.hash", "1099511627776", "a whole number", ("log", "roles")),
    ("floor.revision", "'x'", "text", ("log", "roles")),
    ("meta.incarnation", "x'ff'", "bytes", ("log",)),
    ("meta.token_key", "'x'", "text", ("log",)),
    ("requests.fingerprint", "'x'", "text", ()),
    ("requests.outcome", "1", "a whole number", ()),
    ("requests.request_id", "x'ff'", "bytes", ()),
    ("requests.scope", "x'ff'", "bytes", ()),
    ("requests.time", "'x'", "text", ()),
    ("role_tags.role_key", "x'ff'", "bytes", ("roles",)),
    ("role_tags.tag_key", "x'ff'", "bytes", ("roles",)),
    ("roles.key", "x'ff'", "bytes", ("roles",)),
    ("roles.max_session_duration_seconds", "1.5", "a fraction", ("roles",)),
    ("roles.revision", "'x'", "text", ("roles",)),
    ("roles.tags", "x'ff'", "bytes", ("roles",)),
]


@pytest.mark.parametrize(("column", "value", "kind", "skipped"), MISTYPED)
def test_a_value_of_a_wrong_type_is_reported_and_the_audits_that_it_would_break_are_skipped(
    path: Path, column: str, value: str, kind: str, skipped: tuple[str, ...]
) -> None:
    table, name = column.split(".")
    first = f"SELECT min({name}) FROM {table}"
    alter(
        path,
        f"UPDATE {table} SET {name} = {value} WHERE {name} = ({first})"
        + (" AND ordinal = 0" if table == "changes" else ""),
    )

    found = audited(f"sqlite:///{path}")

    assert any(
        text.startswith(f"`{column}` of the row `") and f"` is {kind}, it must be " in text
        for text in messages_of(found)
    )
    assert found.skipped == skipped


def test_a_value_of_a_wrong_type_is_reported_with_its_row_and_its_revision(path: Path) -> None:
    alter(path, "UPDATE changes SET role_id = x'00' WHERE revision = 4 AND ordinal = 1")

    found = audited(f"sqlite:///{path}")

    assert [(broken.revision, broken.message) for broken in found.findings] == [
        (4, "`changes.role_id` of the row `4, 1` is bytes, it must be text")
    ]


def test_a_body_of_another_type_does_not_hide_what_else_is_wrong(path: Path) -> None:
    alter(path, "UPDATE changes SET body = 'x' WHERE revision = 4 AND ordinal = 1")

    found = audited(f"sqlite:///{path}")

    assert "commit 4 was altered: its hash does not match" in messages_of(found)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_small_pages_find_every_value_once(path: Path, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_tables, "ROWS_PER_PAGE", rows)
    alter(
        path, "UPDATE changes SET ordinal = CASE ordinal WHEN 0 THEN x'00' ELSE ordinal || 'x' END WHERE revision = 4"
    )
    alter(path, f"UPDATE roles SET key = x'ff' WHERE key = '{APP}'")

    found = audited(f"sqlite:///{path}")

    assert len(found.findings) == 4
    assert [text.split(" of ")[0] for text in messages_of(found)] == ["`roles.key`", *["`changes.ordinal`"] * 3]


def test_a_skipped_audit_is_reported_and_fails(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alter(path, "UPDATE counter SET hash = 'x'")

    code = run(["audit", "verify", "--store", f"sqlite:///{path}"])

    text = capsys.readouterr().out
    assert code == EXIT_BROKEN
    assert "not verified: the log and the roles; correct the values of wrong types, then verify again\n" in text
    assert text.endswith("verified no revision: 0 commits, 0 changes, 0 roles\n")


def test_a_skipped_audit_is_in_the_json(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alter(path, "UPDATE counter SET hash = 'x'")

    code = run(["audit", "verify", "--store", f"sqlite:///{path}", "-o", "json"])

    text = json.loads(capsys.readouterr().out)
    assert (code, text["sound"], text["not_examined"]) == (EXIT_BROKEN, False, ["log", "roles"])
    assert [text[name] for name in ("incarnation", "from", "to", "hash")] == [None] * 4


def test_tags_that_are_not_text_make_a_role_unreadable(path: Path) -> None:
    alter(path, f"""UPDATE roles SET tags = '{{"k":{{"a":1}}}}' WHERE key = '{OLD}'""")

    found = audited(f"sqlite:///{path}")

    assert f"role `{OLD}` cannot be read" in messages_of(found)


# --- what else no server leaves behind; on every engine


SECOND_ROWS = {
    "meta": "INSERT INTO meta SELECT 2, incarnation, token_key FROM meta",
    "counter": "INSERT INTO counter SELECT 2, revision, hash, next_role_id, compatible_from, digest FROM counter",
    "floor": "INSERT INTO floor SELECT 2, revision, hash FROM floor",
}
UNSEEN = [
    ("UPDATE counter SET next_role_id = 300000000000001002", "the store would assign role id 300000000000001002 again: roles have ids up to"),
    ("UPDATE counter SET compatible_from = 6", "the store has schema 0005, but accepts writes only from versions that support schema 0006 or later"),
    ("UPDATE changes SET ordinal = 7 WHERE revision = 4 AND ordinal = 2", "commit 4 has change 7 where change 2 is expected"),
    ("UPDATE changes SET ordinal = -1 WHERE revision = 4 AND ordinal = 0", "commit 4 has change -1 where change 0 is expected"),
    (f"UPDATE roles SET key = '' WHERE key = '{OLD}'", "`roles.key` of the row `` is empty, it must have a value"),
    ("INSERT INTO accounts VALUES ('', 7)", "`accounts.account_id` of the row `` is empty, it must have a value"),
    ("INSERT INTO role_tags VALUES ('', '', '')", "`role_tags.role_key` of the row `, , ` is empty, it must have a value"),
]  # fmt: skip


@pytest.mark.parametrize("table", SECOND_ROWS)
def test_a_store_with_two_positions_is_refused(path: Path, table: str) -> None:
    alter(path, SECOND_ROWS[table])

    with pytest.raises(BrokenHistoryError, match="must have one row each"):
        audited(f"sqlite:///{path}")


@pytest.mark.long
@pytest.mark.parametrize("table", SECOND_ROWS)
def test_a_database_with_two_positions_is_refused(database: str, table: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(SECOND_ROWS[table].encode())

    with pytest.raises(BrokenHistoryError, match="must have one row each"):
        audited(database)


@pytest.mark.parametrize(("statement", "wanted"), UNSEEN)
def test_a_state_that_no_server_writes_is_found(path: Path, statement: str, wanted: str) -> None:
    alter(path, statement)

    found = audited(f"sqlite:///{path}")

    assert any(text.startswith(wanted) for text in messages_of(found)), messages_of(found)


@pytest.mark.long
@pytest.mark.parametrize(("statement", "wanted"), UNSEEN)
def test_a_state_that_no_server_writes_is_found_in_a_database(database: str, statement: str, wanted: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(statement.encode())

    found = audited(database)

    assert any(text.startswith(wanted) for text in messages_of(found)), messages_of(found)


def test_role_ids_of_live_roles_are_seen_wherever_the_walk_begins(path: Path) -> None:
    alter(path, "UPDATE counter SET next_role_id = 300000000000000001")

    found = audited(f"sqlite:///{path}", first=4)

    assert any("again: roles have ids up to" in text for text in messages_of(found))


def test_a_role_id_of_a_thousand_digits_is_none_that_was_given(path: Path) -> None:
    alter(path, f"UPDATE roles SET role_id = '{'9' * 5_000}' WHERE key = '{OLD}'")

    found = audited(f"sqlite:///{path}")

    # The id is no number that was given; that the row was altered is found by the digest.
    assert [message.partition(":")[2] for message in messages_of(found)] == [" they have another digest"]


# --- what was noted


@pytest.mark.parametrize("revision", ["9223372036854775808", "1" * 25, "1" * 5_000])
def test_a_noted_revision_that_no_store_has_is_refused(
    path: Path, revision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["audit", "verify", "--store", f"sqlite:///{path}", "--noted", f"{revision}:{'0' * 64}"])

    text = " ".join(capsys.readouterr().err.split())
    assert code == EXIT_REFUSED
    assert f"--noted has revision `{revision[:64]}" in text
    assert "higher than any store can have; give what `audit verify` printed" in text
