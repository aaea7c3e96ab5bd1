"""Records of decisions are made from the decision, whatever has changed since."""

from __future__ import annotations

import pytest

from rolecall.engine.decision import Reason, ServedFrom, Side
from rolecall.engine.decision_point import DecisionPoint
from rolecall.engine.decision_record import DecisionRecord, IssuedAnswer, RecordedCall, RecordedStatement
from rolecall.engine.request import AssumeRoleRequest
from rolecall.roles.change import Author, Change, ChangeKind, Commit
from rolecall.roles.role import Micros, Revision
from tests.engine.world import ACCOUNT, NOON, allow, deny, document, point, question, role

CALL = RecordedCall(method="CheckAssumeRole", caller="caller", request_id="r-1")


def recorded(
    decider: DecisionPoint, request: AssumeRoleRequest, call: RecordedCall = CALL, staleness: int = 0
) -> DecisionRecord:
    answer = IssuedAnswer(decider.check(request, NOON), "d-1", NOON + 5, Revision(9), staleness)
    return DecisionRecord.of(request, answer, call)


def test_a_record_names_the_version_that_decided_and_not_one_written_since() -> None:
    decider, request = point(role(document(allow()))), question()
    answer = IssuedAnswer(decider.check(request, NOON), "d-1", NOON, Revision(1), 0)
    later = Change(ChangeKind.UPDATED, role(document(deny()), revision=2))
    decider.snapshot.apply(
        Commit(revision=Revision(2), author=Author(actor="test", time=Micros(0)), changes=(later,), hash=b"")
    )

    record = DecisionRecord.of(request, answer, CALL)

    assert (record.role_id, record.role_revision, record.allowed) == ("1", 1, True)


def test_a_record_has_everything_of_the_answer() -> None:
    text = document(allow() | {"Sid": "first"}, allow(StringEquals={"k": "v"}))
    decider, request = point(role(text, name="App")), question(name="app", context={"l": ["w"]}, duration=900)

    record = recorded(decider, request, staleness=1_999)

    assert record == DecisionRecord(
        decision_id="d-1",
        time=NOON + 5,
        call=CALL,
        request=request,
        role_arn=f"acs:ram::{ACCOUNT}:role/App",
        role_id="1",
        role_revision=Revision(1),
        reason=Reason.ALLOW,
        trust_side=Side.ALLOW,
        identity_side=Side.NOT_EVALUATED,
        revision=Revision(9),
        served_from=ServedFrom.EVALUATED,
        staleness_ms=1,
        statements=(RecordedStatement("/Statement/0", "first"),),
        missing_keys=("k",),
    )


def test_a_role_that_does_not_exist_is_recorded_under_the_name_that_was_requested() -> None:
    record = recorded(point(), question(name="none"))

    assert (record.role_arn, record.role_id) == (f"acs:ram::{ACCOUNT}:role/none", "")
    assert (record.role_revision, record.reason, record.allowed) == (None, Reason.ROLE_NOT_FOUND, False)


@pytest.mark.parametrize(("at_revision", "role_revision"), [(None, 1), (1, None), (0, None)])
def test_an_explanation_at_an_earlier_revision_names_no_version(
    at_revision: int | None, role_revision: int | None
) -> None:
    call = RecordedCall(method="ExplainAssumeRole", caller="", request_id="r-1", at_revision=at_revision)

    record = recorded(point(role(document(allow()))), question(), call)

    assert (record.role_revision, record.role_id) == (role_revision, "1")
