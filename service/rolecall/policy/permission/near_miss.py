"""Near misses of accesses: why an access was denied, and the smallest change that would have allowed it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rolecall.policy.document import Effect
from rolecall.policy.explaining.condition_changes import TRIED_PATTERNS, way_in, way_out
from rolecall.policy.permission.explain import PermissionTrace
from rolecall.policy.readers import fold
from rolecall.policy.wildcard import compile_pattern, matches_any
from rolecall.policy.wording import quoted

_PARTS = ("", "product", "region", "account", "relative id")


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionNearMiss:
    """A statement that prevents an allow: an Allow that failed in `elements` (JSON pointers), or a Deny that applies by them."""

    trace: PermissionTrace
    elements: tuple[str, ...]
    suggestion: str


def near_misses_of_access(
    traces: Sequence[PermissionTrace], action: str, resource: str
) -> tuple[PermissionNearMiss, ...]:
    """Return every Deny that applies, then the Allow statement with the fewest failed elements, unless an Allow applies.

    Of several with equally few, one about the action is preferred, then one about the resource, then the first.
    """
    denying = tuple(_denying(t) for t in traces if t.statement.effect is Effect.DENY and t.applies)
    allowing = [t for t in traces if t.statement.effect is Effect.ALLOW]
    if not allowing or any(t.applies for t in allowing):
        return denying
    closest = min(allowing, key=lambda t: (len(_failed(t)), not t.action_matched, not t.resource_matched))
    return (*denying, _failing(closest, action, resource))


def _failed(trace: PermissionTrace) -> tuple[str, ...]:
    statement = trace.statement
    action = () if trace.action_matched else (f"{statement.pointer}/{statement.actions_name}",)
    resource = () if trace.resource_matched else (f"{statement.pointer}/Resource",)
    return action + resource + tuple(t.condition.pointer for t in trace.conditions if not t.holds)


def _denying(trace: PermissionTrace) -> PermissionNearMiss:
    statement = trace.statement
    elements = tuple(t.condition.pointer for t in trace.conditions) or (
        f"{statement.pointer}/{statement.actions_name}",
    )
    ways = [way_out(t) for t in trace.conditions]
    change = " or ".join(ways) if ways else "it denies the access without conditions"
    sentence = f"the Deny at {_place(trace)} applies: {change}, or change that statement"
    return PermissionNearMiss(trace=trace, elements=elements, suggestion=sentence)


def _failing(trace: PermissionTrace, action: str, resource: str) -> PermissionNearMiss:
    failed = [t for t in trace.conditions if not t.holds]
    changes = [*_patterns(trace, action, resource), *(way_in(t, TRIED_PATTERNS // len(failed)) for t in failed)]
    sentence = f"to be allowed by {_place(trace)}, " + ", and ".join(changes)
    return PermissionNearMiss(trace=trace, elements=_failed(trace), suggestion=sentence)


def _place(trace: PermissionTrace) -> str:
    return f"{trace.statement.pointer} of policy {quoted(trace.origin.policy)}"


def _patterns(trace: PermissionTrace, action: str, resource: str) -> Iterator[str]:
    if not trace.action_matched:
        yield _name_action(trace, action)
    if not trace.resource_matched:
        yield _name_resource(trace, resource)


def _name_action(trace: PermissionTrace, action: str) -> str:
    statement = trace.statement
    pointer = f"{statement.pointer}/{statement.actions_name}"
    if trace.out_of_reach:
        why = "an Allow reaches an action of this service only by a pattern that begins with `rolecall:`"
        return f"name {quoted(action)} in `Action` ({why})"
    if statement.excludes_actions:
        return f"allow {quoted(action)} in another statement, since {quoted(trace.action_pattern)} at {pointer} excludes it"
    return f"name {quoted(action)} in {pointer}"


def _name_resource(trace: PermissionTrace, resource: str) -> str:
    pointer = f"{trace.statement.pointer}/Resource"
    for pattern in trace.statement.resources:
        if hint := _difference(pattern, resource):
            return f"name {quoted(resource)} in {pointer} ({quoted(pattern)} {hint})"
    return f"name {quoted(resource)} in {pointer}"


def _difference(pattern: str, resource: str) -> str:
    """Return in which one part a resource pattern does not match a resource, or an empty text."""
    if resource == "*":
        return "does not match a call that names no resource, which only `*` does"
    wanted, given = pattern.split(":", 4), resource.split(":", 4)
    if fold(pattern) == fold(resource):
        return "differs in the case"
    differing = [
        part for part, a, b in zip(_PARTS, wanted, given, strict=False) if not matches_any([compile_pattern(a)])(b)
    ]
    return f"differs in the {differing[0]}" if len(wanted) == len(given) and len(differing) == 1 else ""
