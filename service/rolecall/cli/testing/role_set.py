"""The roles that cases ask about, held as a server holds them, and decided by the same engine."""

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
    """A role that is found, as the engine holds it, with its trust policy read."""

    found: FoundRole
    role: Role
    policy: TrustPolicy


class RoleSet:
    """Some roles, and a decision point over them."""

    def __init__(self, held: Iterable[ParsedRole], accounts: Accounts, options: DecisionOptions, now: int) -> None:
        self.held = {each.role.key: each for each in held}
        self.accounts = accounts
        self.point = DecisionPoint(Snapshot([each.role for each in self.held.values()]), options, lambda: now)
        self.decoder = QueryDecoder(accounts)


class RoleSetBuilder:
    """Builds worlds; a role that is in several of them is read once."""

    def __init__(self, accounts: Accounts, options: DecisionOptions, now: int) -> None:
        self._accounts, self._options, self._now = accounts, options, now
        self._held: dict[FoundRole, ParsedRole | None] = {}
        self._worlds: dict[tuple[FoundRole, ...], RoleSet] = {}
        self.problems: list[Problem] = []

    def role_set(self, roles: tuple[FoundRole, ...]) -> RoleSet:
        """Return the world of some roles; those that break a rule are left out, and noted in `problems`."""
        if roles not in self._worlds:
            held = [held for role in roles if (held := self.held(role)) is not None]
            self.problems += _duplicates(held)
            self._worlds[roles] = RoleSet(held, self._accounts, self._options, self._now)
        return self._worlds[roles]

    def held(self, found: FoundRole) -> ParsedRole | None:
        """Return a role as the engine holds it, or None if it breaks a rule."""
        if found not in self._held:
            try:
                self._held[found] = _held(found, self._accounts)
            except ProblemsError as error:
                self.problems += error.problems
                self._held[found] = None
        return self._held[found]


def _held(found: FoundRole, accounts: Accounts) -> ParsedRole:
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
    """Yield the violations of a role's trust policy; where lines lead nowhere, the message says which element it is."""
    for problem in violation_problems(error, found.location_of):
        yield located(problem, found)


def located(problem: Problem, found: FoundRole) -> Problem:
    """Return a problem of a role's trust policy with the role, and the element, in its message."""
    element = "" if found.exact else f"{problem.pointer or '/'}: "
    return replace(problem, message=f"{found.label}: {element}{problem.message}")


def _noted(problems: list[Problem], read: Callable[[], str], found: FoundRole) -> str:
    try:
        return read()
    except InvalidFieldsError as error:
        problems += [_field_problem(violation, found) for violation in error.violations]
        return ""


def _field_problem(violation: FieldViolation, found: FoundRole) -> Problem:
    hint = "name the account: --account-alias NAME=ID" if violation.reason == "INVALID_ACCOUNT_ID" else ""
    message = f"{found.label}: {violation.field} {violation.message}"
    return Problem(location=found.location, message=message, reason=violation.reason, hint=hint)


def _duplicates(roles: Iterable[ParsedRole]) -> Iterator[Problem]:
    first: dict[str, Location] = {}
    for held in roles:
        location = first.setdefault(held.role.key, held.found.location)
        if location is not held.found.location:
            message = f"the role `{held.role.arn}` is found twice; the first is at {location}"
            hint = "keep one of the two, or let each case file say with `roles` which it asks about"
            yield Problem(location=held.found.location, message=message, hint=hint, reason="DUPLICATE_ROLE")
