"""The result of one condition for an explanation; it runs the same compiled test as the decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rolecall.policy.compiled_conditions import CompiledCondition, RequestedValues
from rolecall.policy.document import Condition
from rolecall.policy.wording import rfc3339


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionTrace:
    """The result of one condition. `actual` is empty when the key is absent."""

    condition: Condition
    actual: tuple[str, ...]
    holds: bool
    unreadable: bool

    @property
    def present(self) -> bool:
        """Return whether the request has the key."""
        return bool(self.actual)


def trace_condition(
    condition: Condition, test: CompiledCondition, values: Sequence[RequestedValues], now: int, *, unreadable: bool
) -> ConditionTrace:
    """Return the trace of a condition; `unreadable` is its result when a value cannot be read."""
    if test.slot < 0:
        return ConditionTrace(condition=condition, actual=(rfc3339(now),), holds=test.holds(now), unreadable=False)
    actual = values[test.slot] or ()
    holds = test.holds(actual)
    return ConditionTrace(
        condition=condition,
        actual=actual,
        holds=holds,
        # With any other result every value was read.
        unreadable=holds is unreadable and not all(_readable(condition, value) for value in actual),
    )


def _readable(condition: Condition, value: str) -> bool:
    try:
        condition.operator.requested(value)
    except ValueError:
        return False
    return True
