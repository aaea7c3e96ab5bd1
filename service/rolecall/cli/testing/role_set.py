"""The roles of test cases in the form in which a server stores them, decided by the same engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from rolecall.cli.checks.role_check import CheckedRole, RoleCheck, duplicate_problems
from rolecall.cli.problems.problem import Problem
from rolecall.cli.sources import FoundRole
from rolecall.engine.decision_point import DecisionOptions, DecisionPoint
from rolecall.engine.snapshot import Snapshot
from rolecall.policy.document import TrustPolicy
from rolecall.roles.accounts import Accounts
from rolecall.roles.role import Micros, Revision, Role
from rolecall.transport.codecs.decision import QueryDecoder

ALIAS_HINT = "if it is an alias, define it: --account-alias NAME=ID"
_TWICE_HINT = "remove one of the two, or choose one in each case file with `roles`"


@dataclass(frozen=True, slots=True, eq=False)
class ParsedRole:
    """A role of a file, as the engine needs it, with its parsed trust policy."""

    found: FoundRole
    role: Role
    policy: TrustPolicy


class RoleSet:
    """A set of roles, and a decision point for them. `complete` is False if roles are left out because they have problems."""

    def __init__(
        self, parsed: Iterable[ParsedRole], accounts: Accounts, options: DecisionOptions, now: int, *, complete: bool
    ) -> None:
        self.roles = {each.role.key: each for each in parsed}
        self.accounts, self.complete = accounts, complete
        self.point = DecisionPoint(Snapshot([each.role for each in self.roles.values()]), options, lambda: now)
        self.decoder = QueryDecoder(accounts)


class RoleSetBuilder:
    """Builds role sets; a role in several of them is checked once."""

    def __init__(self, accounts: Accounts, options: DecisionOptions, now: int) -> None:
        self._accounts, self._options, self._now = accounts, options, now
        self._check = RoleCheck(accounts, now=now, alias_hint=ALIAS_HINT)
        self._checked: dict[FoundRole, CheckedRole] = {}
        self._parsed: dict[FoundRole, ParsedRole | None] = {}
        self._role_sets: dict[tuple[FoundRole, ...], RoleSet] = {}
        self.problems: list[Problem] = []

    def role_set(self, roles: tuple[FoundRole, ...]) -> RoleSet:
        """Return the set of some roles; an invalid role is left out, and its violations are added to `problems`."""
        if roles not in self._role_sets:
            checked = [self._check_once(role) for role in roles]
            self.problems += duplicate_problems((each.named for each in checked), hint=_TWICE_HINT)
            # Of two roles with one name neither is used: a case would pass or fail by the one that is found last.
            times = Counter(each.judged.ref.key for each in checked)
            parsed = [one for role in roles if (one := self.parsed_role(role)) and times[one.role.key] == 1]
            complete = len(parsed) == len(roles)
            self._role_sets[roles] = RoleSet(parsed, self._accounts, self._options, self._now, complete=complete)
        return self._role_sets[roles]

    def parsed_role(self, found: FoundRole) -> ParsedRole | None:
        """Return a parsed role, or None if it is invalid; its violations are added to `problems`."""
        if found not in self._parsed:
            self._parsed[found] = _parsed(self._check_once(found))
        return self._parsed[found]

    def check_policy(self, found: FoundRole) -> None:
        """Check a role whose name is not known; its violations are added to `problems`."""
        self._check_once(found)

    def _check_once(self, found: FoundRole) -> CheckedRole:
        if found not in self._checked:
            self._checked[found] = self._check.role(found)
            self.problems += self._checked[found].problems
        return self._checked[found]


def _parsed(checked: CheckedRole) -> ParsedRole | None:
    found, judged = checked.found, checked.judged
    if checked.problems or found.unread or judged.policy is None:
        return None
    role = judged.content.new_role(judged.ref, role_id="", revision=Revision(0), time=Micros(0))
    return ParsedRole(found, role, judged.policy)
