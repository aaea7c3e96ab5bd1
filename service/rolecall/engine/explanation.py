"""Explanations: a decision with the outcome of every statement. They are never cached."""

from __future__ import annotations

from dataclasses import dataclass

from rolecall.engine.decision import Decision
from rolecall.engine.decision_point import (
    DecisionPoint,
    affordable_work,
    ended_at,
    precondition,
    require_within,
    stored_policy,
)
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.snapshot import RoleVersion
from rolecall.policy.document import TrustPolicy
from rolecall.policy.explaining.explain import StatementTrace, explain
from rolecall.policy.explaining.near_miss import NearMiss, near_misses
from rolecall.policy.work import EXPLANATION_BUDGET, explanation_work


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A decision, the trace of every statement, and, for a deny, the statements that came closest to an allow."""

    decision: Decision
    statements: tuple[StatementTrace, ...] = ()
    near_misses: tuple[NearMiss, ...] = ()


def explain_decision(point: DecisionPoint, request: AssumeRoleRequest, now: int) -> Explanation:
    """Decide a request as `DecisionPoint.check` does, without the cache, and explain it; raise what it raises."""
    return explain_version(point, point.snapshot.version(request.role_key), request, now)


def explain_version(
    point: DecisionPoint,
    version: RoleVersion | None,
    request: AssumeRoleRequest,
    now: int,
    document: TrustPolicy | None = None,
) -> Explanation:
    """Decide with a version of a role, current or not, and explain it; None: there is no such role.

    `document` is the trust policy of the version if it has been parsed already.
    """
    gated = precondition(version, request)
    if isinstance(gated, Decision):
        return Explanation(decision=ended_at(request.expires_at, gated))
    policy = point.compiled_policy(gated)
    values = point.values(gated, policy, request)
    parsed = document or stored_policy(gated.role)
    affordable_work(policy, gated.role, values)
    require_within(EXPLANATION_BUDGET, explanation_work(parsed.statements, policy.keys, values), gated.role)
    traces = explain(parsed, policy, request.principal, gated.role.account_id, values, now)
    decision = point.evaluated(gated, request, now, {t.statement.index for t in traces if t.conditions_hold})
    missed = () if decision.allowed else near_misses(traces, request.principal)
    return Explanation(decision=decision, statements=traces, near_misses=missed)
