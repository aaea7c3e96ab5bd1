"""Print a decision: a headline, and the facts that a caller needs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from rolecall.cli.terminal import console, marks, visible
from rolecall_client.v1 import decision_pb2 as pb

if TYPE_CHECKING:
    from rich.console import Console

    from rolecall.cli.request import RequestOptions

_WHY = {
    pb.DECISION_REASON_ALLOW: "",
    pb.DECISION_REASON_EXPLICIT_DENY: "a Deny statement applies",
    pb.DECISION_REASON_IMPLICIT_DENY: "no Allow statement applies",
    pb.DECISION_REASON_ROLE_NOT_FOUND: "there is no such role",
    pb.DECISION_REASON_ROOT_NOT_ALLOWED: "an account root cannot assume roles",
}


def show_decision(decision: pb.Decision, question: RequestOptions) -> None:
    """Print a decision on standard output."""
    out = console(sys.stdout)
    out.print(headline(decision, out), soft_wrap=True)
    for name, fact in _facts(decision, question):
        out.print(Text.assemble(f"  {name:<7}", visible(fact)), soft_wrap=True)
    show_trust_side(decision, out)


def headline(decision: pb.Decision, out: Console) -> Text:
    """Return `ALLOWED` or `DENIED` with the reason."""
    signs = marks(out)
    if decision.allowed:
        return Text.assemble((f"{signs.yes} ALLOWED", "bold green"))
    why = _WHY.get(decision.reason, "")
    return Text.assemble(
        (f"{signs.no} DENIED", "bold red"), f"  {reason_name(decision)}", (f": {why}" if why else "", "dim")
    )


def reason_name(decision: pb.Decision) -> str:
    """Return the name of the reason without the prefix of its enum."""
    return pb.DecisionReason.Name(decision.reason).removeprefix("DECISION_REASON_")


def who_and_role(question: RequestOptions) -> Iterator[tuple[str, str]]:
    """Yield the principal, the facts of the request, and the role."""
    yield "who", question.as_
    for fact in (*question.claim, *question.context):
        yield "", fact
    if question.external_id:
        yield "", f"sts:ExternalId={question.external_id}"
    if question.session_name:
        yield "", f"sts:RoleSessionName={question.session_name}"
    if question.source_identity:
        yield "", f"sts:SourceIdentity={question.source_identity}"
    yield "role", question.role_name


def show_trust_side(decision: pb.Decision, out: Console) -> None:
    """Print, for an allow, that the caller's own policies were not evaluated."""
    if decision.allowed and decision.identity_side == pb.SIDE_OUTCOME_NOT_EVALUATED:
        out.print(
            Text("  only the trust policy was evaluated, not the caller's own policies", style="dim"),
            soft_wrap=True,
        )


def _facts(decision: pb.Decision, question: RequestOptions) -> Iterator[tuple[str, str]]:
    yield from who_and_role(question)
    for statement in decision.determining_statements:
        yield "by", f"{statement.pointer} ({statement.sid})" if statement.sid else statement.pointer
    if decision.missing_keys:
        yield "absent", ", ".join(decision.missing_keys)
    if decision.role_id or decision.allowed:
        yield "until", _until(decision)


def _until(decision: pb.Decision) -> str:
    if not decision.HasField("valid_until"):
        return "the role changes"
    return f"{decision.valid_until.ToJsonString()}, or the role changes"
