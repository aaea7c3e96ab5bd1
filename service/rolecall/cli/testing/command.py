"""`test`: run test cases against trust policies. It needs no server."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import typer

from rolecall.cli.failure import DENIED, FAILED, OK, CommandError
from rolecall.cli.options.request import DEFAULT_ACCOUNT
from rolecall.cli.options.shared import expanded, pairs
from rolecall.cli.problems.problem import ProblemsError
from rolecall.cli.remote.connection import named_context
from rolecall.cli.sources.found import policies_of
from rolecall.cli.testing.coverage import coverage_of
from rolecall.cli.testing.options import ClusterOptions, Paths, ReportFormat, ReportOptions, RoleSetOptions
from rolecall.cli.testing.report import Report
from rolecall.cli.testing.role_set import RoleSetBuilder
from rolecall.cli.testing.runner import PreparedCase, prepare, run
from rolecall.cli.testing.suites import collect
from rolecall.cli.text.escaping import json_escaped
from rolecall.cli.text.terminal import console, plain_console, print_json
from rolecall.engine.clock import now_micros
from rolecall.engine.decision_point import DecisionOptions
from rolecall.roles.accounts import Accounts
from rolecall.roles.errors import InvalidFieldsError

PROGRESS_MIN_CASES = 200


@expanded
def policy_tests(paths: Paths, role_set: RoleSetOptions, cluster: ClusterOptions, reporting: ReportOptions) -> None:
    """Run test cases against trust policies.

    Each case is a request and the expected decision, made by the same engine as in a server. Exit code 0: all cases passed, 1: a
    case failed or coverage is too low, 2: error; cases about what has no error run nevertheless. No server is needed.
    """
    now = now_micros()
    collection = collect(paths, cluster.cluster)
    options = DecisionOptions(source_identity_needs_allow=role_set.source_identity_needs_allow)
    builder = RoleSetBuilder(_accounts(role_set), options, now)
    parsed = [parsed for role in collection.roles.values() if (parsed := builder.parsed_role(role)) is not None]
    for role in policies_of(collection.unknown_roles):
        builder.check_policy(role)
    prepared = prepare(collection, builder)
    with _progress(prepared.cases) as cases:
        problems = list(prepared.problems)
        results = tuple(
            run(
                cases,
                problems,
                now=now,
                unknown=collection.unknown_roles,
                traced=reporting.needs_coverage,
                issuer=cluster.oidc_issuer,
            )
        )
    if problems and not results:
        raise ProblemsError(problems)
    report = Report(
        results=results,
        not_run=prepared.not_run + len(prepared.cases) - len(results),
        problems=tuple(problems),
        remarks=tuple(collection.remarks),
        coverage=coverage_of(parsed, results) if reporting.needs_coverage else None,
        fail_under=reporting.fail_under,
    )
    _write_report(report, reporting)
    if report.problems:
        raise typer.Exit(FAILED)
    raise typer.Exit(OK if report.passed else DENIED)


def _accounts(options: RoleSetOptions) -> Accounts:
    """Return the accounts of the options, and beside them those of the context that is named."""
    context = named_context(options.context)
    default = options.account_id or (context.default_account if context else "") or DEFAULT_ACCOUNT
    aliases = {**(context.accounts if context else {}), **pairs(options.account_alias, "--account-alias")}
    try:
        return Accounts(default, aliases)
    except InvalidFieldsError as error:
        raise CommandError("; ".join(violation.message for violation in error.violations)) from None


def _write_report(report: Report, reporting: ReportOptions) -> None:
    from rolecall.cli.problems.reports import report_problems
    from rolecall.cli.testing.report_table import show_report

    output, file, verbose = reporting.output, reporting.output_file, reporting.verbose
    report_problems([*report.problems, *report.remarks])
    if file is not None:
        file.write_text(_text(report, output, verbose=verbose), encoding="utf-8")
    if file is not None or output is ReportFormat.TABLE:
        show_report(report, console(sys.stdout), verbose=verbose)
    elif output is ReportFormat.JUNIT:
        sys.stdout.write(_text(report, output, verbose=verbose))
    else:
        print_json(_value(report, output))


def _text(report: Report, output: ReportFormat, *, verbose: bool) -> str:
    if output is ReportFormat.TABLE:
        from rolecall.cli.testing.report_table import show_report

        text = io.StringIO()
        show_report(report, plain_console(text), verbose=verbose)
        return text.getvalue()
    if output is ReportFormat.JUNIT:
        from rolecall.cli.testing.report_junit import junit_text

        return junit_text(report)
    return json_escaped(json.dumps(_value(report, output), indent=2, ensure_ascii=False)) + "\n"


def _value(report: Report, output: ReportFormat) -> object:
    if output is ReportFormat.SARIF:
        from rolecall.cli.testing.report_sarif import report_sarif

        return report_sarif(report)
    from rolecall.cli.testing.report_json import report_record

    return report_record(report)


@contextmanager
def _progress(prepared: Sequence[PreparedCase]) -> Iterator[Iterable[PreparedCase]]:
    """Yield the cases; on a terminal, show a progress bar if there are many."""
    out = console(sys.stderr)
    if len(prepared) < PROGRESS_MIN_CASES or not out.is_terminal:
        yield prepared
        return
    from rich.progress import track

    yield track(prepared, description="testing", console=out, transient=True)
