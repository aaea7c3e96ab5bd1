"""What a connection to a SQLite file is set to, and what roles that are read from it share."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from rolecall.roles.canonical_json import NO_TAGS
from rolecall.storage.sql.rows import role_of_row
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


def test_roles_without_tags_share_one_mapping() -> None:
    assert role_of_row(row_with("{}")).tags is NO_TAGS
