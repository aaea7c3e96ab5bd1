"""What a person sees: colours on a terminal, none elsewhere, and nothing in a stranger's text that a terminal would obey."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from rich.console import Console
    from rich.table import Table

_UNBOUNDED_COLUMNS = 100_000


@dataclass(frozen=True, slots=True)
class Marks:
    """The signs of yes and no that the terminal can show."""

    yes: str
    no: str


def console(stream: TextIO) -> Console:
    """Return a console on a stream. What goes to a file or a pipe is never wrapped, so that lines stay lines."""
    from rich.console import Console

    probe = Console(file=stream, highlight=False, markup=False, emoji=False)
    if probe.is_terminal:
        return probe
    return Console(file=stream, highlight=False, markup=False, emoji=False, width=_UNBOUNDED_COLUMNS)


def marks(console: Console) -> Marks:
    """Return the marks for a console."""
    return Marks("+", "x") if console.options.ascii_only else Marks("✓", "✗")


def table(*columns: str) -> Table:
    """Return an empty table with these headings."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def add_row(table: Table, cells: Sequence[str], style: str = "") -> None:
    """Add a row of plain text to a table."""
    from rich.text import Text

    table.add_row(*(Text(visible(cell)) for cell in cells), style=style or None)


def print_json(value: object) -> None:
    """Print a value as JSON on standard output."""
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=not unicode) + "\n")


def record(message: Message) -> Mapping[str, object]:
    """Return a message as protobuf's JSON has it, with the names of the contract and every field that has no presence."""
    from google.protobuf.json_format import MessageToDict

    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def visible(text: str) -> str:
    """Return `text` with each character that does not print as an escape; see `rolecall.policy.wording`."""
    from rolecall.policy import wording

    return wording.printable(text)


def prepare_streams() -> None:
    """Let the streams take any text: what the terminal's encoding lacks is escaped, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def abandon_stdout() -> None:
    """Let go of a standard output that nobody reads, so that the interpreter does not complain when it ends."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
