"""Which columns of a store are data, and which values do not have the type of their column."""

from __future__ import annotations

import pytest

from rolecall.roles.errors import BrokenHistoryError
from rolecall.storage.maintenance.store_contents import TABLES, data_columns, mistyped, require_types
from rolecall.storage.sql.tables import METADATA, accounts, commits, counter, floor

SOUND = [[1, 2, b"body", b"hash"], [3, 4, b"", b""]]
MESSAGE = "table `commits` has a value of a wrong type; run `rolecall audit verify`"


def test_every_table_is_read_once_and_the_position_of_the_store_first() -> None:
    names = [table.name for table in TABLES]

    assert sorted(names) == sorted(METADATA.tables)
    assert set(names[:3]) == {"meta", "counter", "floor"}


def test_every_column_is_data_but_for_the_one_about_the_schema() -> None:
    left_out = [
        f"{table.name}.{column.name}" for table in TABLES for column in table.c if column not in data_columns(table)
    ]

    assert left_out == ["counter.compatible_from"]
    assert [column.name for column in data_columns(counter)] == ["id", "revision", "hash", "next_role_id", "digest"]
    assert [column.name for column in data_columns(floor)] == ["id", "revision", "hash"]


def test_values_of_the_types_of_their_columns_are_sound() -> None:
    assert list(mistyped(data_columns(commits), SOUND)) == []
    require_types(commits, SOUND)
    require_types(commits, [])
    require_types(accounts, [["1", 2]])


def test_each_value_of_another_type_is_found_with_its_row_and_its_place() -> None:
    rows: list[list[object]] = [
        [*SOUND[0]],
        ["1", 2, b"", "hash"],
        [*SOUND[1]],
        [1, True, bytearray(), b""],
        [None, 1.0, b"", b""],
    ]

    found = list(mistyped(data_columns(commits), rows))

    assert found == [(rows[1], 0), (rows[1], 3), (rows[3], 1), (rows[3], 2), (rows[4], 0), (rows[4], 1)]


@pytest.mark.parametrize("place", range(4))
def test_one_value_of_another_type_is_an_error(place: int) -> None:
    row = [*SOUND[0][:place], 1.5, *SOUND[0][place + 1 :]]

    for rows in ([row], [*SOUND, row], [row, *SOUND]):
        with pytest.raises(BrokenHistoryError) as caught:
            require_types(commits, rows)
        assert str(caught.value) == MESSAGE


def test_a_row_of_which_every_value_is_of_another_type_is_an_error_too() -> None:
    with pytest.raises(BrokenHistoryError) as caught:
        require_types(commits, [["1", "2", "3", "4"]])

    assert str(caught.value) == MESSAGE
