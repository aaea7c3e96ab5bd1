"""The page of the command line, generated from the help of every command; run this module to update the page."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path

from rolecall.cli.entry import run
from rolecall.cli.typer_commands import COMMANDS, GROUPS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "command-line.md"
COLUMNS = "120"

_INTRODUCTION = """# The command line

The help of every command, as `rolecall COMMAND --help` prints it. `make docs` writes this page.

Every command that asks a server takes its address, its certificates and its token from options, from `ROLECALL_*` variables,
or from a [context](contexts.md), in this order, and prints tables for people or, with `-o json`, JSON for programs.
The JSON has the field names of [the API](api.md); names of enum values are those of its page without the prefix of their enum, as in tables and in the decision log: `ALLOW`.

Exit codes: 0 done or allowed; 1 denied, or a check failed; 2 error; 3 denied, since there is no such role (`check`, `explain`);
4 a dry run found changes (`apply --dry-run --exit-code`);
130 Ctrl-C; 141 the reader of the output has closed the pipe, as `| head -1` does; 143 SIGTERM. With a closed standard output (`>&-`) a command prints nothing and ends with its own code.
"""


def written_page() -> str:
    """Return the page as it should be, if `COLUMNS` is the width of the terminal."""
    parts = [_section(command) for command in _commands()]
    return "\n".join([_INTRODUCTION, *parts])


def _commands() -> Iterator[Sequence[str]]:
    yield ()
    for name in COMMANDS:
        yield (name,)
        if name in GROUPS:
            yield from ((name, sub) for sub in _subcommands(name))


def _subcommands(group: str) -> list[str]:
    listed = _help((group,)).partition("\nCommands:\n")[2]
    return [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and not line.startswith("   ")]


def _section(command: Sequence[str]) -> str:
    return f"## {' '.join(['rolecall', *command])}\n\n```text\n{_help(command).strip()}\n```\n"


def _help(command: Sequence[str]) -> str:
    printed = io.StringIO()
    with redirect_stdout(printed):
        code = run([*command, "--help"])
    assert code == 0, printed.getvalue()
    return printed.getvalue()


if __name__ == "__main__":
    os.environ["COLUMNS"] = COLUMNS
    PAGE.write_text(written_page())
