"""Print how a server recognises its caller, and whether it lets it do something."""

from __future__ import annotations

import sys
from datetime import UTC

from rolecall.cli.text.terminal import add_row, console, table
from rolecall_client.v1 import caller_pb2 as pb


def show_caller(answer: pb.WhoAmIResponse) -> None:
    """Print one line for each fact."""
    kind = pb.CredentialKind.Name(answer.credential_kind).removeprefix("CREDENTIAL_KIND_")
    expires = answer.expire_time.ToDatetime(tzinfo=UTC).isoformat() if answer.HasField("expire_time") else ""
    facts = {
        "identity": answer.identity,
        "recognised by": kind.lower().replace("_", " "),
        "principal": answer.principal or "none",
        "entries": ", ".join(answer.entries) or "none",
        "policies": ", ".join(answer.policies) or "none",
        "callers file": answer.generation or "none",
        "expires": expires or "with the connection",
    }
    rows = table("YOU", "")
    for name, value in facts.items():
        add_row(rows, (name, value))
    console(sys.stdout).print(rows)


def show_access(answer: pb.CanIResponse) -> None:
    """Print the answer, and the statements that settled it if the server shows them."""
    console(sys.stdout).print("yes" if answer.allowed else "no", style="green" if answer.allowed else "red")
    statements = answer.explanation.determining_statements
    if statements:
        rows = table("POLICY", "STATEMENT", "SID")
        for statement in statements:
            add_row(rows, (statement.policy, f"/Statement/{statement.index}", statement.sid))
        console(sys.stdout).print(rows)
    if answer.explanation.missing_keys:
        missing = ", ".join(answer.explanation.missing_keys)
        console(sys.stdout).print(f"it may depend on condition keys that were not given: {missing}")
