"""Explanations: a decision with what became of every statement. Never remembered."""

from __future__ import annotations

from dataclasses import dataclass

from rolecall.engine.decision import Decision
from rolecall.engine.decision_point import NOT_FOUND, DecisionPoint, check_duration, root_refused, stored_policy
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.snapshot import RoleVersion
from rolecall.policy.explain import StatementTrace, explain
from rolecall.policy.near_miss import NearMiss, near_misses
from rolecall.policy.principal import PrincipalKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A decision, the trace of every statement, and what stood in the way of an allow."""

    decision: Decision
    statements: tuple[StatementTrace, ...] = ()
    near_misses: tuple[NearMiss, ...] = ()


def explain_decision(point: DecisionPoint, request: AssumeRoleRequest, now: int) -> Explanation:
    """Decide one question as `DecisionPoint.check` does, without the cache, and show why; raise what it raises."""
    return explain_version(point, point.snapshot.version(request.role_key), request, now)


def explain_version(
    point: DecisionPoint, version: RoleVersion | None, request: AssumeRoleRequest, now: int
) -> Explanation:
    """Decide and explain with one version of a role, be it the newest or not; None: there is no such role."""
    if version is None:
        return Explanation(decision=NOT_FOUND)
    if request.principal.kind is PrincipalKind.ROOT:
        return Explanation(decision=root_refused(version.role))
    if request.duration_seconds:
        check_duration(request.duration_seconds, version.role)
    compiled = point.compiled_policy(version)
    decision = point.evaluated(version, compiled, request, now)
    traces = explain(
        stored_policy(version.role),
        compiled,
        request.principal,
        version.role.account_id,
        point.values(version, compiled, request),
        now,
    )
    missed = () if decision.allowed else near_misses(traces, request.principal)
    return Explanation(decision=decision, statements=traces, near_misses=missed)
