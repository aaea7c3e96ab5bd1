"""What one generation of the callers file grants to a credential: the policies of all entries that it matches, read together."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

from rolecall.callers.credential import Credential, CredentialKind
from rolecall.callers.declarations import CallerEntry, CallersFile
from rolecall.callers.limits import MAX_POLICIES_OF_AN_ENTRY
from rolecall.callers.matching import EntryIndex
from rolecall.policy.document import Effect
from rolecall.policy.permission.access import read_access
from rolecall.policy.permission.compiler import CompiledPermissions, compile_permissions
from rolecall.policy.permission.document import PermissionPolicy, PermissionStatement
from rolecall.policy.permission.patterns import EVERYTHING
from rolecall.policy.permission.system_policies import SYSTEM_POLICIES
from rolecall.policy.principal import Principal, PrincipalKind
from rolecall.policy.readers import fold

ADMINISTRATOR, DECIDER, CHECKER = "AdministratorAccess", "RolecallDecider", "RolecallChecker"

MAX_POLICY_SETS = 1_000
MAX_KNOWN_ACTIONS = 200
"""Actions of which it is known whether policies always allow them; the service has fewer."""

_PRINCIPALS = "its entries name different principals"
_TOO_MANY = f"its entries have more than {MAX_POLICIES_OF_AN_ENTRY} policies of the file together, which is the limit"

WithoutFile: TypeAlias = Mapping[CredentialKind, tuple[str, ...]]

WITHOUT_FILE: WithoutFile = {
    CredentialKind.LOCAL: (ADMINISTRATOR,),
    CredentialKind.UID: (ADMINISTRATOR,),
    CredentialKind.ANONYMOUS: (DECIDER,),
}
"""The policies of callers where there is no callers file. All others have none."""

ONLY_CHECKS: WithoutFile = dict.fromkeys(WITHOUT_FILE, (CHECKER,))
"""The same where no caller may do anything but check."""

_MAX_NUMBERS = 10_000

new_number = count(1).__next__
"""Returns a number that was never returned before."""


@dataclass(frozen=True, slots=True, eq=False)
class PolicySet:
    """Policies that callers have together, by their names, and their compiled form. All callers with the same ones share it.

    `always` has actions, each with whether the policies allow it on every resource, with any condition keys and at any time.
    """

    documents: tuple[tuple[str, PermissionPolicy], ...]
    permissions: CompiledPermissions
    always: dict[str, bool] = field(default_factory=dict)

    def always_allows(self, action: str) -> bool:
        """Return whether an action is always allowed: every statement about it is an Allow on `*` without conditions."""
        known = self.always.get(action)
        if known is None:
            known = self._find_out(action)
            if len(self.always) < MAX_KNOWN_ACTIONS:
                self.always[action] = known
        return known

    def _find_out(self, action: str) -> bool:
        if not is_written_out(action):
            return False
        statements = (statement for _, policy in self.documents for statement in policy.statements)
        about = [
            statement
            for statement, tests in zip(statements, self.permissions.statements, strict=True)
            if tests.matches_action(fold(action))
        ]
        return bool(about) and all(_is_always(statement) for statement in about)


NO_POLICIES = PolicySet((), compile_permissions([]))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GrantedRights:
    """The rights of a credential, and the names of the entries that give them.

    `refusal` is why nothing is granted although entries match, else empty. At `valid_until` an entry ends.
    """

    entries: tuple[str, ...] = ()
    policy_set: PolicySet = NO_POLICIES
    principal: Principal | None = None
    refusal: str = ""
    valid_until: int | None = None

    @property
    def policies(self) -> tuple[str, ...]:
        """Return the names of the policies."""
        return tuple(name for name, _ in self.policy_set.documents)


NOTHING_GRANTED = GrantedRights()


class CallersGeneration:
    """One generation of the callers file, or none, and what it grants. `without_file` is what no file grants."""

    def __init__(self, file: CallersFile | None, without_file: WithoutFile = WITHOUT_FILE) -> None:
        self.file, self._without_file = file, without_file
        self.hash = file.generation if file else ""
        self._index = EntryIndex(file.callers if file else ())
        self._numbers: dict[Hashable, int] = {}
        self._documents = {**SYSTEM_POLICIES, **{own.name: own.policy for own in (file.policies if file else ())}}
        self._policy_sets: dict[tuple[str, ...], PolicySet] = {}

    def number_of(self, rights: Hashable) -> int:
        """Return a number for rights, the same for equal ones, which no rights of this or another generation have had before."""
        number = self._numbers.get(rights)
        if number is None:
            if len(self._numbers) >= _MAX_NUMBERS:
                self._numbers.clear()
            number = self._numbers[rights] = new_number()
        return number

    def granted(self, credential: Credential, certificate: Credential | None, now: int) -> GrantedRights:
        """Return what a credential is granted at the time `now`; `certificate` is what a token arrived with."""
        if credential.kind is CredentialKind.LOCAL_ADMIN:
            return self._rights((ADMINISTRATOR,))
        if self.file is None:
            return self._rights(self._without_file.get(credential.kind, ()))
        found = self._index.matching(credential, certificate)
        entries = tuple(entry for entry in found if entry.until is None or now < entry.until)
        return self._of_entries(entries) if entries else NOTHING_GRANTED

    def _of_entries(self, entries: tuple[CallerEntry, ...]) -> GrantedRights:
        names = tuple(entry.name for entry in entries)
        valid_until = min((entry.until for entry in entries if entry.until is not None), default=None)
        principals = {comparable(entry.principal): entry.principal for entry in entries if entry.principal}
        policies = tuple(dict.fromkeys(name for entry in entries for name in entry.policies))
        refusal = _PRINCIPALS if len(principals) > 1 else _TOO_MANY if _are_too_many(policies) else ""
        if refusal:
            return GrantedRights(entries=names, refusal=refusal, valid_until=valid_until)
        return self._rights(
            policies, entries=names, principal=next(iter(principals.values()), None), valid_until=valid_until
        )

    def _rights(
        self,
        policies: tuple[str, ...],
        *,
        entries: tuple[str, ...] = (),
        principal: Principal | None = None,
        valid_until: int | None = None,
    ) -> GrantedRights:
        return GrantedRights(
            entries=entries,
            policy_set=self._policy_set(policies) if policies else NO_POLICIES,
            principal=principal,
            valid_until=valid_until,
        )

    def _policy_set(self, names: tuple[str, ...]) -> PolicySet:
        found = self._policy_sets.get(names)
        if found is None:
            if len(self._policy_sets) >= MAX_POLICY_SETS:
                self._policy_sets.clear()
            documents = tuple((name, self._documents[name]) for name in names)
            found = self._policy_sets[names] = PolicySet(documents, compile_permissions(documents, callers_rights=True))
        return found


def _are_too_many(policies: Collection[str]) -> bool:
    """Return whether a caller has more policies than a principal may have, of either kind."""
    system = sum(name in SYSTEM_POLICIES for name in policies)
    return max(system, len(policies) - system) > MAX_POLICIES_OF_AN_ENTRY


def is_written_out(action: str) -> bool:
    """Return whether an action has the form `PRODUCT:Name`, without wildcards."""
    try:
        read_access(action, EVERYTHING)
    except ValueError:
        return False
    return True


def _is_always(statement: PermissionStatement) -> bool:
    return statement.effect is Effect.ALLOW and EVERYTHING in statement.resources and not statement.conditions


def comparable(principal: Principal) -> Principal:
    """Return a principal with the name of a role in lower case, since these compare without regard to case."""
    if principal.kind is PrincipalKind.ROLE:
        return principal._replace(name=principal.name.lower())
    return principal
