"""Explanations: the result of every statement and every condition of a policy.

An explanation runs the same compiled tests as the decision, so that the two cannot disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rolecall.policy.compiled_conditions import RequestedValues
from rolecall.policy.compiler import CompiledPolicy, CompiledStatement, match_form
from rolecall.policy.document import Statement, TrustPolicy
from rolecall.policy.evaluator import matching_forms
from rolecall.policy.explaining.condition_trace import ConditionTrace, trace_condition
from rolecall.policy.principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementTrace:
    """The result of one statement. `matched_principal` is the document's spelling of the principal that matches, or empty.

    `counts` says whether the request needs one of its actions; a statement that does not count never applies.
    """

    statement: Statement
    matched_principal: str
    conditions: tuple[ConditionTrace, ...]
    counts: bool

    @property
    def principal_matched(self) -> bool:
        """Return whether a principal of the statement matches."""
        return bool(self.matched_principal)

    @property
    def applies(self) -> bool:
        """Return whether the statement counts, its principal matches and every condition holds."""
        return self.counts and self.principal_matched and self.conditions_hold

    @property
    def conditions_hold(self) -> bool:
        """Return whether every condition holds."""
        return all(trace.holds for trace in self.conditions)


def explain(
    policy: TrustPolicy,
    compiled: CompiledPolicy,
    principal: Principal,
    account: str,
    values: Sequence[RequestedValues],
    now: int,
) -> tuple[StatementTrace, ...]:
    """Return the trace of every statement of `policy`; `compiled` is its compiled form, the rest is as in `evaluate`."""
    forms = matching_forms(principal, account)
    sets_identity = compiled.identity_slot >= 0 and bool(values[compiled.identity_slot])
    return tuple(
        StatementTrace(
            statement=statement,
            matched_principal=_matched(statement, forms),
            conditions=tuple(
                trace_condition(condition, test, values, now, unreadable=tests.denies)
                for condition, test in zip(statement.conditions, tests.conditions, strict=True)
            ),
            counts=_counts(tests, sets_identity),
        )
        for statement, tests in zip(policy.statements, compiled.statements, strict=True)
    )


def _matched(statement: Statement, forms: Sequence[Principal]) -> str:
    return next((p.text for p in statement.principals if match_form(p.principal) in forms), "")


def _counts(statement: CompiledStatement, sets_identity: bool) -> bool:
    return statement.assumes or (sets_identity and statement.sets_identity)
