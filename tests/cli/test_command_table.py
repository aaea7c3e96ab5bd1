"""The table of commands has those of the documentation, in its order, and each can be loaded."""

from __future__ import annotations

import re

import pytest
import typer

from rolecall.cli.command_table import COMMANDS, GROUPS
from rolecall.cli.typer_commands import load
from tests.repository.tree import DOCS


def documented() -> list[tuple[str, str]]:
    """Return the commands of the overview in the page of the command line, each with its line."""
    page = (DOCS / "command-line.md").read_text().partition("\nCommands:\n")[2].partition("\n```")[0]
    return re.findall(r"^  ([a-z-]+) +(\S.*)$", page, re.MULTILINE)


def test_the_commands_are_those_of_the_documentation_in_its_order() -> None:
    assert [(name, entry.help) for name, entry in COMMANDS.items()] == documented()
    assert len(documented()) > 20


@pytest.mark.parametrize("name", [name for name, _ in documented()])
def test_every_command_of_the_documentation_can_be_loaded(name: str) -> None:
    command = load(name)

    assert isinstance(command, typer.Typer) == (name in GROUPS)
    assert callable(command)


def test_the_documentation_shows_which_commands_have_subcommands() -> None:
    page = (DOCS / "command-line.md").read_text()
    headings = re.findall(r"^## rolecall ([a-z-]+) [a-z-]+$", page, re.MULTILINE)

    assert set(headings) == GROUPS
