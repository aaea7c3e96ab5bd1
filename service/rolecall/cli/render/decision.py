"""Print a decision: a headline, and the facts that a caller needs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rolecall.cli.text.terminal import Marks, Piece, marks, print_pieces, stream_marks, visible
from rolecall_client.v1 import decision_pb2 as pb

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from rolecall.cli.options.request import RequestOptions

_WHY = {
    pb.DECISION_REASON_EXPLICIT_DENY: "a Deny statement applies",
    pb.DECISION_REASON_IMPLICIT_DENY: "no Allow statement applies",
    pb.DECISION_REASON_ROLE_NOT_FOUND: "there is no such role",
    pb.DECISION_REASON_ROOT_NOT_ALLOWED: "an account root cannot assume roles",
}


_TRUST_SIDE_ONLY = "  only the trust policy was evaluated, not the caller's own policies"


def show_decision(decision: pb.Decision, question: RequestOptions) -> None:
    """Print a decision on standard output."""
    print_pieces(sys.stdout, *_headline(decision, stream_marks(sys.stdout)))
    for name, fact in _facts(decision, question):
        print_pieces(sys.stdout, (f"  {name:<7}{visible(fact)}", ""))
    if _lacks_identity_side(decision):
        print_pieces(sys.stdout, (_TRUST_SIDE_ONLY, "dim"))


def headline(decision: pb.Decision, out: Console) -> Text:
    """Return `ALLOWED` or `DENIED` with the reason."""
    from rich.text import Text

    return Text.assemble(*_headline(decision, marks(out)))


def _headline(decision: pb.Decision, signs: Marks) -> Iterator[Piece]:
    if decision.allowed:
        yield f"{signs.yes} ALLOWED", "bold green"
        return
    yield f"{signs.no} DENIED", "bold red"
    yield f"  {reason_name(decision)}", ""
    if why := _WHY.get(decision.reason, ""):
        yield f": {why}", "dim"


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
    from rich.text import Text

    if _lacks_identity_side(decision):
        out.print(Text(_TRUST_SIDE_ONLY, style="dim"), soft_wrap=True)


def _lacks_identity_side(decision: pb.Decision) -> bool:
    return decision.allowed and decision.identity_side == pb.SIDE_OUTCOME_NOT_EVALUATED


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
