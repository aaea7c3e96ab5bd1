"""The page of settings has each one with its flag, variable, meaning, default and allowed values."""

from __future__ import annotations

from tests.repository.settings import PAGE, with_settings


def test_the_table_of_settings_is_up_to_date() -> None:
    page = PAGE.read_text()

    assert with_settings(page) == page, "run `make docs`"
