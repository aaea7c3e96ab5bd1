"""Decisions about requests of which some keys are not known yet."""

from __future__ import annotations

from collections.abc import Container, Sequence

from rolecall.policy.compiled_conditions import RequestedValues
from rolecall.policy.compiler import CompiledPolicy, CompiledStatement
from rolecall.policy.evaluator import matching_statements
from rolecall.policy.principal import Principal


def deciding_keys(
    policy: CompiledPolicy,
    principal: Principal,
    account: str,
    values: Sequence[RequestedValues],
    now: int,
    *,
    unknown: Container[int],
) -> tuple[str, ...] | None:
    """Return the absent keys that may still turn a deny into an allow, sorted; None when none can.

    `unknown` are the indexes of keys that the request may still have; an absent key that is not among them stays absent. Keys
    are judged one by one: two conditions on one key that no value can meet together are not noticed.

    1. A Deny whose conditions all hold, and none of which is unknown, denies in any case.
    2. Otherwise every Allow with no known condition that fails may still apply.
    """
    allows: list[CompiledStatement] = []
    denies: list[CompiledStatement] = []
    for statement in matching_statements(policy, principal, account):
        if not statement.assumes or not _may_apply(statement, values, now, unknown):
            continue
        (denies if statement.denies else allows).append(statement)
    if not allows or any(not _open_slots(s, values, unknown) for s in denies):
        return None
    slots = {slot for s in (*allows, *denies) for slot in _open_slots(s, values, unknown)}
    return tuple(policy.keys[slot] for slot in sorted(slots))


def _may_apply(
    statement: CompiledStatement, values: Sequence[RequestedValues], now: int, unknown: Container[int]
) -> bool:
    for condition in statement.conditions:
        slot = condition.slot
        if slot in unknown and not values[slot]:
            continue
        if not condition.holds(now if slot < 0 else values[slot]):
            return False
    return True


def _open_slots(statement: CompiledStatement, values: Sequence[RequestedValues], unknown: Container[int]) -> set[int]:
    return {c.slot for c in statement.conditions if c.slot in unknown and not values[c.slot]}
