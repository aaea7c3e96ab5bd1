"""`callers diff`: who gains and who loses which rights by another callers file."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.callers.files import loaded
from rolecall.cli.failure import FAILED, OK, CommandError
from rolecall.cli.options.shared import Output, PlainOutputOption
from rolecall.cli.options.store_options import counted
from rolecall.cli.text.files import STDIN
from rolecall.cli.text.terminal import add_row, console, print_json, table
from rolecall.engine.clock import now_micros
from rolecall.regular_file import read_regular

if TYPE_CHECKING:
    from rolecall.callers.comparison import CallersComparison, RightsChange
    from rolecall.callers.declarations import CallersFile, KeySource

OldArgument = Annotated[
    str,
    typer.Argument(
        metavar="OLD", help="The callers file before, or a directory; `-`: standard input.", show_default=False
    ),
]
NewArgument = Annotated[
    str,
    typer.Argument(
        metavar="NEW", help="The callers file after, or a directory; `-`: standard input.", show_default=False
    ),
]


def diff(old: OldArgument, new: NewArgument, output: PlainOutputOption = Output.TABLE) -> None:
    """Show who gains and who loses which rights from OLD to NEW.

    Exit code 2 if anyone gains one, so that a pipeline can ask for a review. Compared are one caller for each `match`, the known
    actions and those that the files spell out, and one resource for each pattern; callers and resources that several overlapping
    patterns match are not all examined. Conditions are compared, not evaluated: a gain may be reported that they exclude. Keys
    behind a URL are not read.
    """
    from rolecall.callers.comparison import TooMuchToCompareError, compare_callers

    if old == new == STDIN:
        raise CommandError("only one of OLD and NEW can be standard input")

    before, after = (_with_key_contents(loaded(path).file) for path in (old, new))
    try:
        compared = compare_callers(before, after, now=now_micros())
    except TooMuchToCompareError as error:
        raise CommandError(str(error)) from None
    if output is Output.JSON:
        print_json({"gains": [c._asdict() for c in compared.gains], "losses": [c._asdict() for c in compared.losses]})
    else:
        _show(compared)
    raise typer.Exit(FAILED if compared.gains else OK)


def _with_key_contents(file: CallersFile) -> CallersFile:
    """Return a callers file in which keys are compared by what their file contains, and not by where it is."""
    return replace(
        file,
        issuers=tuple(replace(issuer, keys=_by_content(issuer.keys)) for issuer in file.issuers),
        providers=tuple(replace(provider, keys=_by_content(provider.keys)) for provider in file.providers),
    )


def _by_content(keys: KeySource) -> KeySource:
    from rolecall.security.tokens.public_keys import MAX_KEY_SET_BYTES

    if not keys.file:
        return keys
    try:
        return replace(keys, file=hashlib.sha256(read_regular(Path(keys.file), MAX_KEY_SET_BYTES)).hexdigest())
    except OSError:
        return keys


def _show(compared: CallersComparison) -> None:
    out = console(sys.stdout)
    changes = [("gains", change) for change in compared.gains] + [("loses", change) for change in compared.losses]
    if changes:
        rows = table("", "CALLER", "WHAT")
        for sign, change in changes:
            add_row(rows, (sign, change.caller, _sentence(change)), "green" if sign == "loses" else "red")
        out.print(rows)
    gained, lost = len(compared.gains), len(compared.losses)
    summary = f"{counted(gained, 'gain')}, {counted(lost, 'loss').replace('losss', 'losses')}"
    out.print(summary, style="red" if gained else "green")


def _sentence(change: RightsChange) -> str:
    return f"{change.what} {change.action} on {change.resource}" if change.action else change.what
