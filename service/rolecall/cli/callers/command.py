"""The command group `callers`."""

from __future__ import annotations

import typer

from rolecall.cli.callers.check import check
from rolecall.cli.callers.diff import diff
from rolecall.cli.callers.explain import explain
from rolecall.cli.callers.init import init

app = typer.Typer(no_args_is_help=True, help="Write, check, explain and compare callers files.")


@app.callback()
def callers() -> None:
    """Write, check, explain and compare callers files."""


for command in (init, check, explain, diff):
    app.command()(command)
