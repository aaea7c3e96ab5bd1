"""What is written as bytes is what filling the messages field by field would give."""

from __future__ import annotations

from typing import Any

import pytest
from google.rpc.status_pb2 import Status

from rolecall.engine.decision import Answer, ServedFrom
from rolecall.transport.codec_batch import BatchAnswers
from rolecall.transport.codec_decision import write_answer
from rolecall_client.v1 import decision_pb2 as pb
from tests.engine.world import ALICE, NOON, allow, deny, document, point, question, role

LONG = {f"key-{n}-" + "x" * 100: "v" for n in range(60)}
POLICIES: list[dict[str, Any]] = [
    allow(),
    deny(),
    allow(StringEquals={"k": "v"}),
    allow(DateLessThan={"acs:CurrentTime": "2026-01-01T13:00:00Z"}) | {"Sid": "ünï"},
    allow(StringEquals=LONG),
]


@pytest.mark.parametrize("statement", POLICIES)
@pytest.mark.parametrize("staleness", [0, 1_500_000])
@pytest.mark.parametrize("revision", [1, 127, 128, 1 << 40])
def test_a_batch_is_the_message_that_its_answers_make(statement: dict[str, Any], staleness: int, revision: int) -> None:
    decision = point(role(document(statement))).check(question(ALICE), NOON).decision
    answers = BatchAnswers(revision=revision, staleness=staleness)
    expected = pb.BatchCheckAssumeRoleResponse(consistency_token="token")

    for number, served_from in enumerate(ServedFrom):
        answer = Answer(decision, served_from)
        answers.add(answer, f"id-{number}".encode())
        write_answer(expected.results.add().decision, answer, f"id-{number}", revision, staleness)
    answers.refuse(Status(code=3, message="x" * 300))
    expected.results.add().error.CopyFrom(Status(code=3, message="x" * 300))

    assert answers.response("token") == expected
