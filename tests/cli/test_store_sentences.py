"""What the commands on stores print, as a whole, and which files of a store a backup never replaces."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from rolecall.storage import open_repository
from rolecall.storage.sql.tables import SCHEMA
from tests.cli.conftest import CommandLine
from tests.storage.samples import create

NEWEST = f"{SCHEMA:04}"
NOWHERE = "postgresql://127.0.0.1:1/x"
UNREACHED = "cannot connect to the database: nothing listens at its address"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rolecall: CommandLine) -> Path:
    """Give the current directory, with a store of one role."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROLECALL_STORE", "sqlite:///a.db")
    repository = open_repository("sqlite:///a.db")
    create(repository, "App")
    repository.close()
    return tmp_path


def read(rolecall: CommandLine, *arguments: str) -> tuple[int, Any]:
    outcome = rolecall(*arguments, "-o", "json")
    return outcome.code, json.loads(outcome.out)


def test_a_store_is_saved_restored_and_copied_with_a_sentence_for_each(rolecall: CommandLine) -> None:
    saved = rolecall("backup", "x.backup")
    restored = rolecall("restore", "x.backup", "--store=sqlite:///b.db")
    copied = rolecall("store", "copy", "sqlite:///a.db", "sqlite:///c.db")
    code, record = read(rolecall, "backup", "x.backup", "--force")

    assert (code, sorted(record)) == (0, ["created", "file", "incarnation", "revision", "rows", "sha256"])
    assert saved == (0, f"wrote revision 1 with {record['rows']} rows to `x.backup`\n", "")
    first, second = restored.out.splitlines()
    assert (restored.code, first) == (0, "restored 1 role at revision 1 from `x.backup`")
    assert re.fullmatch(
        r"the store has a new history, incarnation [0-9a-f-]{36}: older consistency tokens are refused", second
    )
    assert record["incarnation"] not in second
    assert (copied.code, copied.out.splitlines()) == (
        0,
        [
            "copied 1 role at revision 1, with the complete log",
            "start servers with the copy from now on, and no longer with the store that it was copied from",
        ],
    )


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal", ".lock"])
def test_a_backup_replaces_no_file_of_the_store(rolecall: CommandLine, folder: Path, suffix: str) -> None:
    (folder / "sub").mkdir()

    for name in (f"a.db{suffix}", f"sub/../a.db{suffix}", f"{folder}/a.db{suffix}"):
        assert rolecall("backup", name, "--force") == (
            2,
            "",
            f"error: `a.db{suffix}` belongs to the store `{folder}/a.db`\n  help: choose another name for the backup\n",
        )


def test_a_backup_does_not_replace_the_store_itself_and_may_have_another_name_beside_it(
    rolecall: CommandLine, folder: Path
) -> None:
    itself = rolecall("backup", f"{folder}/a.db", "--force")
    beside = [rolecall("backup", name).code for name in ("a.db.backup", "b.db-wal")]

    assert itself == (2, "", "error: `a.db` is the store itself\n  help: choose another name for the backup\n")
    assert beside == [0, 0]


def test_a_store_without_tables_needs_a_migration_which_is_made_once(rolecall: CommandLine, folder: Path) -> None:
    at = f"--store=sqlite:///{folder}/new.db"
    facts = {"store": f"{folder}/new.db", "before": "", "after": "", "wanted": NEWEST, "up_to_date": False}

    needed = rolecall("migrate", at, "--check")
    assert read(rolecall, "migrate", at, "--check") == (1, facts)
    made = read(rolecall, "migrate", at)
    again = rolecall("migrate", at)
    checked = rolecall("migrate", at, "--check")

    sentence = f"`{folder}/new.db` has no tables yet; this version needs {NEWEST}: run `rolecall migrate`\n"
    assert needed == (1, sentence, "")
    assert made == (0, {**facts, "after": NEWEST, "up_to_date": True})
    assert again == checked == (0, f"`{folder}/new.db` has schema {NEWEST}: nothing to do\n", "")
    assert read(rolecall, "migrate", at, "--check") == (
        0,
        {**facts, "before": NEWEST, "after": NEWEST, "up_to_date": True},
    )


def test_only_a_file_stands_in_for_a_store_that_cannot_be_reached(rolecall: CommandLine, folder: Path) -> None:
    (folder / "snapshot").touch()
    at = f"--store={NOWHERE}"

    with_file = rolecall("migrate", at, "--or-snapshot=snapshot")
    without = [rolecall("migrate", at, *option) for option in ([], ["--or-snapshot=none"], ["--or-snapshot=."])]

    assert with_file == (0, "", f"not migrated: {UNREACHED}; a server can start from `snapshot`\n")
    assert without == [(2, "", f"error: {UNREACHED}\n")] * 3


def test_an_audit_of_a_store_begins_where_it_should(rolecall: CommandLine, folder: Path) -> None:
    repository = open_repository("sqlite:///a.db")
    create(repository, "Other")
    repository.close()

    whole, second, beyond = (rolecall("audit", "verify", *flags) for flags in ([], ["--from=2"], ["--from=3"]))
    (hash_,) = re.findall(r"; 2:([0-9a-f]{64})\n", whole.out)
    noted = rolecall("audit", "verify", f"--noted=2:{hash_}")
    changed = rolecall("audit", "verify", f"--noted=2:{'0' * 64}")

    assert whole.out == noted.out
    assert whole == (
        0,
        f"✓ `{folder}/a.db`: matches its log\nverified revisions 1 to 2: 2 commits, 2 changes, 2 roles; 2:{hash_}\n",
        "",
    )
    assert second.out.splitlines()[1].startswith("verified revisions 2 to 2: 1 commit, 1 change, 2 roles")
    assert beyond == (2, "", "error: the audit cannot start at revision 3: the log has revisions 1 to 2\n")
    assert changed.code == 1
    assert "✗ " in changed.out


def test_a_record_names_the_file_of_a_store_as_it_is(rolecall: CommandLine, folder: Path) -> None:
    at = f"--store=sqlite:///{folder}/a.db~"

    records = [read(rolecall, *words, at) for words in (["migrate"], ["audit", "verify"])]

    assert [record["store"] for _, record in records] == [f"{folder}/a.db~"] * 2
