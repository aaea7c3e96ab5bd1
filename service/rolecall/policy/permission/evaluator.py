"""Decide an access: deny overrides, and doubt never helps the principal. Pure and total."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rolecall.policy.applying import applies, missing_keys, window
from rolecall.policy.compiled_conditions import RequestedValues
from rolecall.policy.evaluator import Outcome
from rolecall.policy.permission.access import Access, read_access
from rolecall.policy.permission.compiler import CompiledPermission, CompiledPermissions, StatementOrigin
from rolecall.policy.work import WORK_BUDGET


class AccessEvaluation(NamedTuple):
    """The answer of the policies of a principal to one access, and its reasons.

    `determining` are all applying statements of the effect that won. `missing_keys` are the absent keys of statements that are
    about the action and the resource, sorted. The answer is valid at every time in [valid_from, valid_until), in microseconds;
    None: no bound.
    """

    outcome: Outcome
    determining: tuple[StatementOrigin, ...]
    missing_keys: tuple[str, ...]
    valid_from: int | None
    valid_until: int | None


_NOT_NAMED = AccessEvaluation(Outcome.IMPLICIT_DENY, (), (), None, None)


def evaluate_access(
    permissions: CompiledPermissions, action: str, resource: str, values: Sequence[RequestedValues], now: int
) -> AccessEvaluation:
    """Decide whether the principal that has these policies may do `action` on `resource`.

    `values` are aligned with `permissions.keys`; `now` is in microseconds since 1970. What `read_access` refuses is denied, and so
    is an access of more work than `WORK_BUDGET`.

    1. A Deny statement that applies denies.
    2. Otherwise, an Allow statement that applies allows.
    3. Otherwise, the access is denied.
    """
    try:
        access = read_access(action, resource)
    except ValueError:
        return _NOT_NAMED
    # Whatever is asked, the time of an answer is limited.
    if permissions.work is not None and permissions.work.estimate(action, resource, values) > WORK_BUDGET:
        return _NOT_NAMED
    relevant = matching_permissions(permissions, access)
    if not relevant:
        return _NOT_NAMED
    applying = [s for s in relevant if applies(s, values, now)]
    denying = tuple([s.origin for s in applying if s.denies])
    valid_from, valid_until = window(relevant, now) if permissions.reads_time else (None, None)
    return AccessEvaluation(
        _outcome(applying, denying),
        denying or tuple([s.origin for s in applying]),
        missing_keys(permissions.keys, relevant, values),
        valid_from,
        valid_until,
    )


def estimated_access_work(
    permissions: CompiledPermissions, action: str, resource: str, values: Sequence[RequestedValues]
) -> int:
    """Return the estimated work of `evaluate_access` in the units of `policy/work.py`; 0 where no access makes long work."""
    return 0 if permissions.work is None else permissions.work.estimate(action, resource, values)


def matching_permissions(permissions: CompiledPermissions, access: Access) -> list[CompiledPermission]:
    """Return the statements that are about the action and the resource of an access."""
    return [s for s in permissions.statements if s.matches_action(access.action) and s.matches_resource(access)]


def _outcome(applying: Sequence[CompiledPermission], denying: Sequence[StatementOrigin]) -> Outcome:
    if denying:
        return Outcome.EXPLICIT_DENY
    return Outcome.ALLOW if applying else Outcome.IMPLICIT_DENY
