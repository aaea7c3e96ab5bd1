"""Print decisions of the log, one on each line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.text import Text

from rolecall.cli.text.escaping import json_escaped
from rolecall.cli.text.terminal import console, marks, visible

if TYPE_CHECKING:
    from rolecall.cli.decision_log.record import LoggedDecision

_REASON_COLUMNS = 16
_ORDINARY = "CheckAssumeRole"


def line_printer() -> Callable[[LoggedDecision], None]:
    """Return a function that prints a decision as its line of the log, which another program may have written."""

    def show(decision: LoggedDecision) -> None:
        sys.stdout.write(json_escaped(decision.line) + "\n")

    return show


def row_printer() -> Callable[[LoggedDecision], None]:
    """Return a function that prints the time, outcome, principal, role and determining statements of a decision."""
    out = console(sys.stdout)
    signs = marks(out)

    def show(decision: LoggedDecision) -> None:
        sign, style = (signs.yes, "green") if decision.allowed else (signs.no, "red")
        row = Text.assemble(
            (visible(decision.time), "dim"),
            (f"  {sign} {visible(decision.reason):{_REASON_COLUMNS}}", style),
            f"  {visible(decision.who) or '-'} -> {visible(decision.role)}",
            *(f"  {visible(pointer)}" for pointer in decision.statements),
            ("" if decision.method == _ORDINARY else f"  ({visible(decision.method)})", "dim"),
        )
        out.print(row, soft_wrap=True)

    return show
