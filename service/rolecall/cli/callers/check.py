"""`callers check`: find what is wrong with a callers file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.callers.files import loaded, location_of
from rolecall.cli.callers.keys import key_problems
from rolecall.cli.failure import FAILED, OK
from rolecall.cli.options.shared import Output, PlainOutputOption
from rolecall.cli.options.store_options import counted
from rolecall.cli.problems.problem import Problem, ProblemsError
from rolecall.cli.problems.reports import report_problems
from rolecall.cli.text.terminal import console, marks, print_json
from rolecall.engine.clock import now_micros

if TYPE_CHECKING:
    from rolecall.security.callers_file import LoadedCallers

PathArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A callers file (YAML), a directory of them, or `-` for standard input.",
        show_default=False,
    ),
]


def check(path: PathArgument, output: PlainOutputOption = Output.TABLE) -> None:
    """Find what is wrong with a callers file.

    Reports every violation; for a valid file, what is probably a mistake, in the entries and in the policies. The CA files and
    the JWKS files are read, too. Exit code 2 if there is an error. No server is needed.
    """
    try:
        callers = loaded(path)
        problems, facts = [*key_problems(callers, path), *_findings(callers, path)], _facts(callers)
    except ProblemsError as error:
        problems, facts = list(error.problems), {}
    if output is Output.JSON:
        valid = all(problem.finding for problem in problems)
        print_json({"valid": valid, **facts, "problems": [problem.record() for problem in problems]})
    else:
        _show(path, problems, facts)
    raise typer.Exit(FAILED if any(problem.severity == "error" for problem in problems) else OK)


def _findings(callers: LoadedCallers, path: str) -> list[Problem]:
    from rolecall.callers.lint import lint_callers
    from rolecall.security.callers_file import nearest_place

    return [
        Problem(
            location=location_of(nearest_place(finding.pointer, callers.places), path),
            message=finding.message,
            severity=finding.severity.value,
            reason=finding.id,
            pointer=finding.pointer,
            hint=finding.fix,
            finding=True,
            changes_meaning=finding.changes_meaning,
        )
        for finding in lint_callers(callers.file, now=now_micros())
    ]


def _facts(callers: LoadedCallers) -> dict[str, object]:
    return {"generation": callers.file.generation, "entries": len(callers.file.callers)}


def _show(path: str, problems: list[Problem], facts: dict[str, object]) -> None:
    out = console(sys.stdout)
    report_problems(problems, out)
    errors = sum(problem.severity == "error" for problem in problems)
    others = len(problems) - errors
    found = [counted(errors, "error")] * bool(errors) + [counted(others, "remark")] * bool(others)
    mark = marks(out).no if errors else marks(out).yes
    style = "red" if errors else "green"
    entries = f", entries: {facts['entries']}" if facts else ""
    out.print(f"{mark} {path}{entries}: {', '.join(found) or 'no problems'}", style=style, soft_wrap=True)
    if facts:
        out.print(f"generation {facts['generation']}", style="dim", soft_wrap=True)
