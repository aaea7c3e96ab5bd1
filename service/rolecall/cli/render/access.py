"""Print what permission policies say about an access: a tree of statements with their patterns and conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text
from rich.tree import Tree

from rolecall.cli.text.terminal import Marks, marks, visible
from rolecall.policy.document import Effect
from rolecall.policy.evaluator import Outcome
from rolecall.policy.wording import rfc3339

if TYPE_CHECKING:
    from rich.console import Console

    from rolecall.policy.explaining.condition_trace import ConditionTrace
    from rolecall.policy.permission.evaluator import AccessEvaluation
    from rolecall.policy.permission.explain import PermissionTrace
    from rolecall.policy.permission.near_miss import PermissionNearMiss

_WHY = {
    Outcome.EXPLICIT_DENY: "a Deny statement applies",
    Outcome.IMPLICIT_DENY: "no Allow statement applies",
}
_SHOWN_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessExplanation:
    """One access, the decision about it, and why."""

    action: str
    resource: str
    evaluation: AccessEvaluation
    traces: tuple[PermissionTrace, ...]
    near_misses: tuple[PermissionNearMiss, ...]


def print_access(out: Console, explanation: AccessExplanation) -> None:
    """Print an explanation on a console."""
    out.print(_headline(explanation.evaluation.outcome, marks(out)), soft_wrap=True)
    for name, fact in (("action", explanation.action), ("resource", explanation.resource)):
        out.print(Text.assemble((f"  {name:<8} ", "dim"), visible(fact)), soft_wrap=True)
    out.print()
    for trace in explanation.traces:
        out.print(_statement(trace, marks(out)))
    for miss in explanation.near_misses:
        label = "in the way" if miss.trace.statement.effect is Effect.DENY else "closest"
        out.print()
        out.print(Text.assemble((f"{label}: ", "bold yellow"), visible(miss.suggestion)))


def access_record(explanation: AccessExplanation) -> Mapping[str, object]:
    """Return an explanation as a JSON object."""
    evaluation = explanation.evaluation
    return {
        "allowed": evaluation.outcome is Outcome.ALLOW,
        "outcome": evaluation.outcome.value,
        "action": explanation.action,
        "resource": explanation.resource,
        "determining_statements": [f"/Statement/{origin.index}" for origin in evaluation.determining],
        "missing_keys": list(evaluation.missing_keys),
        "valid_until": None if evaluation.valid_until is None else rfc3339(evaluation.valid_until),
        "statements": [_record(trace) for trace in explanation.traces],
        "near_misses": [
            {"pointer": m.trace.statement.pointer, "elements": list(m.elements), "suggestion": m.suggestion}
            for m in explanation.near_misses
        ],
    }


def _record(trace: PermissionTrace) -> Mapping[str, object]:
    return {
        "pointer": trace.statement.pointer,
        "sid": trace.statement.sid,
        "effect": trace.statement.effect.value,
        "applies": trace.applies,
        "action_matched": trace.action_matched,
        "action_pattern": trace.action_pattern,
        "resource_matched": trace.resource_matched,
        "resource_pattern": trace.resource_pattern,
        "conditions": [
            {
                "pointer": c.condition.pointer,
                "operator": c.condition.operator_name,
                "key": c.condition.key,
                "expected": list(c.condition.values),
                "actual": list(c.actual),
                "holds": c.holds,
                "unreadable": c.unreadable,
            }
            for c in trace.conditions
        ],
    }


def _headline(outcome: Outcome, signs: Marks) -> Text:
    if outcome is Outcome.ALLOW:
        return Text.assemble((f"{signs.yes} ALLOWED", "bold green"))
    return Text.assemble((f"{signs.no} DENIED", "bold red"), f"  {outcome.value}", (f": {_WHY[outcome]}", "dim"))


def _statement(trace: PermissionTrace, signs: Marks) -> Tree:
    statement = trace.statement
    sid = f" ({visible(statement.sid)})" if statement.sid else ""
    verdict = "applies" if trace.applies else "does not apply"
    style = _style(trace)
    title = Text.assemble(
        (f"{signs.yes if trace.applies else signs.no} {statement.effect.value}", f"bold {style}"),
        f" {statement.pointer}{sid} ",
        (verdict, style),
    )
    tree = Tree(title, guide_style="dim")
    tree.add(Text.assemble(_sign(trace.action_matched, signs), f" {_action(trace)}"))
    tree.add(Text.assemble(_sign(trace.resource_matched, signs), f" {_resource(trace)}"))
    for condition in trace.conditions:
        tree.add(_condition(condition, signs))
    return tree


def _action(trace: PermissionTrace) -> str:
    name, pattern = trace.statement.actions_name, visible(trace.action_pattern)
    if trace.statement.excludes_actions:
        return f"{name} excludes it by {pattern}" if pattern else f"no pattern of {name} excludes it"
    return f"{name} {pattern}" if pattern else f"no pattern of {name} matches"


def _resource(trace: PermissionTrace) -> str:
    pattern = visible(trace.resource_pattern)
    return f"Resource {pattern}" if pattern else "no pattern of Resource matches"


def _condition(trace: ConditionTrace, signs: Marks) -> Text:
    condition = trace.condition
    actual = ", ".join(map(_short, trace.actual)) if trace.present else "absent"
    text = Text.assemble(_sign(trace.holds, signs), f" {condition.operator_name} ", (visible(condition.key), "bold"))
    text.append("\n    expected ", "dim").append(" or ".join(map(_short, condition.values)))
    text.append("\n    actual   ", "dim").append(actual, "" if trace.present else "yellow")
    return text.append(f" (unreadable to {condition.operator_name})", "yellow") if trace.unreadable else text


def _short(value: str) -> str:
    value = visible(value) if value.strip() == value and value else f'"{visible(value)}"'
    return value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "…"


def _style(trace: PermissionTrace) -> str:
    if trace.statement.effect is Effect.DENY:
        return "red" if trace.applies else "dim"
    return "green" if trace.applies else "red"


def _sign(good: bool, signs: Marks) -> tuple[str, str]:
    return (signs.yes, "green") if good else (signs.no, "bold red")
