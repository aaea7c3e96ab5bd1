"""When the conditions of a statement hold, which keys they lack, and how long that stays so; for policies of both kinds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Protocol

from rolecall.policy.compiled_conditions import CompiledCondition, RequestedValues


class ConditionalStatement(Protocol):
    """A compiled statement: its conditions, the indexes of the keys that they read, and the instants at which they change."""

    @property
    def conditions(self) -> tuple[CompiledCondition, ...]:
        """Return the conditions, all of which must hold."""
        ...

    @property
    def slots(self) -> tuple[int, ...]:
        """Return the indexes of the keys that the conditions read, without the time, sorted."""
        ...

    @property
    def boundaries(self) -> tuple[int, ...]:
        """Return the instants at which a condition on the time changes its result, sorted."""
        ...


def applies(statement: ConditionalStatement, values: Sequence[RequestedValues], now: int) -> bool:
    """Return whether every condition of a statement holds."""
    for condition in statement.conditions:
        slot = condition.slot
        if not condition.test(condition.any_of, now if slot < 0 else values[slot]):
            return False
    return True


def missing_keys(
    keys: Sequence[str], statements: Iterable[ConditionalStatement], values: Sequence[RequestedValues]
) -> tuple[str, ...]:
    """Return the absent keys that statements read, sorted; `keys` are sorted, and aligned with `values`."""
    slots = [slot for s in statements for slot in s.slots if not values[slot]]
    return tuple([keys[slot] for slot in sorted(set(slots))]) if slots else ()


def window(statements: Iterable[ConditionalStatement], now: int) -> tuple[int | None, int | None]:
    """Return the period around `now` in which no condition on the time changes its result; None: no bound."""
    boundaries = sorted(b for s in statements for b in s.boundaries)
    after = bisect_right(boundaries, now)
    return (
        boundaries[after - 1] if after else None,
        boundaries[after] if after < len(boundaries) else None,
    )
