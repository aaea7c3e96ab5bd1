"""Explanations as messages: every field of a statement, of a condition and of a near miss."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.engine.decision import ServedFrom
from rolecall.engine.explanation import Explanation, explain_decision
from rolecall.transport.codecs.explanation import explain_response
from rolecall_client.v1 import decision_pb2 as pb
from tests.engine.world import ACCOUNT, ALICE, NOON, allow, deny, document, point, question, role

BOB = ALICE.replace("alice", "bob")


def explained() -> Explanation:
    """Return an explanation of a deny by a statement with a value that cannot be read."""
    decider = point(
        role(
            document(
                allow([BOB, ALICE], IpAddress={"acs:SourceIp": ["10.0.0.0/8", "11.0.0.0/8"]}) | {"Sid": "in"},
                deny(NumericLessThan={"App:Level": "3"}) | {"Sid": "low"},
                allow(f"acs:ram::{ACCOUNT}:role/other"),
            )
        )
    )
    asked = question(context={"acs:SourceIp": ["10.0.0.1"], "App:Level": ["many"]})
    return explain_decision(decider, asked, NOON)


def response(explanation: Explanation, **fields: Any) -> pb.ExplainAssumeRoleResponse:
    given: dict[str, Any] = {"decision_id": "a-1", "revision": 7, "token": "t", "now": NOON}
    return explain_response(explanation, **given | fields)


def test_an_explanation_has_the_fields_of_its_answer() -> None:
    answer = response(explained(), role_revision=5, staleness=1_500_000, served_from=ServedFrom.CACHED)

    decision = answer.decision
    assert (answer.consistency_token, answer.role_revision) == ("t", 5)
    assert (decision.decision_id, decision.revision) == ("a-1", 7)
    assert decision.staleness.ToMicroseconds() == 1_500_000
    assert decision.served_from == pb.SERVED_FROM_CACHED
    assert (decision.allowed, decision.reason) == (False, pb.DECISION_REASON_EXPLICIT_DENY)


def test_an_explanation_is_of_no_revision_of_a_role_fresh_and_evaluated_unless_it_is_said() -> None:
    answer = response(Explanation(decision=explained().decision))

    assert (answer.role_revision, answer.decision.staleness.ToMicroseconds()) == (0, 0)
    assert answer.decision.served_from == pb.SERVED_FROM_EVALUATED
    assert (list(answer.statements), list(answer.near_misses)) == ([], [])


def test_every_statement_has_its_place_its_principals_and_its_result() -> None:
    first, second, third = response(explained()).statements

    assert (first.index, first.sid, first.effect, first.pointer) == (0, "in", "Allow", "/Statement/0")
    assert (first.applies, first.principal_matched, first.matched_principal) == (True, True, ALICE)
    assert list(first.principals) == [BOB, ALICE]
    assert (second.index, second.sid, second.effect, second.pointer) == (1, "low", "Deny", "/Statement/1")
    assert (third.index, third.sid, third.applies, third.pointer) == (2, "", False, "/Statement/2")
    assert (third.principal_matched, third.matched_principal, list(third.conditions)) == (False, "", [])


def test_every_condition_has_what_was_expected_what_was_found_and_its_result() -> None:
    first, second, _ = response(explained()).statements

    ((address,), (level,)) = (first.conditions, second.conditions)
    assert (address.operator, address.key) == ("IpAddress", "acs:SourceIp")
    assert (list(address.expected), list(address.actual)) == (["10.0.0.0/8", "11.0.0.0/8"], ["10.0.0.1"])
    assert (address.present, address.holds, address.unreadable) == (True, True, False)
    assert address.pointer == "/Statement/0/Condition/IpAddress/acs:SourceIp"
    assert (level.operator, level.key, list(level.expected)) == ("NumericLessThan", "App:Level", ["3"])
    # A value that cannot be read counts as one that a Deny is about.
    assert (list(level.actual), level.present, level.holds, level.unreadable) == (["many"], True, True, True)
    assert level.pointer == "/Statement/1/Condition/NumericLessThan/App:Level"


def test_every_near_miss_has_its_statement_what_failed_and_a_suggestion() -> None:
    explanation = explained()

    (denying,) = response(explanation).near_misses

    assert (denying.index, denying.sid, denying.effect, denying.pointer) == (1, "low", "Deny", "/Statement/1")
    assert list(denying.elements) == ["/Statement/1/Condition/NumericLessThan/App:Level"]
    assert denying.suggestion == explanation.near_misses[0].suggestion
    assert "/Statement/1" in denying.suggestion


@pytest.mark.parametrize("served", ServedFrom)
def test_where_an_answer_is_from_is_said_in_the_words_of_the_contract(served: ServedFrom) -> None:
    decision = response(explained(), served_from=served).decision

    assert pb.ServedFrom.Name(decision.served_from) == f"SERVED_FROM_{served}"
