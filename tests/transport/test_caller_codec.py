"""Questions about a caller as messages: every limit with its boundary and its hint, and every field of the answers."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.callers.credential import Credential, CredentialKind
from rolecall.policy.evaluator import Outcome
from rolecall.policy.permission.compiler import StatementOrigin
from rolecall.policy.permission.evaluator import AccessEvaluation
from rolecall.roles.errors import InvalidFieldsError
from rolecall.transport.codecs.caller import access, can_i, who_am_i
from rolecall_client.v1 import caller_pb2 as pb, decision_pb2
from tests.server.serving import BOB


def asking(
    action: str = "ram:GetRole", resource: str = "", context: dict[str, list[str]] | None = None
) -> pb.CanIRequest:
    keys = {key: decision_pb2.ConditionValues(values=values) for key, values in (context or {}).items()}
    return pb.CanIRequest(action=action, resource=resource, context=keys)


def violations(message: pb.CanIRequest) -> list[tuple[str, str, str]]:
    """Return the field, the reason and the hint of everything that is wrong with a question."""
    try:
        access(message)
    except InvalidFieldsError as error:
        return [(violation.field, violation.reason, violation.message) for violation in error.violations]
    return []


def test_a_question_has_an_action_a_resource_and_keys_with_values() -> None:
    asked = access(asking(resource="acs:ram::1:role/a", context={"k": ["v", "w"], "empty": []}))

    assert asked == ("ram:GetRole", "acs:ram::1:role/a", {"k": ("v", "w")})
    assert access(asking()) == ("ram:GetRole", "*", {})


@pytest.mark.parametrize(
    ("question", "found"),
    [
        (asking(context={f"k{number}": ["v"] for number in range(20)}), []),
        (
            asking(context={f"k{number}": ["v"] for number in range(21)}),
            [("context", "TOO_MANY_KEYS", "21 keys are given, at most 20 are allowed")],
        ),
        (asking(context={"k": ["v"] * 100}), []),
        (asking(context={"k": ["v"] * 101}), [("context", "TOO_MANY_VALUES", "a key has at most 100 values")]),
        (asking(context={"k": ["v" * 4_000, "w" * 95]}), []),
        (
            asking(context={"k": ["v" * 4_000, "w" * 96]}),
            [
                (
                    "context",
                    "CONTEXT_TOO_LARGE",
                    "keys and values have 4097 characters together, at most 4096 are allowed",
                )
            ],
        ),
        (asking(""), [("action", "REQUIRED", "name the action, such as `ram:GetRole`")]),
    ],
)
def test_a_question_within_the_limits_is_accepted_and_one_beyond_is_refused_with_a_hint(
    question: pb.CanIRequest, found: list[tuple[str, str, str]]
) -> None:
    assert violations(question) == found


@pytest.mark.parametrize(
    ("question", "field", "reason"),
    [
        (asking("ram:Get*"), "action", "INVALID_ACTION"),
        (asking("ram"), "action", "INVALID_ACTION"),
        (asking(resource="acs:ram::1:role/*/b"), "resource", "INVALID_RESOURCE"),
        (asking("ram:Get*", resource="acs:ram::1:role/*/b"), "action", "INVALID_ACTION"),
    ],
)
def test_what_is_no_action_or_no_resource_is_a_violation_of_its_field(
    question: pb.CanIRequest, field: str, reason: str
) -> None:
    assert violations(question)[0][:2] == (field, reason)
    assert len(violations(question)) == 1 + ("*/b" in question.resource and "*" in question.action)


OWN = [
    "acs:CurrentTime",
    "acs:PrincipalARN",
    "acs:SourceIp",
    "acs:SecureTransport",
    "acs:MFAPresent",
    "rolecall:Caller",
]


def test_the_keys_that_the_server_sets_are_reserved_each_with_a_hint() -> None:
    question = asking(context={key: ["v"] for key in (*OWN, "acs:Other")})

    found = [("context", "RESERVED_KEY", f"`{key}` is set by the server; leave it out") for key in sorted(OWN)]
    assert violations(question) == found


class CallerOf:
    """A caller as far as it is described."""

    principal: object = BOB
    entries, policies, generation = ("a", "b"), ("P", "Q"), "g1"

    def __init__(self, credential: Credential) -> None:
        self.credential = credential


@pytest.mark.parametrize("kind", CredentialKind)
def test_a_caller_is_described_with_everything_that_is_known(kind: CredentialKind) -> None:
    caller: Any = CallerOf(Credential(kind=kind, identity="i", expires_at=1_500_000))

    who = who_am_i(caller)

    assert pb.CredentialKind.Name(who.credential_kind) == f"CREDENTIAL_KIND_{kind.name}"
    assert (who.identity, who.principal, who.generation) == ("i", BOB, "g1")
    assert (list(who.entries), list(who.policies)) == (["a", "b"], ["P", "Q"])
    assert who.expire_time.ToMicroseconds() == 1_500_000


def test_a_credential_that_does_not_expire_and_a_caller_that_is_no_principal_say_so() -> None:
    caller: Any = CallerOf(Credential(kind=CredentialKind.LOCAL, identity="local"))
    caller.principal = None

    who = who_am_i(caller)

    assert (who.HasField("expire_time"), who.principal) == (False, "")


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("explained", [False, True])
def test_an_answer_is_allowed_only_by_an_allowing_outcome_and_explained_on_demand(
    outcome: Outcome, explained: bool
) -> None:
    answer = can_i(
        AccessEvaluation(outcome, (StatementOrigin("P", 3, "sid"),), ("acs:ResourceTag/a",), None, None),
        explained=explained,
    )

    assert answer.allowed is (outcome is Outcome.ALLOW)
    assert answer.HasField("explanation") is explained
    if explained:
        name = decision_pb2.SideOutcome.Name(answer.explanation.outcome)
        assert name == f"SIDE_OUTCOME_{outcome.name}"
        found = [(one.policy, one.index, one.sid) for one in answer.explanation.determining_statements]
        assert found == [("P", 3, "sid")]
        assert list(answer.explanation.missing_keys) == ["acs:ResourceTag/a"]


def test_without_policies_nothing_is_allowed_or_explained() -> None:
    answer = can_i(None, explained=True)

    assert (answer.allowed, answer.HasField("explanation")) == (False, False)
