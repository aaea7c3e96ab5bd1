"""The roles of test cases in the form in which a server stores them, decided by the same engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from rolecall.cli.policy_check import violation_problems
from rolecall.cli.problem import Location, Problem, ProblemsError
from rolecall.cli.sources import FoundRole
from rolecall.engine.decision_point import DecisionOptions, DecisionPoint
from rolecall.engine.snapshot import Snapshot
from rolecall.policy.document import TrustPolicy
from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.parser import parse_policy
from rolecall.roles.accounts import Accounts
from rolecall.roles.errors import FieldViolation, InvalidFieldsError
from rolecall.roles.fields import role_name_violations, session_violations, tag_violations
from rolecall.roles.role import DEFAULT_SESSION_SECONDS, Micros, Revision, Role
from rolecall.transport.codecs.decision import QueryDecoder


@dataclass(frozen=True, slots=True, eq=False)
class ParsedRole:
    """A role of a file, as the engine needs it, with its parsed trust policy."""

    found: FoundRole
    role: Role
    policy: TrustPolicy


class RoleSet:
    """A set of roles, and a decision point for them."""

    def __init__(self, parsed: Iterable[ParsedRole], accounts: Accounts, options: DecisionOptions, now: int) -> None:
        self.roles = {each.role.key: each for each in parsed}
        self.accounts = accounts
        self.point = DecisionPoint(Snapshot([each.role for each in self.roles.values()]), options, lambda: now)
        self.decoder = QueryDecoder(accounts)


class RoleSetBuilder:
    """Builds role sets; a role in several of them is parsed once."""

    def __init__(self, accounts: Accounts, options: DecisionOptions, now: int) -> None:
        self._accounts, self._options, self._now = accounts, options, now
        self._parsed: dict[FoundRole, ParsedRole | None] = {}
        self._role_sets: dict[tuple[FoundRole, ...], RoleSet] = {}
        self.problems: list[Problem] = []

    def role_set(self, roles: tuple[FoundRole, ...]) -> RoleSet:
        """Return the set of some roles; an invalid role is left out, and its violations are added to `problems`."""
        if roles not in self._role_sets:
            parsed = [parsed for role in roles if (parsed := self.parsed_role(role)) is not None]
            self.problems += _duplicates(parsed)
            self._role_sets[roles] = RoleSet(parsed, self._accounts, self._options, self._now)
        return self._role_sets[roles]

    def parsed_role(self, found: FoundRole) -> ParsedRole | None:
        """Return a parsed role, or None if it is invalid; its violations are added to `problems`."""
        if found not in self._parsed:
            try:
                self._parsed[found] = _parse(found, self._accounts)
            except ProblemsError as error:
                self.problems += error.problems
                self._parsed[found] = None
        return self._parsed[found]


def _parse(found: FoundRole, accounts: Accounts) -> ParsedRole:
    problems: list[Problem] = []
    account_id = _noted(problems, lambda: accounts.account_id(found.account_id), found)
    seconds = found.max_session_duration_seconds or DEFAULT_SESSION_SECONDS
    violations = [*role_name_violations(found.name), *session_violations(seconds), *tag_violations(found.tags)]
    problems += [_field_problem(violation, found) for violation in violations]
    try:
        policy = parse_policy(found.document)
    except InvalidPolicyError as error:
        raise ProblemsError([*problems, *policy_problems(error, found)]) from None
    if problems:
        raise ProblemsError(problems)
    role = Role(
        role_id="",
        account_id=account_id,
        role_name=found.name,
        document=found.document,
        create_time=Micros(0),
        update_time=Micros(0),
        revision=Revision(0),
        max_session_duration_seconds=seconds,
        tags=found.tags,
    )
    return ParsedRole(found, role, policy)


def policy_problems(error: InvalidPolicyError, found: FoundRole) -> Iterator[Problem]:
    """Yield the violations of a role's trust policy."""
    for problem in violation_problems(error, found.location_of):
        yield labelled(problem, found)


def labelled(problem: Problem, found: FoundRole) -> Problem:
    """Return a problem whose message names the role, and also the element unless its location is exact."""
    element = "" if found.exact else f"{problem.pointer or '/'}: "
    return replace(problem, message=f"{found.label}: {element}{problem.message}")


def _noted(problems: list[Problem], read: Callable[[], str], found: FoundRole) -> str:
    try:
        return read()
    except InvalidFieldsError as error:
        problems += [_field_problem(violation, found) for violation in error.violations]
        return ""


def _field_problem(violation: FieldViolation, found: FoundRole) -> Problem:
    hint = "define the alias: --account-alias NAME=ID" if violation.reason == "INVALID_ACCOUNT_ID" else ""
    message = f"{found.label}: {violation.field} {violation.message}"
    return Problem(location=found.location, message=message, reason=violation.reason, hint=hint)


def _duplicates(roles: Iterable[ParsedRole]) -> Iterator[Problem]:
    first: dict[str, Location] = {}
    for parsed in roles:
        location = first.setdefault(parsed.role.key, parsed.found.location)
        if location is not parsed.found.location:
            message = f"the role `{parsed.role.arn}` is found twice; the first is at {location}"
            hint = "remove one of the two, or choose one in each case file with `roles`"
            yield Problem(location=parsed.found.location, message=message, hint=hint, reason="DUPLICATE_ROLE")
