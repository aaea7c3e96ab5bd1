"""Near misses: why a request was denied, and the smallest change that would have allowed it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from rolecall.policy.compiler import ASSUME_ROLE, SET_SOURCE_IDENTITY
from rolecall.policy.document import Effect, PrincipalPattern, Quantifier
from rolecall.policy.explain import ConditionTrace, StatementTrace
from rolecall.policy.keys import EXTERNAL_ID, ROLE_SESSION_NAME, SOURCE_IDENTITY
from rolecall.policy.operators import LIKE_OPERATORS, OPERATORS
from rolecall.policy.principal import Principal, PrincipalKind
from rolecall.policy.wording import quoted

_FIELD_OF = {
    EXTERNAL_ID: "external_id",
    ROLE_SESSION_NAME: "role_session_name",
    SOURCE_IDENTITY: "source_identity",
}
_SHOWN_VALUES = 5
_TRIED_VALUES = 8
_TRIED_PATTERNS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """A statement that prevents an allow: an Allow that failed in `elements` (JSON pointers), or a Deny that applies by them."""

    trace: StatementTrace
    elements: tuple[str, ...]
    suggestion: str


def near_misses(traces: Sequence[StatementTrace], principal: Principal) -> tuple[NearMiss, ...]:
    """Return every Deny that applies, then the Allow statement with the fewest failed elements, unless an Allow applies.

    Of several with equally few, a statement whose principal matches is preferred, then the first in the document.
    """
    denying = tuple(_denying(t) for t in traces if t.statement.effect is Effect.DENY and t.applies)
    allowing = [t for t in traces if t.statement.effect is Effect.ALLOW and t.counts]
    if applying := [t for t in allowing if t.applies]:
        return denying or (_half_allowing(applying[0]),)
    if not allowing:
        return denying
    closest = min(allowing, key=lambda t: (len(_failed(t)), not t.principal_matched))
    return (*denying, _failing(closest, principal))


def _failed(trace: StatementTrace) -> tuple[str, ...]:
    principal = () if trace.principal_matched else (f"{trace.statement.pointer}/Principal",)
    return principal + tuple(t.condition.pointer for t in trace.conditions if not t.holds)


def _denying(trace: StatementTrace) -> NearMiss:
    statement = trace.statement
    elements = tuple(t.condition.pointer for t in trace.conditions) or (f"{statement.pointer}/Principal",)
    ways = [_way_out(t) for t in trace.conditions]
    change = " or ".join(ways) if ways else f"it denies `{trace.matched_principal}` without conditions"
    sentence = f"the Deny at {statement.pointer} applies: {change}, or change that statement"
    return NearMiss(trace=trace, elements=elements, suggestion=sentence)


def _way_out(trace: ConditionTrace) -> str:
    key = trace.condition.spelling
    if trace.unreadable:
        return f"{_readable_value(trace)}, and an unreadable value meets a Deny"
    if trace.present:
        return f"send a `{key}` for which {_expected(trace)} does not hold"
    return f"send `{key}` (it is absent, and {trace.condition.operator_name} holds on a missing key)"


def _half_allowing(trace: StatementTrace) -> NearMiss:
    """Return the near miss of a request with a source identity that is allowed only one of its two actions."""
    lacking = SET_SOURCE_IDENTITY if ASSUME_ROLE in trace.statement.actions else ASSUME_ROLE
    pointer = f"{trace.statement.pointer}/Action"
    sentence = f"a source identity is sent, so an Allow of `{lacking}` must apply too: add it to {pointer}"
    return NearMiss(trace=trace, elements=(pointer,), suggestion=sentence)


def _failing(trace: StatementTrace, principal: Principal) -> NearMiss:
    changes = [] if trace.principal_matched else [_name_principal(trace, principal)]
    failed = [t for t in trace.conditions if not t.holds]
    changes += [_change(t, _TRIED_PATTERNS // len(failed)) for t in failed]
    return NearMiss(
        trace=trace,
        elements=_failed(trace),
        suggestion=f"to be allowed by {trace.statement.pointer}, " + ", and ".join(changes),
    )


def _name_principal(trace: StatementTrace, principal: Principal) -> str:
    for pattern in trace.statement.principals:
        if hint := _principal_hint(pattern, principal):
            return hint
    return f"name `{principal}` in {trace.statement.pointer}/Principal"


def _principal_hint(pattern: PrincipalPattern, principal: Principal) -> str:
    named = pattern.principal
    if named.kind is principal.kind and named.name.lower() == principal.name.lower() and named != principal:
        what = "account" if named.account != principal.account else "case of the name"
        return f"name `{principal}` instead of `{pattern.text}` (they differ in the {what})"
    if named.kind is PrincipalKind.ROOT and principal.kind in (PrincipalKind.USER, PrincipalKind.ROLE):
        return f"name `acs:ram::{principal.account}:root` or `{principal}` (`{pattern.text}` is another account)"
    return ""


def _change(trace: ConditionTrace, tries: int) -> str:
    key = trace.condition.spelling
    if trace.unreadable:
        return _readable_value(trace)
    if not trace.present:
        name = _FIELD_OF.get(trace.condition.key)
        where = f" (the field `{name}` of the request)" if name else ""
        return f"send `{key}`{where} for which {_expected(trace)} holds (it is absent)"
    swap = next(_swaps(trace, tries), "")
    return swap or f"send a `{key}` for which {_expected(trace)} holds (it is {_listed(trace.actual)})"


def _expected(trace: ConditionTrace) -> str:
    return f"{trace.condition.operator_name} {_listed(trace.condition.values)}"


def _readable_value(trace: ConditionTrace) -> str:
    condition = trace.condition
    wanted = f"send a value for `{condition.spelling}` that {condition.operator_name} can read"
    return f"{wanted}: {_listed(trace.actual)} cannot be read"


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
        matches = operator.any_of(tuple(map(operator.expected, expected)))
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
