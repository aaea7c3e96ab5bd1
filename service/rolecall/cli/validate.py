"""`validate`: check trust policies against the language, as a compiler does. It needs no server."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.failure import FAILED, OK
from rolecall.cli.files import STDIN, read_policy
from rolecall.cli.problem import Location, Problem, ProblemsError
from rolecall.cli.terminal import console, marks, print_json
from rolecall.engine.clock import now_micros

if TYPE_CHECKING:
    from rolecall.cli.sources import Found, FoundRole


class Language(StrEnum):
    """The language that a document is checked against."""

    ROLECALL = "rolecall"
    RAM = "ram"


class Severity(StrEnum):
    """The severity of a problem, most severe first."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class FindingsFormat(StrEnum):
    """The output format of `validate`."""

    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"


Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...",
        help="Trust policies (JSON; `-`: standard input), role files, terraform plans (`terraform show -json`), "
        "and directories, which are searched for them.",
    ),
]
ProfileOption = Annotated[
    Language,
    typer.Option(
        "--profile",
        help="`ram` refuses extensions of Rolecall, so that a valid document can be used in an Alibaba Cloud account.",
    ),
]
AccountOption = Annotated[
    str,
    typer.Option(
        "--account-id", metavar="ID", help="The account of the role; findings about other accounts depend on it."
    ),
]
FailOnOption = Annotated[Severity, typer.Option("--fail-on", help="Fail on problems of this severity and above.")]
FormatOption = Annotated[FindingsFormat, typer.Option("--output", "-o", help="The format of the report.")]


def validate(
    files: Files,
    profile: ProfileOption = Language.ROLECALL,
    account_id: AccountOption = "",
    fail_on: FailOnOption = Severity.ERROR,
    output: FormatOption = FindingsFormat.TABLE,
) -> None:
    """Find what is wrong with trust policies.

    Reports every violation of the language; for valid policies, the findings of the linter. Exit code 2 if there is an error; with
    --fail-on also for less severe problems. No server is needed.
    """
    roles, problems = _found(files)
    policies = len(roles) + len({problem.location.file for problem in problems if not problem.finding})
    for role in roles:
        problems += _examined(role, profile, account_id)
    _report(problems, policies, output)
    failing = list(Severity)[: list(Severity).index(fail_on) + 1]
    raise typer.Exit(FAILED if any(problem.severity in failing for problem in problems) else OK)


def _found(files: Sequence[str]) -> tuple[list[FoundRole], list[Problem]]:
    """Return the roles of files in the order of the files, and the problems of files without roles."""
    from rolecall.cli.sources import search

    roles: list[FoundRole] = []
    problems: list[Problem] = []
    paths = [Path(file) for file in dict.fromkeys(files) if file != STDIN]
    if STDIN in files:
        _read_stdin(roles, problems)
    found = search(paths)
    problems += [*found.problems, *found.remarks, *_without_policy(found, paths)]
    return [*roles, *found.roles], problems


def _read_stdin(roles: list[FoundRole], problems: list[Problem]) -> None:
    from rolecall.cli.sources.search import policy_role

    try:
        roles.append(policy_role(STDIN, read_policy(STDIN)))
    except ProblemsError as error:
        problems += error.problems


def _without_policy(found: Found, named: Sequence[Path]) -> Iterator[Problem]:
    """Yield a problem for each case file: an error if the command line names it, else a note."""
    for document in found.case_documents:
        yield Problem(
            location=Location(str(document.path)),
            severity="error" if document.path in named else "note",
            message="a case file has no trust policy to validate",
            hint="`rolecall test` runs them",
            finding=document.path not in named,
        )


def _examined(role: FoundRole, language: Language, account: str) -> Iterator[Problem]:
    """Yield the problems of a trust policy."""
    from dataclasses import replace

    from rolecall.cli.policy_check import document_problems
    from rolecall.policy.profile import Profile

    now, profile, owner = now_micros(), Profile[language.name], role.account_id or account
    for problem in document_problems(role.document, role.location_of, profile=profile, now=now, account=owner):
        # Without an exact location the message must name the element.
        element = "" if role.exact else f"{role.label}: {problem.pointer or '/'}: "
        yield replace(problem, message=element + problem.message)


def _report(problems: list[Problem], policies: int, output: FindingsFormat) -> None:
    if output is FindingsFormat.SARIF:
        from rolecall.cli.sarif import problem_result, sarif_log

        print_json(sarif_log([problem_result(problem) for problem in problems]))
    elif output is FindingsFormat.JSON:
        valid = all(problem.finding for problem in problems)
        print_json({"valid": valid, "problems": [problem.record() for problem in problems]})
    else:
        _show(problems, Counter(problem.severity for problem in problems), policies)


def _show(problems: list[Problem], counts: Counter[str], policies: int) -> None:
    from rolecall.cli.reports import report_problems

    out = console(sys.stdout)
    report_problems(problems, out)
    counted = ", ".join(_counted(counts[severity], severity) for severity in Severity if counts[severity])
    mark = marks(out).no if counts["error"] else marks(out).yes
    out.print(
        f"{mark} {_counted(policies, 'trust policy')}: {counted or 'no problems'}",
        style="red" if counts["error"] else "green",
    )


def _counted(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun.removesuffix('y')}ies" if noun.endswith("y") else f"{number} {noun}s"
