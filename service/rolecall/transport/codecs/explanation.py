"""Explanations on the wire."""

from __future__ import annotations

from rolecall.engine.decision import Answer, ServedFrom
from rolecall.engine.explanation import Explanation
from rolecall.policy.explaining.condition_trace import ConditionTrace
from rolecall.policy.explaining.explain import StatementTrace
from rolecall.policy.explaining.near_miss import NearMiss
from rolecall.transport.codecs.decision import write_answer
from rolecall_client.v1 import decision_pb2 as pb


def explain_response(
    explanation: Explanation,
    *,
    decision_id: str,
    revision: int,
    role_revision: int = 0,
    token: str,
    staleness: int = 0,
    served_from: ServedFrom = ServedFrom.EVALUATED,
    now: int,
) -> pb.ExplainAssumeRoleResponse:
    """Return the message of an explanation that is given at the time `now`; times are in microseconds."""
    response = pb.ExplainAssumeRoleResponse(
        statements=map(_statement, explanation.statements),
        near_misses=map(_near_miss, explanation.near_misses),
        consistency_token=token,
        role_revision=role_revision,
    )
    answer = Answer(explanation.decision, served_from)
    write_answer(response.decision, answer, decision_id, revision, staleness, now=now)
    return response


def _statement(trace: StatementTrace) -> pb.StatementTrace:
    statement = trace.statement
    return pb.StatementTrace(
        index=statement.index,
        sid=statement.sid,
        effect=statement.effect.value,
        applies=trace.applies,
        principal_matched=trace.principal_matched,
        matched_principal=trace.matched_principal,
        conditions=map(_condition, trace.conditions),
        pointer=statement.pointer,
        principals=[pattern.text for pattern in statement.principals],
    )


def _condition(trace: ConditionTrace) -> pb.ConditionTrace:
    condition = trace.condition
    return pb.ConditionTrace(
        operator=condition.operator_name,
        key=condition.spelling,
        expected=condition.values,
        actual=trace.actual,
        present=trace.present,
        holds=trace.holds,
        unreadable=trace.unreadable,
        pointer=condition.pointer,
    )


def _near_miss(miss: NearMiss) -> pb.NearMiss:
    statement = miss.trace.statement
    return pb.NearMiss(
        index=statement.index,
        sid=statement.sid,
        pointer=statement.pointer,
        effect=statement.effect.value,
        elements=miss.elements,
        suggestion=miss.suggestion,
    )
