"""What a connection to a SQLite file is set to, how its transactions begin, and how its rows become roles."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from rolecall.roles.canonical_json import NO_TAGS
from rolecall.roles.errors import StoreUnavailableError
from rolecall.storage.sql.rows import readable, role_of_row
from rolecall.storage.sqlite import driver as module
from rolecall.storage.sqlite.driver import connect_sqlite, open_sqlite


def test_each_setting_is_made_whatever_the_library_was_built_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_sqlite(tmp_path / "rolecall.db").close()
    connect: Any = sqlite3.connect
    settings = list[str]()

    class Noting(sqlite3.Connection):
        def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
            settings.append(statement)
            return super().execute(statement, *parameters)

    monkeypatch.setattr(sqlite3, "connect", lambda *given, **options: connect(*given, **options, factory=Noting))
    connect_sqlite(tmp_path / "rolecall.db").close()

    assert sorted(settings) == [
        "PRAGMA busy_timeout = 5000",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA synchronous = EXTRA",
        "PRAGMA trusted_schema = OFF",
    ]


def test_a_migration_locks_the_file_before_it_reads(tmp_path: Path) -> None:
    open_sqlite(tmp_path / "rolecall.db").close()
    engine, statements = module._engine(tmp_path / "rolecall.db"), list[str]()
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))

    with module._write_transaction(engine):
        pass
    engine.dispose()

    assert statements == ["BEGIN IMMEDIATE"]


@pytest.mark.parametrize(("version", "wanted"), [((3, 51, 3), "wal"), ((3, 51, 2), "delete")])
def test_a_journal_that_cannot_be_chosen_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], wanted: str
) -> None:
    class Stubborn:
        def execute(self, statement: str) -> Stubborn:
            assert statement == f"PRAGMA journal_mode = {wanted}"
            return self

        def fetchone(self) -> tuple[str]:
            return ("truncate",)

        def close(self) -> None:
            pass

    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    monkeypatch.setattr(module, "connect_sqlite", lambda _: Stubborn())

    with pytest.raises(StoreUnavailableError) as caught:
        module._choose_journal(tmp_path / "a.db")

    assert str(caught.value) == (
        f"`{tmp_path}/a.db` has the journal mode `truncate` and cannot change to `{wanted}` now;"
        " close other programs that use it"
    )


def row_with(tags: str) -> tuple[object, ...]:
    return ("1/a", "1", "a", "7", "{}", "", 3_600, tags, 1, 2, 3)


def test_roles_with_the_same_few_tags_share_them_and_others_do_not() -> None:
    few, many = '{"team":"a"}', f'{{"team":"{"a" * 256}"}}'

    of_few, of_many = ([role_of_row(row_with(tags)).tags for _ in range(2)] for tags in (few, many))

    assert of_few[0] is of_few[1]
    assert of_few[0] == {"team": "a"}
    # Only short texts are remembered, so that memory is bounded.
    assert of_many[0] is not of_many[1]
    assert of_many == [{"team": "a" * 256}] * 2


@pytest.mark.parametrize("kind", [ValueError, TypeError, KeyError, AttributeError, RecursionError, UnicodeDecodeError])
def test_a_stored_value_that_cannot_be_read_is_none(kind: type[Exception]) -> None:
    def read(stored: bytes) -> str:
        if stored:
            raise kind(*(("utf-8", b"", 0, 1, "") if kind is UnicodeDecodeError else ()))
        return "read"

    assert (readable(read, b""), readable(read, b"x")) == ("read", None)


def test_roles_without_tags_share_one_mapping() -> None:
    assert role_of_row(row_with("{}")).tags is NO_TAGS
