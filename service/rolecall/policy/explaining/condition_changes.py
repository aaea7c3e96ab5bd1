"""What to change in a request or a document so that one condition holds, or does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, product

from rolecall.policy.compiled_conditions import any_of_condition
from rolecall.policy.document import Quantifier
from rolecall.policy.explaining.condition_trace import ConditionTrace
from rolecall.policy.explaining.one_difference import one_difference
from rolecall.policy.keys import EXTERNAL_ID, ROLE_SESSION_NAME, SOURCE_IDENTITY
from rolecall.policy.operators import LIKE_OPERATORS, OPERATORS, Family
from rolecall.policy.wording import quoted

_FIELD_OF = {
    EXTERNAL_ID: "external_id",
    ROLE_SESSION_NAME: "role_session_name",
    SOURCE_IDENTITY: "source_identity",
}
_SHOWN_VALUES = 5
_TRIED_VALUES = 8
_COMPARED_VALUES, _COMPARED_CHARACTERS = 4, 512
"""How many values on either side are compared to find the one difference, and up to which length together."""
TRIED_PATTERNS = 256
"""Of all conditions of a statement together, to find a mistake."""


def way_out(trace: ConditionTrace) -> str:
    """Return what to change so that a condition of a Deny does not hold."""
    key = trace.condition.spelling
    if trace.unreadable:
        return f"{_readable_value(trace)}, and an unreadable value meets a Deny"
    if trace.present:
        return f"send a `{key}` for which {_expected(trace)} does not hold"
    return f"send `{key}` (it is absent, and {trace.condition.operator_name} holds on a missing key)"


def way_in(trace: ConditionTrace, tries: int) -> str:
    """Return what to change so that a condition of an Allow holds; `tries` patterns are tried to find the mistake."""
    key = trace.condition.spelling
    if trace.unreadable:
        return _readable_value(trace)
    if not trace.present:
        name = _FIELD_OF.get(trace.condition.key)
        where = f" (the field `{name}` of the request)" if name else ""
        return f"send `{key}`{where} for which {_expected(trace)} holds (it is absent)"
    swap = next(_swaps(trace, tries), "")
    if swap:
        return swap
    difference = _difference(trace)
    is_now = f"it is {_listed(trace.actual)}{f'; {difference}' if difference else ''}"
    return f"send a `{key}` for which {_expected(trace)} holds ({is_now})"


def _expected(trace: ConditionTrace) -> str:
    return f"{trace.condition.operator_name} {_listed(trace.condition.values)}"


def _readable_value(trace: ConditionTrace) -> str:
    condition = trace.condition
    wanted = f"send a value for `{condition.spelling}` that {condition.operator_name} can read"
    return f"{wanted}: {_listed(trace.actual)} cannot be read"


def _difference(trace: ConditionTrace) -> str:
    """Return in what one of the first values that were sent differs from an expected text, if it is one thing."""
    condition = trace.condition
    if condition.operator.family is not Family.STRING or condition.operator.negated:
        return ""
    pairs = product(condition.values[:_COMPARED_VALUES], trace.actual[:_COMPARED_VALUES])
    short = ((e, a) for e, a in pairs if e != a and len(e) + len(a) <= _COMPARED_CHARACTERS)
    return next(filter(None, (one_difference(condition.key, e, a) for e, a in short)), "")


def _swaps(trace: ConditionTrace, tries: int) -> Iterator[str]:
    """Yield suggestions of another operator with which a failed string comparison would hold.

    Only the first values of the request, and the first `tries` expected ones with wildcards, are compared.
    """
    condition = trace.condition
    if condition.quantifier is not Quantifier.NONE:
        return
    for name, why in _SWAPS.get(condition.operator.name, ()):
        operator = OPERATORS[name]
        expected = condition.values
        if name in LIKE_OPERATORS:
            expected = tuple(islice((value for value in expected if "*" in value or "?" in value), tries))
        matches = any_of_condition(replace(condition, operator=operator, values=expected))
        if any(matches(operator.requested(value)) for value in trace.actual[:_TRIED_VALUES]):
            yield f"use {name} instead of {condition.operator.name} at {condition.pointer}: {why}"


_SWAPS = {
    "StringEquals": (
        ("StringEqualsIgnoreCase", "the values differ only in case"),
        ("StringLike", "under StringEquals `*` and `?` are ordinary characters"),
    ),
    "StringEqualsIgnoreCase": (("StringLike", "under StringEqualsIgnoreCase `*` and `?` are ordinary characters"),),
}


def _listed(values: Sequence[str]) -> str:
    shown = ", ".join(map(quoted, values[:_SHOWN_VALUES]))
    return shown if len(values) <= _SHOWN_VALUES else f"{shown} and {len(values) - _SHOWN_VALUES} more"
