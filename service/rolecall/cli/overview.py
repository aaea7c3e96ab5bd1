"""The overview of the program, `rolecall --help`, as Typer would print it, but without Typer, which takes long to import."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator, Mapping

from rolecall.cli.command_table import COMMANDS, PURPOSE

MOST_COLUMNS = 120
_LEAST_WIDTH = 50
_OPTIONS: Mapping[str, str] = {
    "--version": "Print the version of Rolecall and of what it runs on.",
    "--install-completion": "Install completion for the current shell.",
    "--show-completion": "Show completion for the current shell, to copy it or customize the installation.",
    "-h, --help": "Show this message and exit.",
}


def overview() -> str:
    """Return the purpose, the options and the commands, for the width of the terminal."""
    width = max(min(shutil.get_terminal_size().columns, MOST_COLUMNS) - 2, _LEAST_WIDTH)
    commands = [(name, entry.help) for name, entry in COMMANDS.items()]
    lines = [
        "Usage: rolecall [OPTIONS] COMMAND [ARGS]...",
        "",
        *textwrap.wrap(PURPOSE, width, initial_indent="  ", subsequent_indent="  "),
        "",
        "Options:",
        *_definitions(_OPTIONS.items(), width),
        "",
        "Commands:",
        *_definitions(commands, width),
        "",
    ]
    return "\n".join(lines)


def _definitions(pairs: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    """Yield two columns: what is defined, and the words about it."""
    rows = list(pairs)
    column = max(len(name) for name, _ in rows) + 2
    for name, words in rows:
        first, *more = textwrap.wrap(words, width - column - 2)
        yield f"  {name:<{column}}{first}"
        yield from (f"  {'':<{column}}{line}" for line in more)
