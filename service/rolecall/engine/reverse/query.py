"""The roles that an identity can assume: each role that names it is decided by the evaluator that also serves checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from time import perf_counter

from rolecall.engine.decision import Decision
from rolecall.engine.decision_point import DecisionPoint, precondition
from rolecall.engine.errors import InvalidRequestError
from rolecall.engine.long_answers import LongAnswers
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.snapshot import RoleVersion
from rolecall.policy.keys import PRINCIPAL_ARN, RESOURCE_TAG_PREFIX
from rolecall.policy.partial import deciding_keys
from rolecall.policy.principal import Principal, PrincipalKind
from rolecall.roles.role import Role

KEYS_A_READ = 100
MAX_ROLES_A_PAGE = 2_000
"""How many roles one page may try: about a third of a second of work when no policy is compiled yet."""


class Assumability(StrEnum):
    """Whether a role can be assumed: a check allows it, or it depends on keys that the request does not carry."""

    ALLOW = "ALLOW"
    CONDITIONAL = "CONDITIONAL"


@dataclass(frozen=True, slots=True)
class AssumableRole:
    """A role that an identity can assume, or can assume only with suitable values of `missing_keys`."""

    key: str
    arn: str
    outcome: Assumability
    missing_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AssumablePage:
    """Some of the roles that an identity can assume; there may be more above the key `resume_after` (empty: there are none)."""

    roles: tuple[AssumableRole, ...]
    resume_after: str


async def assumable_roles(
    point: DecisionPoint,
    request: AssumeRoleRequest,
    *,
    account: str,
    after: str,
    limit: int,
    now: int,
    answers: LongAnswers,
    permits: Callable[[Role], bool],
) -> AssumablePage:
    """Return the first roles with a key above `after` that `request` can assume, in order of their keys: at most `limit`.

    Roles for which `permits` returns False are left out: the caller may not check them. `account` restricts the roles to one
    account (empty: all); `request.role_key` is not read. A page also ends, perhaps empty, after `MAX_ROLES_A_PAGE` roles that
    name the identity. A long list waits for turns, and each role is decided as it is then.
    """
    found, work = list[AssumableRole](), answers.turns.begin()
    for tried, key in enumerate(_candidates(point, request.principal, account, after)):
        if tried == MAX_ROLES_A_PAGE or len(found) == limit:
            return AssumablePage(tuple(found), after)
        if perf_counter() > work.until:
            await work.next_turn()
        after, version = key, point.snapshot.version(key)
        if version and version.policy is None:
            await answers.documents.compile(version)
        role = version and assumability(point, version, request, now)
        if role and version and permits(version.role):
            found.append(role)
    return AssumablePage(tuple(found), "")


def assumability(
    point: DecisionPoint, version: RoleVersion, request: AssumeRoleRequest, now: int
) -> AssumableRole | None:
    """Return whether `request` can assume this version of a role; None: it cannot, or not for so long a session."""
    try:
        gated = precondition(version, request)
    except InvalidRequestError:
        return None
    if isinstance(gated, Decision):
        return None
    role, policy = version.role, point.compiled_policy(version)
    if point.evaluated(version, request, now).allowed:
        return AssumableRole(role.key, role.arn, Assumability.ALLOW)
    values = point.values(version, policy, request)
    unknown = frozenset(slot for slot, key in enumerate(policy.keys) if may_send(request.principal, key))
    keys = deciding_keys(policy, request.principal, role.account_id, values, now, unknown=unknown)
    return AssumableRole(role.key, role.arn, Assumability.CONDITIONAL, keys) if keys else None


def may_send(principal: Principal, key: str) -> bool:
    """Return whether a request of `principal` can carry the key `key`: a key that the service derives cannot be sent."""
    if key == PRINCIPAL_ARN or key.startswith(RESOURCE_TAG_PREFIX):
        return False
    prefix = key.partition(":")[0]
    return _PROVIDER_OF.get(prefix, principal.kind) is principal.kind


_PROVIDER_OF = {"oidc": PrincipalKind.OIDC_PROVIDER, "saml": PrincipalKind.SAML_PROVIDER}


def _candidates(point: DecisionPoint, principal: Principal, account: str, after: str) -> Iterator[str]:
    """Yield the keys of the roles that may trust `principal`. They are read in portions, so writes in between do no harm."""
    prefix = f"{account}/" if account else ""
    after = max(after, prefix)
    while keys := point.snapshot.naming(principal, after=after, limit=KEYS_A_READ):
        for after in keys:
            if not after.startswith(prefix):
                return
            yield after
