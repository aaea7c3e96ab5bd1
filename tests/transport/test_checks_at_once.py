"""Checks that are answered from bytes to bytes: with the answer and the report of the method, or not at all."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from google.protobuf.message import DecodeError

from rolecall.transport.codecs.raw import RawCheckRequest
from rolecall_client.v1 import decision_pb2 as pb
from tests.engine.world import HOUR, NOON
from tests.transport.test_batch_portions import QUERIES, ROLES, Servicer

NAMES = [*(made.role_name for made in ROLES), "absent", "of another account", "of the account"]


class Call:
    """A call with the id that its client gave to it."""

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return (("x-request-id", "r-1"),)


def request_of(query: bytes, **consistency: Any) -> bytes:
    """Return a request in another form than that of a lone query if it says how fresh the answer must be."""
    message = RawCheckRequest(query=[query])
    if consistency:
        message.consistency.CopyFrom(pb.Consistency(**consistency))
    return bytes(message.SerializeToString())


def unnamed(response: pb.CheckAssumeRoleResponse) -> pb.CheckAssumeRoleResponse:
    """Return a response without the id of its decision."""
    response.decision.decision_id = ""
    return response


@pytest.mark.parametrize("name", [name for name in NAMES if name != "long"])
@pytest.mark.parametrize("later", [0, HOUR, 2 * HOUR])
async def test_a_check_has_the_answer_and_the_report_of_its_method(name: str, later: int) -> None:
    data = request_of(QUERIES[NAMES.index(name)])
    at_once, method, call = Servicer(inf), Servicer(inf), Call()
    at_once.now = method.now = NOON + later
    expected = [await method.servicer.CheckAssumeRole(RawCheckRequest.FromString(data), call) for _ in range(2)]

    for one in expected:
        response = at_once.servicer.check_at_once(data, call)
        assert response is not None
        answer = pb.CheckAssumeRoleResponse.FromString(response)
        assert at_once.records[-1].decision_id == answer.decision.decision_id
        assert unnamed(answer) == unnamed(one)

    assert at_once.recorded() == method.recorded()
    assert [record.call.request_id for record in at_once.records] == ["r-1"] * 2
    assert at_once.counts == method.counts


def test_a_check_that_cannot_be_read_is_an_error_and_not_reported() -> None:
    servicer = Servicer(inf)

    with pytest.raises(DecodeError):
        servicer.servicer.check_at_once(request_of(QUERIES[-1]), Call())

    assert servicer.records == []


def test_a_check_that_may_have_to_wait_is_left_to_its_method() -> None:
    servicer = Servicer(inf)

    assert servicer.servicer.check_at_once(request_of(QUERIES[NAMES.index("long")]), Call()) is None
    for how in ({"minimize_latency": True}, {"fully_consistent": True}):
        assert servicer.servicer.check_at_once(request_of(QUERIES[0], **how), Call()) is None

    assert servicer.records == []
