"""The pages of settings have each one with its flag, variable, meaning, default and allowed values."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repository.settings import PAGES, with_settings


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_table_of_settings_is_up_to_date(path: Path) -> None:
    assert with_settings(path) == path.read_text(), "run `make docs`"
