"""The commands that look after a store, on real files and real databases."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from rolecall.cli.options.shared import Output
from rolecall.roles.repository import RoleRepository
from rolecall.storage import open_repository, schema_of
from tests.cli.conftest import CommandLine
from tests.cli.serving import REPOSITORY, environment, served
from tests.postgres import PostgresServer
from tests.storage.samples import ACCOUNT, change, create, remove
from tests.storage.stores import AS_SCHEMA_0002

NEWEST = "0005"
SECRET = "s3cr3t-canary"


@contextmanager
def opened(url: str) -> Iterator[RoleRepository]:
    repository = open_repository(url)
    try:
        yield repository
    finally:
        repository.close()


@pytest.fixture
def store(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/rolecall.db"
    with opened(url) as repository:
        create(repository, "App", "Gone", tags={"team": "a"})
        remove(repository, f"{ACCOUNT}/gone")
        change(repository, f"{ACCOUNT}/app", description="newest")
    return url


def make_old(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in AS_SCHEMA_0002:
            connection.execute(statement)


def in_process(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "rolecall", *arguments]
    return subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY
    )


# --- migrate


def test_a_new_file_is_created(rolecall: CommandLine, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"

    check = rolecall("migrate", "--store", url, "--check")
    checked = list(tmp_path.iterdir())
    first, second = rolecall("migrate", "--store", url), rolecall("migrate", "--store", url)
    again = rolecall("migrate", "--store", url, "--check")

    name = f"`{tmp_path}/new.db`"
    assert (check.code, checked) == (1, [])
    assert check.out == f"{name} has no tables yet; this version needs {NEWEST}: run `rolecall migrate`\n"
    assert (first.code, first.out) == (0, f"{name} was created with schema {NEWEST}\n")
    assert (second.code, second.out) == (0, f"{name} has schema {NEWEST}: nothing to do\n")
    assert (again.code, again.out) == (0, second.out)


def test_an_old_file_is_brought_up_to_date(rolecall: CommandLine, store: str, tmp_path: Path) -> None:
    make_old(tmp_path / "rolecall.db")

    check = rolecall("migrate", "--store", store, "--check", "-o", "json")
    done = rolecall("migrate", "--store", store)

    assert check.code == 1
    assert json.loads(check.out) == {
        "store": str(tmp_path / "rolecall.db"), "before": "0002", "after": "0002", "wanted": NEWEST, "up_to_date": False,
    }  # fmt: skip
    assert (done.code, done.out) == (0, f"`{tmp_path}/rolecall.db` was migrated from schema 0002 to {NEWEST}\n")
    assert rolecall("audit", "verify", "--store", store).code == 0


def test_the_tables_of_a_database_are_created_once(rolecall: CommandLine, postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database()

    outcomes = [rolecall("migrate", "--store", url, *more) for more in (["--check"], [], [], ["--check"])]

    assert [(outcome.code, outcome.out) for outcome in outcomes] == [
        (1, f"the database has no tables yet; this version needs {NEWEST}: run `rolecall migrate`\n"),
        (0, f"the database was created with schema {NEWEST}\n"),
        (0, f"the database has schema {NEWEST}: nothing to do\n"),
        (0, f"the database has schema {NEWEST}: nothing to do\n"),
    ]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_at_once_migrate_once(kind: str, tmp_path: Path, postgres_server: PostgresServer) -> None:
    url = f"sqlite:///{tmp_path}/new.db" if kind == "sqlite" else postgres_server.create_database()

    processes = [in_process("migrate", "--store", url, "-o", "json") for _ in range(3)]
    reported = [process.communicate(timeout=120) for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0], reported
    assert {json.loads(out)["after"] for out, _ in reported} == {NEWEST}
    assert schema_of(url) == NEWEST


def test_a_file_that_a_server_has_needs_nothing(rolecall: CommandLine, store: str) -> None:
    with opened(store):
        outcome = rolecall("migrate", "--store", store)

    assert (outcome.code, outcome.out.endswith("nothing to do\n")) == (0, True)


def test_a_newer_schema_is_not_changed(rolecall: CommandLine, store: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "rolecall.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0099'")
    can = [rolecall("migrate", "--store", store, *more) for more in ([], ["--check"])]
    with closing(sqlite3.connect(tmp_path / "rolecall.db")) as connection, connection:
        connection.execute("UPDATE counter SET compatible_from = 99")
    cannot = [rolecall("migrate", "--store", store, *more) for more in ([], ["--check"])]

    assert [outcome.code for outcome in can] == [0, 0]
    assert all(f"newer than {NEWEST} but compatible with this version: nothing to do" in outcome.out for outcome in can)
    assert [outcome.code for outcome in cannot] == [2, 2]
    assert all("open it with the version that wrote it" in outcome.err for outcome in cannot)


def test_a_database_that_is_down_is_waited_for(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database()
    postgres_server.stop()
    try:
        at_once = in_process("migrate", "--store", url)
        refused = at_once.communicate(timeout=120)
        waiting = in_process("migrate", "--store", url, "--wait", "300")
        assert waiting.stderr is not None
        reported = waiting.stderr.readline()
    finally:
        postgres_server.start()
    out, _ = waiting.communicate(timeout=120)

    assert at_once.returncode == 2
    assert refused[1].startswith("error: cannot connect to the database: ")
    assert reported.startswith("waiting: cannot connect to the database: ")
    assert (waiting.returncode, out) == (0, f"the database was created with schema {NEWEST}\n")


# --- what programs read


def test_programs_read_what_a_verification_found(rolecall: CommandLine, store: str, tmp_path: Path) -> None:
    printed = json.loads(rolecall("audit", "verify", "-o", "json", "--store", store).out)

    assert list(printed) == [
        "store", "sound", "not_examined", "incarnation", "from", "to", "hash", "commits", "changes", "roles",
        "roles_older_than_the_log", "total_breaks", "breaks",
    ]  # fmt: skip
    assert printed["store"].endswith(".db")


# --- which store


def test_the_store_comes_from_the_option_or_the_variables(
    rolecall: CommandLine, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "url").write_text(f"{store}\n")
    monkeypatch.chdir(tmp_path)
    by_default = rolecall("audit", "verify", "-o", "json")
    by_flag = rolecall("audit", "verify", "-o", "json", "--store", store)
    by_file = rolecall("audit", "verify", "-o", "json", "--store-file", "url")
    monkeypatch.setenv("ROLECALL_STORE", store)
    by_variable = rolecall("audit", "verify", "-o", "json")
    monkeypatch.setenv("ROLECALL_STORE", "sqlite:///nowhere.db")
    monkeypatch.setenv("ROLECALL_STORE_FILE", "url")
    by_file_variable = rolecall("audit", "verify", "-o", "json", "--store-file", "url")
    over_variables = rolecall("audit", "verify", "-o", "json", "--store", store)

    outcomes = [by_default, by_flag, by_file, by_variable, by_file_variable, over_variables]
    assert {outcome.code for outcome in outcomes} == {0}
    assert {outcome.out for outcome in outcomes} == {by_flag.out}


@pytest.mark.parametrize(
    "arguments",
    [
        ["migrate", "--store"], ["migrate", "--check", "--store"], ["audit", "verify", "--store"],
        ["backup", "b", "--store"], ["store", "copy", "sqlite:///none.db"], ["restore", "a.backup", "--store"],
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{SECRET}@127.0.0.1:1/d", f"postgresql://u:x/{SECRET}@127.0.0.1:1/d",
        f"postgresql://u@127.0.0.1:1/d?password={SECRET}", f"postgresql://u:{SECRET}@h/d?nothing=1", f"mysql://u:{SECRET}@h/d",
    ],
)  # fmt: skip
def test_no_message_has_the_password(
    rolecall: CommandLine, store: str, tmp_path: Path, arguments: list[str], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert rolecall("backup", "a.backup", "--store", store).code == 0
    with opened("sqlite:///none.db"):
        pass

    outcome = rolecall(*arguments, url)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: ")
    assert SECRET not in outcome.err
    assert "unexpected error" not in outcome.err


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["audit", "verify", "--store", "sqlite:///a.db", "--store-file", "b"], "only one of --store and --store-file"),
        (["audit", "verify", "--store-file", "missing"], "cannot read `missing`"),
        (["audit", "verify", "--store", "sqlite:///missing.db"], "there is no store `"),
        (["audit", "verify", "--from", "9"], "the audit cannot start at revision 9: the log has revisions 1 to 3"),
        (["backup", "rolecall.db"], "`rolecall.db` exists already"),
        (["backup", "rolecall.db", "--force"], "`rolecall.db` is the store itself"),
        (["backup", "missing/a.backup"], "there is no directory `missing`"),
        (["backup", "b", "--store", "memory://"], "a store in memory exists only in its server"),
        (["restore", "missing"], "cannot use `missing`: no such file or directory"),
        (["restore", "rolecall.db"], "is not a backup; give a file that `rolecall backup` wrote"),
        (["restore", "."], "cannot use `.`: it is a directory, not a regular file"),
        (["restore", ""], "FILE is empty\n  help: give the name of the backup"),
        (["backup", ""], "FILE is empty\n  help: give the name of the backup"),
        (["backup", "", "--force"], "FILE is empty"),
        (["backup", ".", "--force"], "`.` cannot be the backup: it is a directory, not a regular file"),
        (["backup", "/dev/null", "--force"], "`/dev/null` cannot be the backup: it is a device, not a regular file"),
        (["backup", "rolecall.db-wal"], "`rolecall.db-wal` belongs to the store"),
        (["backup", "rolecall.db-journal", "--force"], "`rolecall.db-journal` belongs to the store"),
        (["backup", "rolecall.db.lock", "--force"], "`rolecall.db.lock` belongs to the store"),
        (["store", "copy", "sqlite:///rolecall.db", "sqlite:///rolecall.db"], "FROM and TO are the same file"),
        (["store", "copy", "sqlite:///missing.db", "sqlite:///b.db"], "FROM: there is no store `"),
        (["store", "copy", "sqlite:///rolecall.db", "sqlite:///no/b.db"], "TO: there is no directory `"),
        (["store", "copy", "sqlite:///rolecall.db", "@missing"], "cannot read `missing`"),
        (["migrate", "--store", "sqlite:///no/b.db"], "there is no directory `"),
        (["migrate", "--store", "memory://"], "a store in memory"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(
    rolecall: CommandLine,
    store: str,
    tmp_path: Path,
    arguments: list[str],
    reported: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = (tmp_path / "rolecall.db").read_bytes()

    outcome = rolecall(*arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert reported in outcome.err
    assert len(outcome.err.splitlines()) <= 2
    assert "unexpected error" not in outcome.err
    assert (tmp_path / "rolecall.db").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rolecall.db", "rolecall.db.lock"]


def test_a_store_is_not_copied_into_a_hard_link_to_it(rolecall: CommandLine, store: str, tmp_path: Path) -> None:
    path = Path(store.removeprefix("sqlite:///"))
    os.link(path, tmp_path / "link.db")

    outcome = rolecall("store", "copy", store, f"sqlite:///{tmp_path}/link.db")

    assert (outcome.code, outcome.out) == (2, "")
    assert "FROM and TO are the same file" in outcome.err


def test_a_backup_replaces_no_link(rolecall: CommandLine, store: str, tmp_path: Path) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "link").symlink_to("target")

    outcome = rolecall("backup", str(tmp_path / "link"), "--force", "--store", store)

    assert outcome.code == 2
    assert "it is a symbolic link, not a regular file" in outcome.err
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "precious"


def test_a_url_is_not_read_from_a_pipe(rolecall: CommandLine, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "url")

    outcome = rolecall("audit", "verify", "--store-file", str(tmp_path / "url"))

    assert outcome.code == 2
    assert "cannot read" in outcome.err
    assert "it is a named pipe, not a regular file" in outcome.err


# --- there and back


def test_a_store_outgrows_its_file_and_comes_back(
    rolecall: CommandLine, store: str, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    database = postgres_server.create_database()
    (tmp_path / "url").write_text(database)

    there = rolecall("store", "copy", store, f"@{tmp_path}/url")
    again = rolecall("store", "copy", store, database)
    back = rolecall("store", "copy", f"@{tmp_path}/url", f"sqlite:///{tmp_path}/back.db", "-o", "json")

    assert (there.code, there.err) == (0, "")
    assert there.out.startswith("copied 1 role at revision 3, with the complete log\n")
    assert (again.code, again.out) == (2, "")
    assert again.err.startswith("error: TO: the database is not empty, it is at revision 3; ")
    with opened(store) as repository:
        reported = json.loads(back.out)
        assert (reported["roles"], reported["revision"], reported["incarnation"]) == (
            1,
            3,
            repository.head().incarnation,
        )
    verified = rolecall("audit", "verify", "-o", "json", "--store", database)
    assert (
        json.loads(verified.out)["hash"]
        == json.loads(rolecall("audit", "verify", "-o", "json", "--store", store).out)["hash"]
    )


def test_a_backup_of_a_server_at_work_is_restored(rolecall: CommandLine, store: str, tmp_path: Path) -> None:
    file, target = tmp_path / "a.backup", f"sqlite:///{tmp_path}/restored.db"
    with served("--store", store, directory=tmp_path):
        made = rolecall("backup", str(file), "--store", store)
        busy = rolecall("store", "copy", store, target)
        audited = rolecall("audit", "verify", "--store", store)
        into_it = rolecall("restore", str(file), "--store", store)
    refused = rolecall("backup", str(file), "--store", store)
    replaced = rolecall("backup", str(file), "--store", store, "--force", "-o", "json")
    restored = rolecall("restore", str(file), "--store", target)
    occupied = rolecall("restore", str(file), "--store", target)

    assert (made.code, made.out) == (0, f"wrote revision 3 with 13 rows to `{file}`\n")
    assert (busy.code, "FROM: `" in busy.err, "is in use by another server (process " in busy.err) == (2, True, True)
    assert audited.code == 0
    assert (into_it.code, "is in use by another server" in into_it.err) == (2, True)
    assert (refused.code, "replace it with --force" in refused.err) == (2, True)
    assert (replaced.code, json.loads(replaced.out)["revision"]) == (0, 3)
    assert restored.code == 0
    assert restored.out.startswith(
        f"restored 1 role at revision 3 from `{file}`\nthe store has a new history, incarnation "
    )
    assert (occupied.code, "is not empty, it is at revision 3" in occupied.err) == (2, True)
    with opened(store) as old, opened(target) as new:
        assert list(new.load()) == list(old.load())
        assert (new.token_key, new.head().hash) == (old.token_key, old.head().hash)
        assert new.head().incarnation != old.head().incarnation


# --- audit


def test_a_valid_store_is_reported_in_two_lines(rolecall: CommandLine, store: str, tmp_path: Path) -> None:
    outcome = rolecall("audit", "verify", "--store", store)

    first, second = outcome.out.splitlines()
    assert outcome.code == 0
    assert first == f"✓ `{tmp_path}/rolecall.db`: matches its log"
    assert second.startswith("verified revisions 1 to 3: 3 commits, 4 changes, 1 role; 3:")


@pytest.mark.parametrize("output", list(Output))
def test_a_store_that_was_altered_fails_the_audit(
    rolecall: CommandLine, store: str, tmp_path: Path, output: Output
) -> None:
    with closing(sqlite3.connect(tmp_path / "rolecall.db")) as connection, connection:
        connection.execute("UPDATE commits SET time = 7")
        connection.execute("UPDATE roles SET document = '\x1b[31m{}'")

    outcome = rolecall("audit", "verify", "--store", store, "--from", "2", "-o", output.value)

    assert (outcome.code, outcome.err) == (1, "")
    if output is Output.JSON:
        reported = json.loads(outcome.out)
        assert (reported["sound"], reported["total_breaks"], reported["from"], reported["to"]) == (False, 4, 2, 3)
        assert [broken["revision"] for broken in reported["breaks"]] == [2, 3, 3, 3]
    else:
        assert "3 commit 3 is stored with another time than its header has" in " ".join(outcome.out.split())
        assert "rolecall.db`: 4 breaks\n" in outcome.out
        assert "\x1b" not in outcome.out


def test_a_rewritten_history_does_not_match_a_noted_hash(rolecall: CommandLine, store: str, tmp_path: Path) -> None:
    noted = rolecall("audit", "verify", "--store", store).out.split("; ")[-1].strip()
    with opened(store) as repository:
        create(repository, "Next")
    other = f"sqlite:///{tmp_path}/other.db"
    with opened(other) as repository:
        for number in range(4):
            create(repository, f"forged-{number}")

    same, forged = (rolecall("audit", "verify", "--noted", noted, "--store", url) for url in (store, other))
    lost = rolecall("audit", "verify", "--noted", noted.replace("3:", "9:", 1), "--store", store)
    unreadable = rolecall("audit", "verify", "--noted", noted[:-1], "--store", store)

    assert (same.code, forged.code, lost.code, unreadable.code) == (0, 1, 2, 2)
    assert "revision 3 has another hash than was noted: " in forged.out
    assert "revision 9, whose hash was noted, is not kept: the log has revisions" in lost.err
    assert "--noted takes REVISION:HASH" in unreadable.err


def test_a_database_is_audited_while_servers_write(rolecall: CommandLine, postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database()
    assert rolecall("migrate", "--store", url).code == 0
    stop = threading.Event()

    def write(name: str) -> None:
        with opened(url) as repository:
            number = 0
            while not stop.is_set():
                number += 1
                create(repository, f"{name}-{number}")

    writers = [threading.Thread(target=write, args=[name]) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    try:
        outcomes = [rolecall("audit", "verify", "--store", url, "-o", "json") for _ in range(3)]
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE changes SET body = '' WHERE revision = 1")
    altered = rolecall("audit", "verify", "--store", url, "-o", "json")

    assert [outcome.code for outcome in outcomes] == [0, 0, 0]
    assert (altered.code, json.loads(altered.out)["breaks"][0]["revision"]) == (1, 1)


# --- cut short


def test_a_copy_that_is_killed_leaves_the_target_empty(
    rolecall: CommandLine, store: str, postgres_server: PostgresServer
) -> None:
    database = postgres_server.create_database()
    assert rolecall("migrate", "--store", database).code == 0

    with psycopg.connect(database) as other:
        # The copy waits for this row when it comes to its own of that key, with most of the store behind it.
        other.execute("INSERT INTO changes VALUES (3, 0, '', '', '')")
        process = in_process("store", "copy", store, database)
        wait_for_lock(postgres_server, database, process)
        process.kill()
        process.communicate()
        other.rollback()
    done = rolecall("store", "copy", store, database)

    assert process.returncode == -signal.SIGKILL
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("copied 1 role at revision 3")


def wait_for_lock(server: PostgresServer, url: str, process: subprocess.Popen[str]) -> None:
    """Return when a transaction on the database waits for another."""
    name = url.rpartition("/")[2]
    query = f"SELECT 1 FROM pg_stat_activity WHERE datname = '{name}' AND wait_event_type = 'Lock'"
    while not server.execute(query):
        assert process.poll() is None, process.communicate()


def test_sigterm_ends_a_command_in_order_even_if_it_was_ignored() -> None:
    waiting = subprocess.Popen(
        [sys.executable, "-m", "rolecall", "migrate", "--wait", "60", "--store", "postgresql://127.0.0.1:1/x"],
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stderr is not None
    reported = waiting.stderr.readline()

    waiting.send_signal(signal.SIGTERM)
    _, rest = waiting.communicate(timeout=30)

    # A signal that nothing handles ends it with a negative code, and would be lost on the first process of a container.
    assert waiting.returncode == 143
    assert reported.startswith("waiting: ")
    assert rest == ""


def test_a_backup_removes_the_remains_of_a_killed_one(rolecall: CommandLine, store: str, tmp_path: Path) -> None:
    left = tmp_path / ".x.backup.copy"
    left.write_text("half a store")

    rolecall("backup", str(tmp_path / "x.backup"), "--store", store)

    assert not left.exists()
    assert (tmp_path / "x.backup").exists()


def test_migrate_succeeds_without_the_store_if_a_snapshot_file_exists(rolecall: CommandLine, tmp_path: Path) -> None:
    nowhere, kept = "postgresql://127.0.0.1:1/x", tmp_path / "snapshot"
    without = rolecall("migrate", "--store", nowhere, "--or-snapshot", str(kept))
    kept.touch()
    with_it = rolecall("migrate", "--store", nowhere, "--or-snapshot", str(kept))

    assert without.code == 2
    assert (with_it.code, with_it.out) == (0, "")
    assert "nothing listens at its address" in with_it.err
    assert f"a server can start from `{kept}`" in with_it.err
