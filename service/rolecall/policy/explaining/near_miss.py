"""Near misses: why a request was denied, and the smallest change that would have allowed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rolecall.policy.compiler import ASSUME_ROLE, SET_SOURCE_IDENTITY
from rolecall.policy.document import Effect, PrincipalPattern
from rolecall.policy.explaining.condition_changes import TRIED_PATTERNS, way_in, way_out
from rolecall.policy.explaining.explain import StatementTrace
from rolecall.policy.principal import Principal, PrincipalKind


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
    ways = [way_out(t) for t in trace.conditions]
    change = " or ".join(ways) if ways else f"it denies `{trace.matched_principal}` without conditions"
    sentence = f"the Deny at {statement.pointer} applies: {change}, or change that statement"
    return NearMiss(trace=trace, elements=elements, suggestion=sentence)


def _half_allowing(trace: StatementTrace) -> NearMiss:
    """Return the near miss of a request with a source identity that is allowed only one of its two actions."""
    lacking = SET_SOURCE_IDENTITY if ASSUME_ROLE in trace.statement.actions else ASSUME_ROLE
    pointer = f"{trace.statement.pointer}/Action"
    sentence = f"a source identity is sent, so an Allow of `{lacking}` must apply too: add it to {pointer}"
    return NearMiss(trace=trace, elements=(pointer,), suggestion=sentence)


def _failing(trace: StatementTrace, principal: Principal) -> NearMiss:
    changes = [] if trace.principal_matched else [_name_principal(trace, principal)]
    failed = [t for t in trace.conditions if not t.holds]
    changes += [way_in(t, TRIED_PATTERNS // len(failed)) for t in failed]
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
