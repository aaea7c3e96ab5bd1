"""`validate`: check policies against their language, as a compiler does. It needs no server."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.failure import FAILED, OK
from rolecall.cli.options import ContextOfAccounts
from rolecall.cli.problem import Location, Problem
from rolecall.cli.remote import named_context
from rolecall.cli.terminal import console, marks, print_json
from rolecall.engine.clock import now_micros
from rolecall.policy.kind import PolicyKind

if TYPE_CHECKING:
    from rolecall.cli.sources.found import Found, FoundPolicy, FoundRole
    from rolecall.policy.profile import Profile
    from rolecall_client.contexts.context import ServerContext


_AMBIGUOUS = "this may be a trust policy, which lacks `Principal`, or a permission policy, which lacks `Resource`"
_CHOOSE = "add the member, or choose with `--kind trust-policy` or `--kind permission-policy`"


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
        help="Trust policies and permission policies (JSON), role files, terraform plans (`terraform show -json`), ROS templates, "
        "answers of `aliyun ram GetRole`, `-` for any of them on standard input, and directories, which are searched for them.",
    ),
]
ProfileOption = Annotated[
    Language,
    typer.Option(
        "--profile",
        help="`ram` refuses extensions of Rolecall, so that a valid document can be used in an Alibaba Cloud account.",
    ),
]
KindOption = Annotated[
    PolicyKind | None,
    typer.Option(
        "--kind",
        help="The kind of the policies in files of their own; default: what each shows by `Principal` or `Resource`.",
        show_default=False,
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
    kind: KindOption = None,
    profile: ProfileOption = Language.ROLECALL,
    account_id: AccountOption = "",
    context: ContextOfAccounts = None,
    fail_on: FailOnOption = Severity.ERROR,
    output: FormatOption = FindingsFormat.TABLE,
) -> None:
    """Find what is wrong with trust policies and permission policies.

    Reports every violation of the language; for valid policies, the findings of the linter. Exit code 2 if there is an error; with
    --fail-on also for less severe problems. No server is needed.
    """
    named = named_context(context)
    found = _found(files, kind)
    documents: list[FoundRole | FoundPolicy] = [*found.roles, *found.permission_policies]
    unread = {problem.location.file for problem in found.problems if not problem.finding}
    problems = found.problems + [p for document in documents for p in _examined(document, profile, account_id, named)]
    _report(problems, _counts(found, len(unread)), output)
    failing = list(Severity)[: list(Severity).index(fail_on) + 1]
    raise typer.Exit(FAILED if any(problem.severity in failing for problem in problems) else OK)


def _found(files: Sequence[str], kind: PolicyKind | None) -> Found:
    """Return the policies of files in the order of the files, and the problems of files without them."""
    from rolecall.cli.sources import search
    from rolecall.cli.sources.found import Found

    paths = [Path(file) for file in dict.fromkeys(files)]
    searched = search(paths, stdin=True)
    nameless = [role.policy for role in searched.unknown_roles if role.policy is not None]
    found = Found(roles=[*searched.roles, *nameless], permission_policies=searched.permission_policies)
    found.problems += [*searched.problems, *searched.remarks, *_without_policy(searched, paths)]
    return _of_kind(found, kind)


def _of_kind(found: Found, kind: PolicyKind | None) -> Found:
    """Return what was found, with the policies in files of their own as policies of `kind`; None: each of its own."""
    from rolecall.cli.sources.found import Found, FoundRole
    from rolecall.cli.sources.policies import add_policy, policy_kind

    sorted_out = Found(problems=found.problems)
    documents: list[FoundRole | FoundPolicy] = [*found.roles, *found.permission_policies]
    for document in documents:
        if isinstance(document, FoundRole) and document.location.line:
            sorted_out.roles.append(document)
        elif kind is None and policy_kind(document.document) is None:
            sorted_out.add_problem(document.location, _AMBIGUOUS, _CHOOSE, reason="AMBIGUOUS_KIND")
        else:
            add_policy(document.location.file, document.document, sorted_out, kind)
    return sorted_out


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


def _examined(
    found: FoundRole | FoundPolicy, language: Language, account: str, context: ServerContext | None
) -> Iterator[Problem]:
    """Yield the problems of a policy."""
    from rolecall.cli.sources.found import FoundPolicy
    from rolecall.policy.profile import Profile

    now, profile = now_micros(), Profile[language.name]
    if isinstance(found, FoundPolicy):
        return _of_permission_policy(found, profile, now)
    owner = found.account_id or account
    return _of_trust_policy(found, profile, now, context.account_id(owner) if context else owner)


def _of_trust_policy(role: FoundRole, profile: Profile, now: int, owner: str) -> Iterator[Problem]:
    from dataclasses import replace

    from rolecall.cli.policy_check import document_problems

    for problem in document_problems(role.document, role.location_of, profile=profile, now=now, account=owner):
        # Without an exact location the message must name the element.
        element = "" if role.exact else f"{role.label}: {problem.pointer or '/'}: "
        yield replace(problem, message=element + problem.message)


def _of_permission_policy(found: FoundPolicy, profile: Profile, now: int) -> Iterator[Problem]:
    from rolecall.cli.policy_check import permission_problems
    from rolecall.policy.permission.limits import PERMISSION_LIMITS, SESSION_POLICY_LIMITS

    limits = SESSION_POLICY_LIMITS if found.kind is PolicyKind.SESSION else PERMISSION_LIMITS
    return permission_problems(found.document, found.location_of, limits=limits, profile=profile, now=now)


def _counts(found: Found, unread: int) -> str:
    """Return how many policies of which kind were examined; a file that cannot be read counts as a trust policy."""
    trust, permission = len(found.roles) + unread, len(found.permission_policies)
    numbers = [_counted(trust, "trust policy")] if trust or not permission else []
    numbers += [_counted(permission, "permission policy")] if permission else []
    return " and ".join(numbers)


def _report(problems: list[Problem], policies: str, output: FindingsFormat) -> None:
    if output is FindingsFormat.SARIF:
        from rolecall.cli.sarif import problem_result, sarif_log

        print_json(sarif_log([problem_result(problem) for problem in problems]))
    elif output is FindingsFormat.JSON:
        valid = all(problem.finding for problem in problems)
        print_json({"valid": valid, "problems": [problem.record() for problem in problems]})
    else:
        _show(problems, Counter(problem.severity for problem in problems), policies)


def _show(problems: list[Problem], counts: Counter[str], policies: str) -> None:
    from rolecall.cli.reports import report_problems

    out = console(sys.stdout)
    report_problems(problems, out)
    counted = ", ".join(_counted(counts[severity], severity) for severity in Severity if counts[severity])
    mark = marks(out).no if counts["error"] else marks(out).yes
    out.print(
        f"{mark} {policies}: {counted or 'no problems'}",
        style="red" if counts["error"] else "green",
    )


def _counted(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun.removesuffix('y')}ies" if noun.endswith("y") else f"{number} {noun}s"
