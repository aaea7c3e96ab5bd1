"""CallerService: what a caller learns about itself, and the limits of its questions."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall_client.v1 import caller_pb2 as pb, caller_pb2_grpc as rpc, decision_pb2
from tests.server.serving import ACCOUNT, Served
from tests.transport.refusals import refused
from tests.transport.rights.serving import NOBODY, Rights, by, policy, serving

ALICE = f"acs:ram::{ACCOUNT}:user/alice"
OTHER = f"acs:ram::{ACCOUNT}:user/other"


def stub(service: Served) -> Any:
    return rpc.CallerServiceStub(service.channel)


def asking(
    action: str = "ram:GetRole", resource: str = "*", context: dict[str, list[str]] | None = None
) -> pb.CanIRequest:
    keys = {key: decision_pb2.ConditionValues(values=values) for key, values in (context or {}).items()}
    return pb.CanIRequest(action=action, resource=resource, context=keys)


async def test_a_server_on_this_machine_knows_its_one_caller(service: Served) -> None:
    who = await stub(service).WhoAmI(pb.WhoAmIRequest())
    can = await stub(service).CanI(asking("rolecall:Watch"))

    assert (who.identity, who.credential_kind) == ("local", pb.CREDENTIAL_KIND_LOCAL)
    assert (list(who.policies), who.generation, who.principal) == (["AdministratorAccess"], "", "")
    assert can.allowed
    assert [s.policy for s in can.explanation.determining_statements] == ["AdministratorAccess"]


async def test_an_answer_is_explained_to_a_caller_that_may_explain_itself() -> None:
    rights: Rights = {
        "alice": [policy("ram:GetRole", "ram:GetRole"), policy("rolecall:ExplainIdentity", on=ALICE)],
        "other": [policy("ram:GetRole"), policy("rolecall:ExplainIdentity", on=ALICE)],
        "unbound": [policy("ram:GetRole"), policy("rolecall:ExplainIdentity", on=ALICE)],
    }
    async with serving(rights, {"alice": ALICE, "other": OTHER}) as service:
        answers = {name: await stub(service).CanI(asking(), metadata=by(name)) for name in (*rights, NOBODY)}
        who = await stub(service).WhoAmI(pb.WhoAmIRequest(), metadata=by("alice"))

    assert {name: answer.allowed for name, answer in answers.items()} == {
        "alice": True,
        "other": True,
        "unbound": True,
        NOBODY: False,
    }
    assert [name for name, answer in answers.items() if answer.HasField("explanation")] == ["alice"]
    explanation = answers["alice"].explanation
    assert explanation.outcome == decision_pb2.SIDE_OUTCOME_ALLOW
    assert [(s.policy, s.index) for s in explanation.determining_statements] == [("alice-0", 0)]
    assert (who.principal, who.credential_kind) == (ALICE, pb.CREDENTIAL_KIND_TOKEN)


async def test_questions_of_one_caller_displace_nothing_that_is_remembered() -> None:
    async with serving({"narrow": [policy("ram:GetRole", on="acs:ram:*:*:role/a*")]}) as service:
        remembered = service.server.callers.directory.remembered
        await stub(service).CanI(asking(), metadata=by("narrow"))
        before = len(remembered)
        for number in range(50):
            await stub(service).CanI(asking(resource=f"acs:ram::1:role/a{number}"), metadata=by("narrow"))

        assert len(remembered) == before


@pytest.mark.parametrize(
    ("request_", "reasons"),
    [
        (asking(""), ["REQUIRED"]),
        (asking("", resource="acs:ram::1:role/*/b"), ["REQUIRED", "INVALID_RESOURCE"]),
        (asking("ram:Get*"), ["INVALID_ACTION"]),
        (asking(resource="acs:ram::1:role/*/b"), ["INVALID_RESOURCE"]),
        (asking(context={"acs:CurrentTime": ["2026-01-01T00:00:00Z"]}), ["RESERVED_KEY"]),
        (asking(context={"rolecall:Caller": []}), ["RESERVED_KEY"]),
        (asking(context={f"k{number}": ["v"] for number in range(21)}), ["TOO_MANY_KEYS"]),
        (asking(context={"k": ["v"] * 101}), ["TOO_MANY_VALUES"]),
        (asking(context={"k": ["v" * 4_096]}), ["CONTEXT_TOO_LARGE"]),
    ],
)
async def test_a_question_that_breaks_a_rule_is_refused(request_: pb.CanIRequest, reasons: list[str]) -> None:
    async with serving({}) as service:
        refusal = await refused(stub(service).CanI(request_, metadata=by(NOBODY)))

    assert [field.reason for field in refusal.fields] == reasons
