"""The help of the commands that have subcommands: as plain as that of every command, and shown where no subcommand is given."""

from __future__ import annotations

import re

import pytest

from rolecall.cli.command_table import COMMANDS
from tests.cli.conftest import CommandLine, show_colours

SUBCOMMANDS = {
    "account": ["list"],
    "role": ["create", "get", "list", "update", "delete", "undelete", "history", "rollback"],
    "callers": ["init", "check", "explain", "diff"],
    "context": ["list", "use", "add", "show"],
    "token": ["new"],
    "store": ["copy"],
    "audit": ["verify"],
}


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    show_colours(monkeypatch, columns=100)


def commands_in(text: str) -> list[str]:
    return re.findall(r"^  ([a-z]+)  +\S", text.partition("\nCommands:\n")[2], re.MULTILINE)


@pytest.mark.parametrize("group", SUBCOMMANDS)
def test_a_group_is_explained_in_plain_text(rolecall: CommandLine, group: str) -> None:
    outcome = rolecall(group, "--help")

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(
        f"Usage: rolecall {group} [OPTIONS] COMMAND [ARGS]...\n\n  {COMMANDS[group].help.rstrip('.')}"
    )
    assert commands_in(outcome.out) == SUBCOMMANDS[group]
    assert outcome.out.isascii()


@pytest.mark.parametrize("group", SUBCOMMANDS)
def test_a_group_without_a_subcommand_shows_its_help_as_an_error(rolecall: CommandLine, group: str) -> None:
    outcome = rolecall(group)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == rolecall(group, "--help").out


def test_these_are_all_groups() -> None:
    assert {name for name, entry in COMMANDS.items() if entry.attribute == "app"} == set(SUBCOMMANDS)


@pytest.mark.parametrize("group", [*SUBCOMMANDS, ""])
def test_minus_h_is_help(rolecall: CommandLine, group: str) -> None:
    words = [group] if group else []

    assert rolecall(*words, "-h") == rolecall(*words, "--help")
