"""What an identity can assume: every role that names it, put to the same evaluator that checks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from rolecall.engine.decision import Reason
from rolecall.engine.decision_point import DecisionPoint, check_duration
from rolecall.engine.errors import InvalidRequestError
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.snapshot import RoleVersion
from rolecall.policy.keys import EXTERNAL_ID, PRINCIPAL_ARN, RESOURCE_TAG_PREFIX, ROLE_SESSION_NAME, SOURCE_IDENTITY
from rolecall.policy.partial import deciding_keys
from rolecall.policy.principal import Principal, PrincipalKind

ROLES_A_LOOK = 100
WORK_SECONDS_BETWEEN_AWAITS = 0.001
MAX_ROLES_A_PAGE = 2_000
"""How many roles that name an identity one page may try: about a third of a second of work when no policy is compiled yet."""


class Assumability(StrEnum):
    """Whether a role can be assumed: a check allows, or it depends on keys that the request does not carry."""

    ALLOW = "ALLOW"
    CONDITIONAL = "CONDITIONAL"


@dataclass(frozen=True, slots=True)
class AssumableRole:
    """A role that an identity can assume, or could with the `missing_keys`."""

    key: str
    arn: str
    outcome: Assumability
    missing_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AssumablePage:
    """Some of the roles that an identity can assume. There may be more above the key `resume_after`; empty: there are none."""

    roles: tuple[AssumableRole, ...]
    resume_after: str


async def assumable_roles(
    point: DecisionPoint, request: AssumeRoleRequest, *, account: str, after: str, limit: int, now: int
) -> AssumablePage:
    """Return the next roles above the key `after` that `request` can assume, in order of their keys: at most `limit`.

    `account` keeps to one account (empty: all); `request.role_key` is not read. A role whose longest session is shorter than the
    one asked for is left out. A page also ends, maybe empty, after `MAX_ROLES_A_PAGE` roles that name the identity: one that a
    million roles name and deny must not keep a call for minutes. Other work is let in between, so a long list holds up no check;
    a role that changes meanwhile is listed as it is when its turn comes.
    """
    found, since = list[AssumableRole](), time.perf_counter()
    for tried, key in enumerate(_candidates(point, request.principal, account, after)):
        if tried == MAX_ROLES_A_PAGE or len(found) == limit:
            return AssumablePage(tuple(found), after)
        if time.perf_counter() - since > WORK_SECONDS_BETWEEN_AWAITS:
            await asyncio.sleep(0)
            since = time.perf_counter()
        after, version = key, point.snapshot.version(key)
        role = version and assumability(point, version, request, now)
        if role:
            found.append(role)
    return AssumablePage(tuple(found), "")


def assumability(
    point: DecisionPoint, version: RoleVersion, request: AssumeRoleRequest, now: int
) -> AssumableRole | None:
    """Return whether `request` can assume this version of a role; None: it cannot."""
    role = version.role
    if request.principal.kind is PrincipalKind.ROOT or not _lasts(request, version):
        return None
    policy = point.compiled_policy(version)
    if point.evaluated(version, policy, request, now).reason is Reason.ALLOW:
        return AssumableRole(role.key, role.arn, Assumability.ALLOW)
    values = point.values(version, policy, request)
    unknown = frozenset(slot for slot, key in enumerate(policy.keys) if may_send(request.principal, key))
    keys = deciding_keys(policy, request.principal, role.account_id, values, now, unknown=unknown)
    return AssumableRole(role.key, role.arn, Assumability.CONDITIONAL, keys) if keys else None


def may_send(principal: Principal, key: str) -> bool:
    """Tell whether a request of `principal` could carry the key `key`; what the service derives is as it is."""
    if key in (EXTERNAL_ID, ROLE_SESSION_NAME, SOURCE_IDENTITY):
        return True
    if key == PRINCIPAL_ARN or key.startswith(RESOURCE_TAG_PREFIX):
        return False
    prefix = key.partition(":")[0]
    return _PROVIDER_OF.get(prefix, principal.kind) is principal.kind


_PROVIDER_OF = {"oidc": PrincipalKind.OIDC_PROVIDER, "saml": PrincipalKind.SAML_PROVIDER}


def _candidates(point: DecisionPoint, principal: Principal, account: str, after: str) -> Iterator[str]:
    """Yield the keys of the roles that may trust `principal`, some at a time: what is written meanwhile does no harm."""
    prefix = f"{account}/" if account else ""
    after = max(after, prefix)
    while keys := point.snapshot.naming(principal, after=after, limit=ROLES_A_LOOK):
        for after in keys:
            if not after.startswith(prefix):
                return
            yield after


def _lasts(request: AssumeRoleRequest, version: RoleVersion) -> bool:
    if not request.duration_seconds:
        return True
    try:
        check_duration(request.duration_seconds, version.role)
    except InvalidRequestError:
        return False
    return True
