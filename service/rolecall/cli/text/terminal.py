"""Output for people: colours on a terminal only, and control characters of untrusted text escaped."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO, TypeAlias

from rolecall.cli.text.escaping import json_escaped

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from rich.console import Console
    from rich.table import Table

_UNBOUNDED_COLUMNS = 100_000

Piece: TypeAlias = tuple[str, str]
"""A text, and its style on a terminal, which may be empty."""
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


class Marks(NamedTuple):
    """The marks for yes and no that a terminal can show."""

    yes: str
    no: str


def console(stream: TextIO) -> Console:
    """Return a console on a stream. Output to a file or a pipe is never wrapped, so that each record stays one line."""
    from rolecall.cli.render.console import StreamConsole

    probe = StreamConsole(file=stream, highlight=False, markup=False, emoji=False)
    return probe if probe.is_terminal else plain_console(stream)


def plain_console(stream: TextIO) -> Console:
    """Return a console for text that is stored: without colours, even where `FORCE_COLOR` asks for them, and never wrapped."""
    from rolecall.cli.render.console import StreamConsole

    return StreamConsole(
        file=stream, highlight=False, markup=False, emoji=False, force_terminal=False, width=_UNBOUNDED_COLUMNS
    )


def marks(console: Console) -> Marks:
    """Return the marks for a console."""
    return _marks(ascii_only=console.options.ascii_only)


def stream_marks(stream: TextIO) -> Marks:
    """Return the marks for a stream."""
    return _marks(ascii_only=not (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf"))


def _marks(*, ascii_only: bool) -> Marks:
    return Marks("+", "x") if ascii_only else Marks("✓", "✗")


def print_pieces(stream: TextIO, *pieces: Piece) -> None:
    """Print a line, coloured on a terminal. Elsewhere it is only text, without Rich, which takes as long to import as a call."""
    if not (stream.isatty() or os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE")):
        stream.write("".join(text for text, _ in pieces) + "\n")
        return
    from rich.text import Text

    console(stream).print(Text.assemble(*pieces), soft_wrap=True)


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


def print_json(value: object, *, indent: int | None = 2) -> None:
    """Print a value as JSON on standard output."""
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    sys.stdout.write(json_escaped(json.dumps(value, indent=indent, ensure_ascii=not unicode)) + "\n")


def record(message: Message) -> Mapping[str, object]:
    """Return a message as JSON with the field names of the contract, including default values.

    The names of enum values are without the prefix of their enum: `ALLOW`, as in tables and in the decision log.
    """
    from google.protobuf.json_format import MessageToDict

    values = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    _shorten(values, message.DESCRIPTOR.fields)
    return values


def _shorten(values: dict[str, Any], fields: Iterable[Any]) -> None:
    """Remove the prefixes of enum values in a message with these fields."""
    for field in fields:
        if field.name in values and (field.enum_type or field.message_type):
            values[field.name] = _shortened(values[field.name], field)


def _shortened(value: Any, field: Any) -> Any:  # noqa: ANN401 - any value of JSON; descriptors have several types
    if isinstance(value, list):
        return [_shortened(each, field) for each in value]
    if field.message_type and field.message_type.GetOptions().map_entry:
        entry = field.message_type.fields_by_name["value"]
        return {key: _shortened(each, entry) for key, each in value.items()}
    if field.enum_type and isinstance(value, str):
        return value.removeprefix(_CAPITAL.sub("_", field.enum_type.name).upper() + "_")
    # A message with a spelling of its own, such as a time, is a text.
    if field.message_type and isinstance(value, dict):
        _shorten(value, field.message_type.fields)
    return value


def visible(text: str) -> str:
    """Return `text` with unprintable characters escaped; see `rolecall.policy.wording`."""
    from rolecall.policy import wording

    return wording.printable(text)


def prepare_streams() -> None:
    """Escape characters that the encoding of a stream lacks, instead of raising an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def open_closed_streams() -> None:
    """Open `/dev/null` as each standard stream that is closed, so that output goes nowhere."""
    # In this order: each gets the lowest free number, which is its own. A store that got it would receive the output.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def finish_output(*streams: TextIO) -> None:
    """Write what is buffered; if that fails, discard it, so that the interpreter does not fail at exit."""
    for stream in streams:
        try:
            stream.flush()
        except OSError:
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, stream.fileno())
            os.close(devnull)
