from __future__ import annotations

import os

import pytest

from tests.cli.reference import COLUMNS, PAGE, written_page


def test_the_page_of_the_command_line_is_the_help_of_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ROLECALL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", COLUMNS)

    assert written_page() == PAGE.read_text(), "run `make docs`"
