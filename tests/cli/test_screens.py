from __future__ import annotations

from tests.cli.screens import SCREENS, written_screens


def test_commands_print_on_a_terminal_what_was_reviewed() -> None:
    # After an intended change run `python -m tests.cli.screens`, and review the difference.
    assert written_screens() == SCREENS.read_text()
