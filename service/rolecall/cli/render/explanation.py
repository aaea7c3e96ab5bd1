"""Print an explanation: a tree of statements and conditions, with the expected and the actual values."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from rich.tree import Tree

from rolecall.cli.render.decision import headline, show_trust_side, who_and_role
from rolecall.cli.text.terminal import Marks, console, marks, visible
from rolecall_client.v1 import decision_pb2 as pb

if TYPE_CHECKING:
    from rich.console import Console

    from rolecall.cli.options.request import RequestOptions

_SHOWN_VALUES = 6
_SHOWN_CHARACTERS = 200


def show_explanation(response: pb.ExplainAssumeRoleResponse, question: RequestOptions, *, past: bool = False) -> None:
    """Print an explanation on standard output."""
    print_explanation(console(sys.stdout), response, question, past=past)


def print_explanation(
    out: Console, response: pb.ExplainAssumeRoleResponse, question: RequestOptions, *, past: bool = False
) -> None:
    """Print an explanation on a console, of the `past` with the revision that decided."""
    out.print(headline(response.decision, out), soft_wrap=True)
    for name, fact in (*who_and_role(question), *(_revision(response) if past else ())):
        out.print(Text.assemble((f"  {name:<5} ", "dim"), visible(fact)), soft_wrap=True)
    if response.statements:
        out.print()
    for statement in response.statements:
        out.print(_statement(statement, marks(out)))
    for miss in response.near_misses:
        label = "in the way" if miss.effect == "Deny" else "closest"
        out.print()
        out.print(Text.assemble((f"{label}: ", "bold yellow"), visible(miss.suggestion)))
    show_trust_side(response.decision, out)


def _revision(response: pb.ExplainAssumeRoleResponse) -> Iterable[tuple[str, str]]:
    role = f", by the version of revision {response.role_revision}" if response.role_revision else ""
    yield "at", f"revision {response.decision.revision}{role}"


def _statement(trace: pb.StatementTrace, signs: Marks) -> Tree:
    style = _style(trace)
    sid = f" ({visible(trace.sid)})" if trace.sid else ""
    verdict = "applies" if trace.applies else "does not apply"
    title = Text.assemble(
        (f"{signs.yes if trace.applies else signs.no} {trace.effect}", f"bold {style}"),
        f" {trace.pointer}{sid} ",
        (verdict, style),
    )
    tree = Tree(title, guide_style="dim")
    tree.add(_principal(trace, signs))
    for condition in trace.conditions:
        tree.add(_condition(condition, trace, signs))
    if not trace.applies and trace.principal_matched and all(condition.holds for condition in trace.conditions):
        tree.add(Text("its actions are not those of the request", style="dim"))
    return tree


def _style(trace: pb.StatementTrace) -> str:
    """Return the colour of a statement: green for an Allow that applies, red for what stands in the way."""
    if trace.effect == "Deny":
        return "red" if trace.applies else "dim"
    return "green" if trace.applies else "red"


def _principal(trace: pb.StatementTrace, signs: Marks) -> Text:
    if trace.principal_matched:
        return Text.assemble(_sign(True, trace, signs), " principal ", visible(trace.matched_principal))
    text = Text.assemble(_sign(False, trace, signs), " principal is not ", _values(trace.principals, " or "))
    return text if trace.principals else Text.assemble(_sign(False, trace, signs), " principal: none is named")


def _condition(condition: pb.ConditionTrace, trace: pb.StatementTrace, signs: Marks) -> Text:
    text = Text.assemble(
        _sign(condition.holds, trace, signs), f" {condition.operator} ", (visible(condition.key), "bold")
    )
    if condition.holds and list(condition.expected) == list(condition.actual):
        return text.append(" ").append_text(_values(condition.actual, " or "))
    text.append("\n    expected ", "dim").append_text(_values(condition.expected, " or "))
    return text.append("\n    actual   ", "dim").append_text(_actual(condition))


def _actual(condition: pb.ConditionTrace) -> Text:
    if not condition.present:
        return Text("absent", style="yellow")
    actual = _values(condition.actual, ", ")
    if condition.unreadable:
        actual.append(f" (unreadable to {condition.operator})", style="yellow")
    return actual


def _sign(good: bool, trace: pb.StatementTrace, signs: Marks) -> tuple[str, str]:
    if trace.effect == "Deny":
        return (signs.yes if good else signs.no, "red" if trace.applies else "dim")
    return (signs.yes, "green") if good else (signs.no, "bold red")


def _values(values: Sequence[str], joint: str) -> Text:
    shown = [_short(value) for value in values[:_SHOWN_VALUES]]
    more = len(values) - len(shown)
    return Text(joint.join(_nonempty(shown)) + (f" and {more} more" if more else ""))


def _nonempty(values: Iterable[str]) -> list[str]:
    """Return values with quotes around empty ones and those with white space at an end, which would be invisible."""
    return [value if value and value == value.strip() else f'"{value}"' for value in values]


def _short(value: str) -> str:
    value = visible(value)
    return value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "…"
