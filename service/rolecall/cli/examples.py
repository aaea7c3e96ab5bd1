"""Apply the example roles to an empty server, check the example questions, and print the decisions as a table."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from rolecall.cli.declarations import read_declarations
from rolecall.cli.declarations.tree import Array, Node, Scalar, Table, read_documents
from rolecall.cli.options.shared import Connection
from rolecall.cli.problems.problem import Location, error_at
from rolecall.cli.remote.connection import connect
from rolecall.cli.text.files import read_text
from rolecall.cli.text.terminal import console, marks, table
from rolecall_client.queries import query
from rolecall_client.v1.role_pb2 import ListRolesRequest

if TYPE_CHECKING:
    from rolecall_client.client import RolecallClient
    from rolecall_client.v1.decision_pb2 import Decision

_MAX_QUESTIONS_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One of the example questions: may this principal assume this role?"""

    role: str
    as_: str
    claims: Mapping[str, list[str]]
    context: Mapping[str, list[str]]


def show_examples(connection: Connection, directory: Path, next_command: str) -> None:
    """Apply the example roles if the server has no roles, print the decision on each question, and suggest a next command."""
    out = console(sys.stdout)
    questions = list(_questions(directory / "questions.yaml"))
    # The server is the one that was just started: no variable is about it.
    with connect(connection, environ={}) as client:
        account, applied = _ensure_roles(client, directory / "roles")
        decisions = [_decide(client, question, account) for question in questions]
    what = f"applied {applied} example roles" if applied else "the store has roles already, so no examples were applied"
    out.print(Text(f"rolecall is serving on {connection.address} ({what})"), soft_wrap=True)
    out.print()
    rows = table("DECISION", "ROLE", "PRINCIPAL AND FACTS")
    signs = marks(out)
    for question, decision in zip(questions, decisions, strict=True):
        verdict = (
            Text(f"{signs.yes} ALLOWED", style="green") if decision.allowed else Text(f"{signs.no} DENIED", style="red")
        )
        who = Text("\n").join([Text(question.as_), *(Text(fact, style="dim") for fact in _facts(question, decision))])
        rows.add_row(verdict, Text(question.role), who)
    out.print(rows)
    out.print()
    out.print(
        Text(
            "Everyone on this machine may do everything here. For callers elsewhere say what each may do: "
            "`rolecall callers init --admin IDENTITY`."
        ),
        style="dim",
        soft_wrap=True,
    )
    out.print()
    out.print(Text("Next, in another terminal (Ctrl-C here stops the server):"))
    out.print(Text(f"  {next_command}", style="bold"), soft_wrap=True)


def _facts(question: Question, decision: Decision) -> Iterator[str]:
    for key, values in {**question.claims, **question.context}.items():
        yield from (f"{key}={value}" for value in values)
    yield from (f"{key} is absent" for key in decision.missing_keys)


def _ensure_roles(client: RolecallClient, directory: Path) -> tuple[str, int]:
    """Return the default account, and how many roles were applied."""
    page = client.list_roles(ListRolesRequest(page_size=1)).roles
    if page:
        return page[0].account_id, 0
    declared = read_declarations([directory])
    client.apply_roles([role.message for role in declared], change_reason="quickstart", source="examples/roles")
    return client.list_roles(ListRolesRequest(page_size=1)).roles[0].account_id, len(declared)


def _decide(client: RolecallClient, question: Question, account: str) -> Decision:
    put = query(question.as_, question.role, claims=question.claims, context=question.context, account_id=account)
    return client.check(put).decision


def _questions(path: Path) -> Iterator[Question]:
    documents = read_documents(read_text(path, _MAX_QUESTIONS_BYTES), str(path))
    root = documents[0] if documents else None
    listed = root.members.get("questions") if isinstance(root, Table) else None
    if not isinstance(listed, Array):
        raise error_at(Location(str(path)), "`questions` must be a list")
    for item in listed.items:
        yield _question(item)


def _question(node: Node) -> Question:
    if not isinstance(node, Table):
        raise error_at(node.location, "a question must be a mapping with `role` and `as`")
    return Question(
        role=_text(node, "role"), as_=_text(node, "as"), claims=_keys(node, "claims"), context=_keys(node, "context")
    )


def _text(table: Table, key: str) -> str:
    node = table.members.get(key)
    if not isinstance(node, Scalar):
        raise error_at(table.location, f"`{key}` must be text")
    return node.text


def _keys(table: Table, key: str) -> dict[str, list[str]]:
    node = table.members.get(key)
    if node is None:
        return {}
    if not isinstance(node, Table):
        raise error_at(node.location, f"`{key}` must be a mapping")
    return {name: [_text(node, name)] for name in node.members}
