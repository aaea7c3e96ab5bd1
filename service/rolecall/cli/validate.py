"""`validate`: trust policies held to the language, as a compiler would. It needs no server."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rolecall.cli.failure import FAILED, OK
from rolecall.cli.files import read_policy
from rolecall.cli.options import Output, OutputOption
from rolecall.cli.problem import Place, Problem, ProblemsError
from rolecall.cli.terminal import console, marks, print_json

_DECLARATIONS = frozenset({".yaml", ".yml"})


class Language(StrEnum):
    """Whose language a document is held to."""

    ROLECALL = "rolecall"
    RAM = "ram"


Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...",
        help="Trust policies (JSON; `-`: standard input), or declarations of roles (*.yaml, directories).",
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


def validate(
    files: Files,
    profile: ProfileOption = Language.ROLECALL,
    account_id: AccountOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Find what is wrong with trust policies.

    Reports every rule that they break, and of those that break none what a careful reader would ask. Exit code 2 if there is
    an error, be it a broken rule or a remark. No server is needed.
    """
    problems, policies = [], 0
    for file in files:
        for found in _examined(file, profile, account_id):
            problems += found
            policies += 1
    counts = Counter(problem.severity for problem in problems)
    if output is Output.JSON:
        print_json(
            {
                "valid": all(problem.finding for problem in problems),
                "problems": [problem.record() for problem in problems],
            }
        )
    else:
        _show(problems, counts, policies)
    raise typer.Exit(FAILED if counts["error"] else OK)


def _examined(file: str, language: Language, account: str) -> Iterator[list[Problem]]:
    """Yield, for each trust policy of a file, what is wrong with it."""
    from rolecall.cli.policy_check import document_problems
    from rolecall.policy.profile import Profile

    now, profile = time.time_ns() // 1_000, Profile[language.name]
    try:
        if Path(file).suffix in _DECLARATIONS or Path(file).is_dir():
            from rolecall.cli.declarations import read_declarations

            for role in read_declarations([Path(file)]):
                owner = role.message.account_id or account
                yield list(
                    document_problems(role.source.text, role.source.place, profile=profile, now=now, account=owner)
                )
            return
        text = read_policy(file)
        yield list(document_problems(text, lambda _, *at: Place(file, *at), profile=profile, now=now, account=account))
    except ProblemsError as error:
        yield list(error.problems)


def _show(problems: list[Problem], counts: Counter[str], policies: int) -> None:
    from rolecall.cli.reports import report_problems

    out = console(sys.stdout)
    report_problems(problems, out)
    told = ", ".join(
        _counted(counts[severity], severity) for severity in ("error", "warning", "note") if counts[severity]
    )
    mark = marks(out).no if counts["error"] else marks(out).yes
    out.print(
        f"{mark} {_counted(policies, 'trust policy')}: {told or 'nothing to report'}",
        style="red" if counts["error"] else "green",
    )


def _counted(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun.removesuffix('y')}ies" if noun.endswith("y") else f"{number} {noun}s"
