"""`validate`: trust policies held to the language, as a compiler would. It needs no server."""

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
    """Whose language a document is held to."""

    ROLECALL = "rolecall"
    RAM = "ram"


class Severity(StrEnum):
    """How much a problem matters, the gravest first."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class FindingsFormat(StrEnum):
    """How problems are reported."""

    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"


Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...",
        help="Trust policies (JSON; `-`: standard input), files of roles, terraform plans (`terraform show -json`); "
        "directories are searched for them.",
    ),
]
ProfileOption = Annotated[
    Language,
    typer.Option(
        "--profile", help="`ram` refuses what only Rolecall knows, so that the document can go into an account."
    ),
]
AccountOption = Annotated[
    str,
    typer.Option(
        "--account-id", metavar="ID", help="The account of the role, so that other accounts can be told from it."
    ),
]
FailOnOption = Annotated[
    Severity, typer.Option("--fail-on", help="The least grave problem that makes the command fail.")
]
FormatOption = Annotated[FindingsFormat, typer.Option("--output", "-o", help="How to report.")]


def validate(
    files: Files,
    profile: ProfileOption = Language.ROLECALL,
    account_id: AccountOption = "",
    fail_on: FailOnOption = Severity.ERROR,
    output: FormatOption = FindingsFormat.TABLE,
) -> None:
    """Find what is wrong with trust policies.

    Reports every rule that they break, and of those that break none what a careful reader would ask. Exit code 2 if there is
    an error, be it a broken rule or a remark; --fail-on tells what else is as bad. No server is needed.
    """
    roles, problems = _found(files)
    policies = len(roles) + len({problem.location.file for problem in problems if not problem.finding})
    for role in roles:
        problems += _examined(role, profile, account_id)
    _report(problems, policies, output)
    grave = list(Severity)[: list(Severity).index(fail_on) + 1]
    raise typer.Exit(FAILED if any(problem.severity in grave for problem in problems) else OK)


def _found(files: Sequence[str]) -> tuple[list[FoundRole], list[Problem]]:
    """Return the roles of files, in the order of the files, and what is wrong with those that have none."""
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
    """Yield a remark on each file of test cases; naming one is a mistake."""
    for document in found.case_documents:
        yield Problem(
            location=Location(str(document.path)),
            severity="error" if document.path in named else "note",
            message="test cases have no trust policy of their own to validate",
            hint="`rolecall test` runs them",
            finding=document.path not in named,
        )


def _examined(role: FoundRole, language: Language, account: str) -> Iterator[Problem]:
    """Yield what is wrong with a trust policy."""
    from dataclasses import replace

    from rolecall.cli.policy_check import document_problems
    from rolecall.policy.profile import Profile

    now, profile, owner = now_micros(), Profile[language.name], role.account_id or account
    for problem in document_problems(role.document, role.location_of, profile=profile, now=now, account=owner):
        # Where lines lead nowhere, the message has to say which element it is.
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
    told = ", ".join(_counted(counts[severity], severity) for severity in Severity if counts[severity])
    mark = marks(out).no if counts["error"] else marks(out).yes
    out.print(
        f"{mark} {_counted(policies, 'trust policy')}: {told or 'nothing to report'}",
        style="red" if counts["error"] else "green",
    )


def _counted(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun.removesuffix('y')}ies" if noun.endswith("y") else f"{number} {noun}s"
