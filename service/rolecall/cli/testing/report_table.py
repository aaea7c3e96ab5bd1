"""The report of a run for people: one line for each file, each failure with its explanation, and a summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from rolecall.cli.render.explanation import print_explanation
from rolecall.cli.testing.coverage import Coverage
from rolecall.cli.testing.report import Report, explanation_of, related_statements
from rolecall.cli.testing.requests import options_of
from rolecall.cli.testing.results import Result
from rolecall.cli.text.terminal import Marks, marks, visible

if TYPE_CHECKING:
    from rich.console import Console


def show_report(report: Report, out: Console, *, verbose: bool) -> None:
    """Print a run."""
    signs = marks(out)
    for file, results in report.by_file().items():
        _show_file(file, results, out, signs, verbose=verbose)
    for result in report.failed:
        out.print()
        _show_failure(result, out, signs)
    if report.coverage is not None:
        out.print()
        _show_coverage(report.coverage, report, out)
    out.print()
    _show_summary(report, out, signs)


def _show_file(file: str, results: Sequence[Result], out: Console, signs: Marks, *, verbose: bool) -> None:
    failed = sum(not result.passed for result in results)
    text = f"{len(results) - failed} passed" + (f", {failed} failed" if failed else "")
    out.print(Text.assemble((f"{visible(file)}: ", "bold"), (text, "red" if failed else "green")), soft_wrap=True)
    for result in results if verbose else ():
        sign = (signs.yes, "green") if result.passed else (signs.no, "bold red")
        out.print(Text.assemble("  ", sign, f" {visible(result.case.name)}"), soft_wrap=True)


def _show_failure(result: Result, out: Console, signs: Marks) -> None:
    location, name = visible(str(result.case.location)), visible(result.case.name)
    out.print(Text.assemble((f"{signs.no} {location}: ", "bold red"), (name, "bold")), soft_wrap=True)
    out.print(Text(f"  {visible(result.failure)}"), soft_wrap=True)
    if result.hint:
        out.print(Text.assemble("  ", ("help: ", "bold cyan"), visible(result.hint)), soft_wrap=True)
    for text, at in related_statements(result):
        out.print(Text(f"  {visible(text)}: {visible(str(at))}", style="dim"), soft_wrap=True)
    explanation = explanation_of(result)
    if explanation is not None:
        out.print()
        print_explanation(out, explanation, options_of(result.case))


def _show_coverage(coverage: Coverage, report: Report, out: Console) -> None:
    text = f"coverage: {coverage.covered} of {counted(coverage.total, 'statement')} ({coverage.percent:g} %)"
    style = "" if report.covered_enough else "red"
    least = "" if report.covered_enough else f", less than {report.fail_under:g} %"
    out.print(Text(text + least, style=style), soft_wrap=True)
    for role in coverage.roles:
        for statement in role.missed:
            what = f"{visible(role.arn)} {visible(statement.name)} applies in no case"
            out.print(Text.assemble((f"  {visible(str(statement.location))}: ", "bold"), what), soft_wrap=True)


def _show_summary(report: Report, out: Console, signs: Marks) -> None:
    cases, failed = counted(len(report.results), "case"), len(report.failed)
    text = f"{failed} of {cases} failed" if failed else f"{cases} passed"
    if report.not_run:
        text += f", {report.not_run} not run because of errors"
    elif report.problems:
        text += ", with errors in files"
    if not report.covered_enough:
        text += ", coverage is too low"
    sign = signs.yes if report.passed else signs.no
    out.print(Text(f"{sign} {text}", style="bold green" if report.passed else "bold red"), soft_wrap=True)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
