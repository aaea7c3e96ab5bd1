"""Compares two callers files: who gains and who loses which rights.

1. The callers are one for each `match` of either file, where `*` is the segment `any`. So two patterns that overlap are compared
   for the callers of each alone.
2. The actions are the known ones and those that a policy spells out. The resources are one for each pattern of either file, one
   that no pattern names, and `*`. So patterns that overlap are compared at the resources of each alone.
3. At each of these points the statements are compared, not evaluated: a right is gained unless each new Allow is covered by an
   old one with no more conditions and no earlier end, and each old Deny by a new one. So a gain that conditions exclude may be
   reported, and none of these points is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from rolecall.callers.caller import FOREVER
from rolecall.callers.credential import Credential
from rolecall.callers.declarations import CallerEntry, CallersFile
from rolecall.callers.granted import CallersGeneration, comparable
from rolecall.callers.identities import example_of
from rolecall.policy.permission.access import read_access
from rolecall.policy.permission.compiler import compile_permissions
from rolecall.policy.permission.document import PermissionStatement
from rolecall.policy.permission.known_actions import KNOWN_ACTIONS
from rolecall.policy.permission.parser import parse_permission_policy
from rolecall.policy.permission.patterns import EVERYTHING
from rolecall.policy.readers import fold

MAX_COMPARED = 50_000_000
"""Statements at all points together, where the policies of callers differ: about a minute."""

EVERY_RESOURCE = "every resource"
NO_RESOURCE = "calls that name no resource"
OTHER_RESOURCE = "any other resource"

_ANY = "any"
_OTHER_RESOURCE = f"acs:ram::100000000000:{_ANY}/{_ANY}"


class TooMuchToCompareError(Exception):
    """Two callers files have too many statements, actions and resources to compare them all."""

    def __init__(self) -> None:
        super().__init__(
            f"the files have more than {MAX_COMPARED:,} combinations of statements, actions and resources, the limit;"
            " compare parts of them"
        )


class RightsChange(NamedTuple):
    """A right that one caller gains or loses; or another fact about it, then `action` and `resource` are empty."""

    caller: str
    what: str
    action: str = ""
    resource: str = ""


@dataclass(frozen=True, slots=True)
class CallersComparison:
    """What the second of two callers files gives and what it takes."""

    gains: tuple[RightsChange, ...]
    losses: tuple[RightsChange, ...]


_Conditions: TypeAlias = "frozenset[tuple[str, str, frozenset[str]]]"


class _Rule(NamedTuple):
    """A statement that is about a point: its conditions, and until when its policy is given."""

    conditions: _Conditions
    until: int

    def covers(self, other: _Rule) -> bool:
        """Return whether this statement applies whenever the other one does."""
        return self.conditions <= other.conditions and self.until >= other.until


class _Point(NamedTuple):
    allows: tuple[_Rule, ...]
    denies: tuple[_Rule, ...]

    def exceeds(self, other: _Point) -> bool:
        """Return whether this may allow something that the other does not."""
        if not self.allows or any(not deny.conditions and deny.until == FOREVER for deny in self.denies):
            return False
        covered = all(any(old.covers(new) for old in other.allows) for new in self.allows)
        kept = all(any(new.covers(old) for new in self.denies) for old in other.denies)
        return not (covered and kept)


class _Statement(NamedTuple):
    rule: _Rule
    denies: bool
    actions: frozenset[str]
    resources: frozenset[str]


class _Points(NamedTuple):
    """The actions, and the resources as they are shown with a resource that is meant."""

    actions: tuple[str, ...]
    resources: tuple[tuple[str, str], ...]


class _CallerExample(NamedTuple):
    """How callers are named in the report, and one of them."""

    name: str
    credential: Credential
    certificate: Credential | None


class _GrantedPolicies(NamedTuple):
    """All that the rights of a caller depend on: the texts of its policies, each with its end; and what the caller is."""

    policies: tuple[tuple[str, str, int], ...]
    principal: str


def compare_callers(old: CallersFile, new: CallersFile, *, now: int) -> CallersComparison:
    """Return what changes from the old file to the new one; raise `TooMuchToCompareError`. `now` is in microseconds since 1970."""
    statements = [s for file in (old, new) for own in file.policies for s in own.policy.statements]
    points = _Points(tuple(_actions(statements)), tuple(_resources(statements)))
    comparer = _Comparer(CallersGeneration(old), CallersGeneration(new), points, now)
    gains, losses = list(_trust_changes(old, new)), list(_trust_changes(new, old))
    for caller in _callers(old, new):
        gained, lost = comparer.changes(caller)
        gains += gained
        losses += lost
    return CallersComparison(tuple(gains), tuple(losses))


class _Comparer:
    """Compares the rights of callers by two generations. Callers with the same policies are compared once."""

    def __init__(self, old: CallersGeneration, new: CallersGeneration, points: _Points, now: int) -> None:
        self._old, self._new, self._points, self._now = old, new, points, now
        self._compared: dict[tuple[_GrantedPolicies, _GrantedPolicies], tuple[tuple[str, str], ...]] = {}
        self._work = 0

    def changes(self, caller: _CallerExample) -> tuple[list[RightsChange], list[RightsChange]]:
        """Return what a caller gains and what it loses."""
        before, after = (_granted(g, caller, self._now) for g in (self._old, self._new))
        return self._gained(caller.name, before, after), self._gained(caller.name, after, before)

    def _gained(self, name: str, before: _GrantedPolicies, after: _GrantedPolicies) -> list[RightsChange]:
        changes = []
        if after.principal and after.principal != before.principal:
            changes.append(RightsChange(name, f"is {after.principal}"))
        rights = self._compared.get((before, after))
        if rights is None:
            rights = self._compared[before, after] = tuple(self._rights(before, after))
        return changes + [RightsChange(name, "may", action, resource) for action, resource in rights]

    def _rights(self, before: _GrantedPolicies, after: _GrantedPolicies) -> Iterator[tuple[str, str]]:
        if before.policies == after.policies:
            return
        actions, resources = self._points
        old, new = _statements(before, self._points), _statements(after, self._points)
        resources_of: dict[str, list[str]] = {}
        for resource, _ in resources:
            for action in self._gained_on(resource, old, new):
                resources_of.setdefault(action, []).append(resource)
        together: dict[tuple[str, ...], list[str]] = {}
        for action in filter(resources_of.__contains__, actions):
            together.setdefault(tuple(resources_of[action]), []).append(action)
        for here, gained in together.items():
            for resource in (EVERY_RESOURCE,) if len(here) == len(resources) else here:
                yield from ((action, resource) for action in _grouped(gained, actions))

    def _gained_on(self, resource: str, old: Iterable[_Statement], new: Iterable[_Statement]) -> Iterator[str]:
        """Yield the actions that are gained on one resource."""
        before, after = ([s for s in side if resource in s.resources] for side in (old, new))
        for action in {action for statement in after if not statement.denies for action in statement.actions}:
            self._compare(len(before) + len(after))
            if _point(after, action).exceeds(_point(before, action)):
                yield action

    def _compare(self, statements: int) -> None:
        self._work += statements
        if self._work > MAX_COMPARED:
            raise TooMuchToCompareError


def _granted(generation: CallersGeneration, caller: _CallerExample, now: int) -> _GrantedPolicies:
    granted = generation.granted(caller.credential, caller.certificate, now)
    entries = [e for e in generation.file.callers if e.name in granted.entries] if generation.file else []
    policies = ((name, policy.text, _until(name, entries)) for name, policy in granted.policy_set.documents)
    return _GrantedPolicies(tuple(policies), str(comparable(granted.principal)) if granted.principal else "")


def _until(policy: str, entries: Iterable[CallerEntry]) -> int:
    """Return until when a policy is given by any of these entries."""
    return max(FOREVER if e.until is None else e.until for e in entries if policy in e.policies)


def _statements(granted: _GrantedPolicies, points: _Points) -> list[_Statement]:
    """Return the statements of all policies of a caller, with the actions and the resources that they are about."""
    documents = [(name, parse_permission_policy(text)) for name, text, _ in granted.policies]
    compiled = compile_permissions(documents, callers_rights=True).statements
    ends = {name: until for name, _, until in granted.policies}
    read = [(name, statement) for name, policy in documents for statement in policy.statements]
    accesses = {shown: read_access("ram:GetRole", example) for shown, example in points.resources}
    return [
        _Statement(
            _Rule(_conditions(statement), ends[name]),
            tests.denies,
            frozenset(filter(tests.matches_action, points.actions)),
            frozenset(shown for shown, access in accesses.items() if tests.matches_resource(access)),
        )
        for tests, (name, statement) in zip(compiled, read, strict=True)
    ]


def _point(statements: Iterable[_Statement], action: str) -> _Point:
    about = [s for s in statements if action in s.actions]
    return _Point(tuple(s.rule for s in about if not s.denies), tuple(s.rule for s in about if s.denies))


def _conditions(statement: PermissionStatement) -> _Conditions:
    return frozenset((c.operator_name, c.key, frozenset(c.values)) for c in statement.conditions)


def _callers(old: CallersFile, new: CallersFile) -> Iterator[_CallerExample]:
    """Yield an example of the callers of each entry, with its name in the report."""
    seen = set[str]()
    for entry in (*old.callers, *new.callers):
        name = _name(entry)
        if name not in seen:
            seen.add(name)
            yield _CallerExample(name, example_of(entry.match), example_of(entry.via) if entry.via else None)


def _name(entry: CallerEntry) -> str:
    audience = f" (audience {entry.match.audience})" if entry.match.audience else ""
    return f"{entry.match}{audience}{f' via {entry.via}' if entry.via else ''}"


def _actions(statements: Iterable[PermissionStatement]) -> Iterator[str]:
    """Yield each action once, in lower case."""
    yield from KNOWN_ACTIONS
    spelled = {fold(action) for statement in statements for action in statement.actions}
    yield from sorted(a for a in spelled if a not in KNOWN_ACTIONS and "*" not in a and "?" not in a)


def _resources(statements: Iterable[PermissionStatement]) -> Iterator[tuple[str, str]]:
    """Yield each resource once: how it is shown, and a resource that is meant."""
    yield NO_RESOURCE, EVERYTHING
    yield OTHER_RESOURCE, _OTHER_RESOURCE
    patterns = dict.fromkeys(resource for statement in statements for resource in statement.resources)
    yield from ((pattern, _example_resource(pattern)) for pattern in patterns if pattern != EVERYTHING)


def _example_resource(pattern: str) -> str:
    _, product, region, account, relative_id = (*pattern.split(":", 4), *[EVERYTHING] * 3)[:5]
    product = _filled(product, "ram")
    region = "" if product == "ram" else _filled(region, _ANY)
    return f"acs:{product}:{region}:{_filled(account, '100000000000')}:{_filled(relative_id, _ANY)}"


def _filled(pattern: str, star: str) -> str:
    return pattern.replace("*", star).replace("?", "x")


def _grouped(gained: list[str], actions: tuple[str, ...]) -> Iterator[str]:
    """Yield actions as they are written, those of a whole product as `PRODUCT:*`, and all together as `*`."""
    if len(gained) == len(actions):
        yield EVERYTHING
        return
    for product in dict.fromkeys(action.partition(":")[0] for action in gained):
        of_product = [action for action in gained if action.startswith(f"{product}:")]
        if len(of_product) > 1 and len(of_product) == sum(action.startswith(f"{product}:") for action in actions):
            yield f"{product}:*"
        else:
            yield from (KNOWN_ACTIONS.get(action, action) for action in of_product)


def _trust_changes(old: CallersFile, new: CallersFile) -> Iterator[RightsChange]:
    """Yield whom the new file trusts, or trusts otherwise, to name callers and federated identities."""
    domains = {(domain.name, domain.authority) for domain in old.trust_domains}
    yield from (
        RightsChange(domain.name, "is a trust domain, whose CA names callers")
        for domain in new.trust_domains
        if (domain.name, domain.authority) not in domains
    )
    yield from (
        RightsChange(issuer.issuer, "is an issuer, whose keys name callers")
        for issuer in new.issuers
        if issuer not in old.issuers
    )
    yield from (
        RightsChange(provider.arn, "is a provider, whose keys name federated identities")
        for provider in new.providers
        if provider not in old.providers
    )
