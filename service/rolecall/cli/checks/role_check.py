"""Judge the roles of files by the rules of the server, and report each problem at its location."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rolecall.cli.checks.policy_check import finding_problems, violation_problems
from rolecall.cli.problems.problem import Problem, ProblemsError
from rolecall.engine.clock import now_micros
from rolecall.policy.limits import Limits
from rolecall.policy.linting.lint import lint
from rolecall.policy.profile import Profile
from rolecall.roles.accounts import Accounts, may_be_alias
from rolecall.roles.commands import RoleDeclaration
from rolecall.roles.documents import DOCUMENT_FIELD, DocumentRules
from rolecall.roles.errors import FieldViolation, InvalidFieldsError
from rolecall.roles.role import Micros, RoleRef
from rolecall.roles.role_rules import AccountNames, DeclaredNames, JudgedRole, judge_role

if TYPE_CHECKING:
    from rolecall.cli.sources.found import FoundPolicy, FoundRole

GREATEST_LIMITS = Limits(
    max_document_bytes=1_048_576,
    max_statements=10_000,
    max_principals=100_000,
    max_condition_keys=10_000,
    max_patterns=100_000,
    max_pattern_characters=16_384,
    max_total_pattern_characters=1_048_576,
    max_pattern_stars=1_000,
)
"""The greatest limits that a server can have: what exceeds them is refused by every server."""

_ACCOUNT_REASONS = frozenset({"INVALID_ACCOUNT_ID", "MASKED_ACCOUNT_ID"})


class AnyAccounts:
    """The names of accounts of a server that is not known: each name that may be an alias counts as one.

    `known` are the aliases that are known; `default` is the name of the default account, or empty.
    """

    def __init__(self, default: str = "", known: Mapping[str, str] | None = None) -> None:
        self._accounts, self._default = Accounts("", known), default

    def account_id(self, text: str) -> str:
        """Return the id of an account, its alias, or empty text for the default account; raise `InvalidFieldsError`."""
        name = text or self._default
        try:
            return self._accounts.account_id(name) if name else ""
        except InvalidFieldsError:
            if may_be_alias(name):
                return name
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRole:
    """A role of a file with what the rules say of it. `problems` are errors; a role without any may be used."""

    found: FoundRole
    judged: JudgedRole
    problems: tuple[Problem, ...]

    @property
    def named(self) -> tuple[FoundRole, RoleRef | None]:
        """Return the role and its name, by which two of a name are found; None if the account is invalid."""
        return self.found, self.judged.name


class RoleCheck:
    """Judges roles of files. A name that is declared twice is a problem of the second role.

    `trusted_accounts` returns, for a file, the accounts that the linter counts like that of the role.
    """

    def __init__(
        self,
        accounts: AccountNames,
        *,
        now: int,
        limits: Limits | None = None,
        profile: Profile = Profile.ROLECALL,
        alias_hint: str = "",
        trusted_accounts: Callable[[str], frozenset[str]] | None = None,
    ) -> None:
        self._accounts, self._now, self._alias_hint = accounts, Micros(now), alias_hint
        self._trusted_accounts = trusted_accounts
        self._documents = DocumentRules(limits or Limits(), profile=profile)

    def role(self, found: FoundRole) -> CheckedRole:
        """Return a role, judged by every rule that concerns it alone."""
        declaration = RoleDeclaration(
            role_name=found.name,
            document=found.document,
            account_id=found.account_id,
            description=found.description,
            max_session_duration_seconds=found.max_session_duration_seconds,
            tags=found.tags,
        )
        judged = judge_role(
            declaration, self._accounts, lambda text, owner: self._documents.judge(text, owner, self._now)
        )
        return CheckedRole(found=found, judged=judged, problems=tuple(self._problems(found, judged)))

    def findings(self, checked: CheckedRole) -> Iterator[Problem]:
        """Yield the findings of the linter about the trust policy of a role, if it obeys the language."""
        policy, owner = checked.judged.policy, checked.judged.ref.account_id
        if policy is not None:
            trusted = self._trusted_accounts(checked.found.location.file) if self._trusted_accounts else frozenset()
            findings = lint(policy, now=self._now, account=owner if owner.isdigit() else "", trusted=trusted)
            for problem in finding_problems(findings, checked.found.location_of):
                yield labelled(problem, checked.found)

    def _problems(self, found: FoundRole, judged: JudgedRole) -> Iterator[Problem]:
        for violation in judged.violations:
            if found.judges(violation.field):
                yield self._field_problem(violation, found)
        if judged.error and found.judges(DOCUMENT_FIELD):
            for problem in violation_problems(judged.error, found.location_of):
                yield labelled(problem, found)

    def _field_problem(self, violation: FieldViolation, found: FoundRole) -> Problem:
        unknown = violation.reason in _ACCOUNT_REASONS
        # Without the name of the role, so that one unknown account is one problem, however many roles name it.
        message = (
            f"{violation.field} {violation.message}"
            if unknown
            else f"{found.label}: {violation.field} {violation.message}"
        )
        return Problem(
            location=found.field_location(violation.field),
            message=message,
            reason=violation.reason,
            hint=self._alias_hint if unknown else "",
            role=found.name,
        )


def require_valid(found: FoundRole | FoundPolicy, aliases: Mapping[str, str]) -> None:
    """Raise `ProblemsError` for the rules that a role of a file breaks; `aliases` are those that are known."""
    from rolecall.cli.sources.found import FoundRole

    if isinstance(found, FoundRole):
        problems = RoleCheck(AnyAccounts(known=aliases), now=now_micros()).role(found).problems
        if problems:
            raise ProblemsError(problems)


def duplicate_problems(
    roles: Iterable[tuple[FoundRole, RoleRef | None]], *, hint: str = "keep one of the two"
) -> Iterator[Problem]:
    """Yield a problem for each role whose name was declared before, at the second location."""
    names: DeclaredNames[FoundRole] = DeclaredNames()
    for found, ref in roles:
        # Aliases of YAML are one role in one place, and declare it twice nevertheless.
        first = names.earlier(ref, replace(found)) if ref and "role_name" not in found.unread else None
        if ref and first:
            name = ref.arn if ref.account_id else ref.role_name
            message = f"the role `{name}` is declared twice; the first is at {first.location}"
            yield Problem(location=found.location, message=message, hint=hint, reason="DUPLICATE_ROLE")


def labelled(problem: Problem, found: FoundRole) -> Problem:
    """Return a problem of a trust policy whose message names the role, and also the element unless its location is exact."""
    element = "" if found.exact else f"{problem.pointer or '/'}: "
    label = f"{found.label}: " if found.declared else ""
    return replace(problem, message=f"{label}{element}{problem.message}", role=found.name)
