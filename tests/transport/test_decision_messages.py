"""Decisions as messages: every field of the contract, and for how long one holds."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.engine.decision import Answer, DecidedRole, Decision, Reason, ServedFrom, Side
from rolecall.policy.compiler import StatementName
from rolecall.roles.role import Revision
from rolecall.transport.codecs.decision import encode_decision, remaining_millis, write_answer
from rolecall_client.v1 import decision_pb2 as pb

NOON = 1_767_268_800_000_000  # 2026-01-01T12:00:00Z


def decision(**fields: Any) -> Decision:
    """Return a decision of which every field has a value."""
    role = DecidedRole(
        role_id="7", account_id="42", role_name="app", revision=Revision(3), max_session_duration_seconds=7_200
    )
    given: dict[str, Any] = {
        "reason": Reason.EXPLICIT_DENY,
        "trust_side": Side.EXPLICIT_DENY,
        "role": role,
        "determining": (StatementName(1, "one"), StatementName(2, "")),
        "missing_keys": ("acs:SourceIp", "acs:MFAPresent"),
        "vary_keys": ("app:Team", "acs:SourceIp"),
        "valid_from": NOON,
        "valid_until": NOON + 3_600_000_001,
        "identity_side": Side.IMPLICIT_DENY,
    }
    return Decision(**given | fields)


def message(found: Decision) -> pb.Decision:
    return pb.Decision.FromString(encode_decision(found))


def test_the_message_of_a_decision_has_every_field_of_it() -> None:
    encoded = message(decision())

    assert (encoded.allowed, encoded.reason) == (False, pb.DECISION_REASON_EXPLICIT_DENY)
    assert encoded.trust_side == pb.SIDE_OUTCOME_EXPLICIT_DENY
    assert encoded.identity_side == pb.SIDE_OUTCOME_IMPLICIT_DENY
    assert [(one.index, one.sid, one.pointer) for one in encoded.determining_statements] == [
        (1, "one", "/Statement/1"),
        (2, "", "/Statement/2"),
    ]
    assert list(encoded.missing_keys) == ["acs:SourceIp", "acs:MFAPresent"]
    assert list(encoded.vary_keys) == ["app:Team", "acs:SourceIp"]
    assert (encoded.role_id, encoded.max_session_duration_seconds) == ("7", 7_200)
    assert encoded.valid_until.ToMicroseconds() == NOON + 3_600_000_001
    # A client of any language may read the staleness without asking whether there is one.
    assert (encoded.HasField("staleness"), encoded.staleness.ToMicroseconds()) == (True, 0)


def test_a_decision_about_no_role_has_no_facts_of_one() -> None:
    encoded = message(
        decision(role=None, determining=(), missing_keys=(), vary_keys=(), valid_from=None, valid_until=None)
    )

    assert (encoded.role_id, encoded.max_session_duration_seconds) == ("", 0)
    assert (list(encoded.determining_statements), list(encoded.missing_keys), list(encoded.vary_keys)) == ([], [], [])
    assert not encoded.HasField("valid_until")


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_name_in_the_contract(reason: Reason) -> None:
    encoded = message(decision(reason=reason))

    assert pb.DecisionReason.Name(encoded.reason) == f"DECISION_REASON_{reason.name}"
    assert encoded.allowed is (reason is Reason.ALLOW)


@pytest.mark.parametrize("side", Side)
def test_the_outcome_of_every_side_has_its_name_in_the_contract(side: Side) -> None:
    encoded = message(decision(trust_side=side))

    assert pb.SideOutcome.Name(encoded.trust_side) == f"SIDE_OUTCOME_{side.name}"


def answered(found: Decision, now: int, encoded: bytes = b"", staleness: int = 0) -> pb.Decision:
    filled = pb.Decision()
    write_answer(filled, Answer(found, ServedFrom.RESTORED, encoded), "a-1", 9, staleness, now=now)
    return filled


def test_an_answer_adds_what_differs_from_answer_to_answer() -> None:
    filled = answered(decision(), NOON, staleness=1_500_000)

    assert (filled.decision_id, filled.revision, filled.served_from) == ("a-1", 9, pb.SERVED_FROM_RESTORED)
    assert filled.staleness.ToMicroseconds() == 1_500_000
    assert filled.valid_for.ToMicroseconds() == 3_600_000_000
    assert (filled.role_id, filled.reason) == ("7", pb.DECISION_REASON_EXPLICIT_DENY)


def test_an_answer_of_this_very_moment_has_a_staleness_of_nothing() -> None:
    filled = pb.Decision()

    write_answer(filled, Answer(decision(), ServedFrom.EVALUATED), "a-1", 9, now=NOON)

    assert (filled.HasField("staleness"), filled.staleness.ToNanoseconds()) == (True, 0)


def test_a_decision_that_is_encoded_already_is_not_encoded_again() -> None:
    other = encode_decision(decision(reason=Reason.ALLOW, role=None))

    filled = answered(decision(), NOON, other)

    assert (filled.allowed, filled.role_id) == (True, "")


def test_a_decision_without_an_end_has_no_remaining_time() -> None:
    assert not answered(decision(valid_until=None), NOON).HasField("valid_for")
    assert answered(decision(), NOON - 1).HasField("valid_for")


@pytest.mark.parametrize(
    ("since", "until", "now", "millis"),
    [
        (None, None, NOON, 0),
        (NOON, None, NOON, 0),
        (None, NOON + 5_000, NOON, 5),
        (None, NOON + 5_999, NOON, 5),
        (NOON, NOON + 5_000, NOON, 5),
        (NOON + 1, NOON + 5_000, NOON, 0),
        (NOON - 1, NOON + 999, NOON, 0),
        (NOON - 1, NOON + 1_000, NOON, 1),
        (None, NOON, NOON, 0),
        (None, NOON - 1, NOON, 0),
        (None, NOON - 5_000, NOON, 0),
    ],
)
def test_a_decision_holds_from_its_beginning_until_just_before_its_end(
    since: int | None, until: int | None, now: int, millis: int
) -> None:
    assert remaining_millis(decision(valid_from=since, valid_until=until), now) == millis
