"""`validate`: check policies against their language, as a compiler does. It needs no server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.checks.policy_check import permission_problems
from rolecall.cli.checks.role_check import AnyAccounts, RoleCheck, duplicate_problems
from rolecall.cli.declarations.document import TextSource
from rolecall.cli.failure import FAILED, OK, CommandError
from rolecall.cli.linting.options import LintOptions
from rolecall.cli.linting.unneeded import ExaminedPolicy, examined_roles
from rolecall.cli.options.shared import ContextOfAccounts, expanded, pairs
from rolecall.cli.problems.problem import Location, Problem
from rolecall.cli.problems.problem_groups import in_order
from rolecall.cli.remote.connection import named_context
from rolecall.cli.render.problems import FindingsFormat, ProblemReport, Severity, counted, show_problems
from rolecall.cli.sources import Found, FoundRole, search
from rolecall.cli.sources.found import FoundPolicy, policies_of
from rolecall.cli.sources.policies import add_policy, policy_kind
from rolecall.engine.clock import now_micros
from rolecall.policy.kind import PolicyKind
from rolecall.policy.permission.limits import PERMISSION_LIMITS, SESSION_POLICY_LIMITS
from rolecall.policy.profile import Profile
from rolecall.roles.errors import InvalidFieldsError

if TYPE_CHECKING:
    from rolecall_client.contexts.context import ServerContext


_AMBIGUOUS = "this may be a trust policy, which lacks `Principal`, or a permission policy, which lacks `Resource`"
_LOOKED_FOR = "looked for policies in JSON, and for roles in role files, terraform plans and the rest of `rolecall validate --help`"
_TESTED = "`rolecall test` tests whether its service accounts may assume their roles"
_CHOOSE = "add the member, or choose with `--kind trust-policy` or `--kind permission-policy`"


class Language(StrEnum):
    """The language that a document is checked against."""

    ROLECALL = "rolecall"
    RAM = "ram"


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
AliasOption = Annotated[
    list[str],
    typer.Option("--account-alias", metavar="NAME=ID", help="An alias of an account, as on the server; repeatable."),
]
FailOnOption = Annotated[Severity, typer.Option("--fail-on", help="Fail on problems of this severity and above.")]
FormatOption = Annotated[FindingsFormat, typer.Option("--output", "-o", help="The format of the report.")]


@expanded
def validate(
    files: Files,
    linter: LintOptions,
    kind: KindOption = None,
    profile: ProfileOption = Language.ROLECALL,
    account_id: AccountOption = "",
    account_alias: AliasOption = [],  # noqa: B006 - typer copies it
    context: ContextOfAccounts = None,
    fail_on: FailOnOption = Severity.ERROR,
    output: FormatOption = FindingsFormat.TABLE,
) -> None:
    """Find what is wrong with roles, trust and permission policies.

    Reports every violation of the rules for roles and policies; for valid policies, the findings of the linter. Exit code 2 if
    there is an error; with --fail-on also for less severe problems. `rolecall lint --explain ID` explains each. It needs no server.
    """
    searched = _search(files)
    found, now, ram_or_not = _of_kind(searched, kind), now_micros(), Profile[profile.name]
    accounts = _accounts(account_id, pairs(account_alias, "--account-alias"), named_context(context))
    problems = [*found.problems, *_nothing_in(files, searched)]
    linting = linter.linting(files, now)
    check = RoleCheck(accounts, now=now, profile=ram_or_not, trusted_accounts=linting.trusted_accounts)
    problems += _of_roles(found, check)
    for policy in found.permission_policies:
        problems += _of_permission_policy(policy, ram_or_not, now)
    judged = linting.judged(problems, _examined(found))
    report = ProblemReport(in_order(judged.problems), judged.suppressed, _counts(found, problems), fail_on)
    show_problems(report, output, verbose=linter.verbose)
    raise typer.Exit(FAILED if report.failed else OK)


def _accounts(account_id: str, aliases: Mapping[str, str], context: ServerContext | None) -> AnyAccounts:
    default, known = account_id or (context.default_account if context else ""), context.accounts if context else {}
    try:
        accounts = AnyAccounts(default, {**known, **aliases})
        accounts.account_id("")
    except InvalidFieldsError as error:
        raise CommandError("; ".join(f"account {violation.message}" for violation in error.violations)) from None
    return accounts


def _search(files: Sequence[str]) -> Found:
    """Return what the files contain; problems of files without policies, and remarks, are among the problems."""
    paths = [Path(file) for file in dict.fromkeys(files)]
    found = search(paths, stdin=True)
    found.problems += [*found.remarks, *_without_policy(found, paths)]
    return found


def _nothing_in(files: Sequence[str], found: Found) -> Iterator[Problem]:
    """Yield a warning for each file or directory of the command line in which nothing was found to check."""
    seen = {role.location.file for role in found.trust_policies}
    seen |= {policy.location.file for policy in found.permission_policies}
    seen |= {role.source.start.file for role in found.roles if isinstance(role.source, TextSource)}
    seen |= {problem.location.file for problem in found.problems if problem.severity == Severity.ERROR}
    used = {Path(file).resolve() for file in seen}
    with_accounts = {account.location.file for account in found.service_accounts}
    for file in dict.fromkeys(files):
        path = Path(file).resolve()
        if file not in seen and not any(path == each or path in each.parents for each in used):
            yield Problem(
                location=Location(file),
                severity="warning",
                message="there is no policy to check",
                reason="NO_POLICY",
                hint=_TESTED if file in with_accounts else _LOOKED_FOR,
                finding=True,
            )


def _of_kind(found: Found, kind: PolicyKind | None) -> Found:
    """Return what was found, with the policies in files of their own as policies of `kind`; None: each of its own."""
    sorted_out = Found(problems=found.problems, unknown_roles=found.unknown_roles)
    documents: list[FoundRole | FoundPolicy] = [*found.roles, *found.permission_policies]
    for document in documents:
        if isinstance(document, FoundRole) and document.declared:
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


def _of_roles(found: Found, check: RoleCheck) -> Iterator[Problem]:
    """Yield the problems of all roles, those of unknown names too, and the findings about the trust policies that are valid."""
    checked = [check.role(role) for role in found.roles]
    yield from duplicate_problems(each.named for each in checked if each.found.declared)
    checked += [check.role(role) for role in policies_of(found.unknown_roles)]
    for each in checked:
        yield from each.problems
        yield from check.findings(each)


def _of_permission_policy(found: FoundPolicy, profile: Profile, now: int) -> Iterator[Problem]:
    limits = SESSION_POLICY_LIMITS if found.kind is PolicyKind.SESSION else PERMISSION_LIMITS
    return permission_problems(found.document, found.location_of, limits=limits, profile=profile, now=now)


def _examined(found: Found) -> Iterator[ExaminedPolicy]:
    yield from examined_roles(found.trust_policies)
    for policy in found.permission_policies:
        yield ExaminedPolicy(policy.location.file, "")


def _counts(found: Found, problems: Sequence[Problem]) -> str:
    """Return how many policies of which kind were examined, how many files could not be, and how many roles are not known."""
    roles = found.trust_policies
    read = {role.location.file for role in roles} | {policy.location.file for policy in found.permission_policies}
    unread = {problem.location.file for problem in problems if not problem.finding} - read
    unread -= {role.source.start.file for role in roles if isinstance(role.source, TextSource)}
    trust, permission = len(roles), len(found.permission_policies)
    numbers = [counted(trust, "trust policy")] if trust else []
    numbers += [counted(permission, "permission policy")] if permission else []
    parts = [" and ".join(numbers) or "no policy checked"]
    parts += [f"{counted(len(unread), 'file')} not checked"] if unread and numbers else []
    unknown = sum(role.policy is None for role in found.unknown_roles)
    return ", ".join([*parts, *([f"{counted(unknown, 'role')} not known"] if unknown else [])])
