"""With `-o json` every command prints the whole answer of the server, under the names of the contract."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.message import Message

from rolecall.cli.text.terminal import record
from rolecall_client.v1 import caller_pb2 as c, decision_pb2 as d, role_pb2 as r
from tests.cli.conftest import CommandLine
from tests.cli.recording import recording

ROLE = r.Role(arn="acs:ram::42:role/App", account_id="42", role_name="App", revision=3, etag="e", tags={"a": "b"})
OTHER = r.Role(role_name="Other", assume_role_policy_document="{}")
WHO = "--as=acs:ram::42:user/ann"
ALLOWED = d.Decision(allowed=True, reason=d.DECISION_REASON_ALLOW, revision=7, missing_keys=["app:a"])
ANSWERS: list[tuple[list[str], str, Message]] = [
    (["role", "get", "App"], "GetRole", r.GetRoleResponse(role=ROLE)),
    (["role", "delete", "App"], "DeleteRole", r.DeleteRoleResponse(consistency_token="t")),
    (["role", "undelete", "App"], "UndeleteRole", r.UndeleteRoleResponse(role=ROLE)),
    (["role", "rollback", "App", "--revision=2"], "RollbackRole", r.RollbackRoleResponse(role=ROLE)),
    (["role", "update", "App", "--description=x"], "UpdateRole", r.UpdateRoleResponse(role=ROLE)),
    (
        ["role", "history", "App"],
        "ListRoleRevisions",
        r.ListRoleRevisionsResponse(revisions=[r.RoleRevision(revision=3, role=ROLE)], next_page_token="n"),
    ),
    (["whoami"], "WhoAmI", c.WhoAmIResponse(identity="i", policies=["A", "B"])),
    (["can", "ram:GetRole"], "CanI", c.CanIResponse(allowed=True)),
    (
        ["who-can", "App"],
        "ListTrustedPrincipals",
        d.ListTrustedPrincipalsResponse(grants=[d.TrustGrant(principal_pattern="p", conditions=["c"])]),
    ),
    (["check", WHO, "--role=App"], "CheckAssumeRole", d.CheckAssumeRoleResponse(decision=ALLOWED)),
    (
        ["explain", WHO, "--role=App"],
        "ExplainAssumeRole",
        d.ExplainAssumeRoleResponse(decision=ALLOWED, statements=[d.StatementTrace(pointer="/Statement/0")]),
    ),
]
LISTS: list[tuple[list[str], str, Message, str, list[Any]]] = [
    (["role", "list"], "ListRoles", r.ListRolesResponse(roles=[ROLE, OTHER]), "roles", [ROLE, OTHER]),
    (
        ["changes"],
        "ListChanges",
        r.ListChangesResponse(
            changes=[r.RecordedChange(revision=4, role=ROLE), r.RecordedChange(revision=3, role=OTHER)]
        ),
        "changes",
        [r.RecordedChange(revision=3, role=OTHER), r.RecordedChange(revision=4, role=ROLE)],
    ),
    (
        ["what-can", WHO],
        "ListAssumableRoles",
        d.ListAssumableRolesResponse(roles=[d.AssumableRole(role_arn="a"), d.AssumableRole(role_arn="b")]),
        "roles",
        [d.AssumableRole(role_arn="a"), d.AssumableRole(role_arn="b")],
    ),
]


def printed(rolecall: CommandLine, words: list[str], method: str, answer: Message) -> Any:
    answers: Any = {method: answer}
    with recording(**answers) as (address, calls):
        outcome = rolecall(*words, "-o", "json", "--address", address)

    assert (outcome.code, outcome.err, [call.method for call in calls]) == (0, "", [method])
    return json.loads(outcome.out)


@pytest.mark.parametrize(("words", "method", "answer"), ANSWERS, ids=lambda value: str(value)[:30])
def test_an_answer_is_printed_as_it_is(rolecall: CommandLine, words: list[str], method: str, answer: Message) -> None:
    assert printed(rolecall, words, method, answer) == record(answer)


@pytest.mark.parametrize(("words", "method", "answer", "name", "listed"), LISTS, ids=lambda value: str(value)[:30])
def test_a_list_is_printed_under_its_name(
    rolecall: CommandLine, words: list[str], method: str, answer: Message, name: str, listed: list[Message]
) -> None:
    assert printed(rolecall, words, method, answer) == {name: [record(each) for each in listed]}
