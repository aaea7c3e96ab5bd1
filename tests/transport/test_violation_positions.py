"""Where in a trust policy a violation is, as a fact that a program can read."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from rolecall.policy.errors import InvalidPolicyError, Violation
from rolecall.roles.errors import FieldViolation, InvalidFieldsError
from rolecall.transport.error_status import status_of
from rolecall_client.v1.policy_pb2 import PolicyViolation
from rolecall_client.v1.role_pb2 import CreateRoleRequest
from tests.repository.tree import DOCS
from tests.server.serving import Served
from tests.transport.refusals import refused

VERSION = Violation(pointer="/Version", reason="UNSUPPORTED_VERSION", message="m", suggestion="1", line=2, column=12)
EMPTY = Violation(pointer="", reason="EMPTY_DOCUMENT", message="m")
NAME = FieldViolation(field="role_name", reason="ROLE_NAME_LENGTH", message="m")
EFFECT = FieldViolation(
    field="roles[3].assume_role_policy_document",
    reason="INVALID_EFFECT",
    message="m",
    pointer="/Statement/0/Effect",
    line=4,
    column=9,
)


def fields(status: Status) -> list[tuple[str, str]]:
    bad = BadRequest()
    assert any(detail.Unpack(bad) for detail in status.details)
    return [(violation.field, violation.description) for violation in bad.field_violations]


def positions(status: Status) -> list[PolicyViolation]:
    found = []
    for detail in status.details:
        if detail.Unpack(position := PolicyViolation()):
            found.append(position)
    return found


def test_a_violation_of_a_policy_has_a_detail_with_its_position_and_no_text() -> None:
    status = status_of(InvalidPolicyError([VERSION]))

    assert positions(status) == [PolicyViolation(pointer="/Version", line=2, column=12)]
    assert fields(status) == [("assume_role_policy_document/Version", "2:12: m; write `1`")]


def test_positions_are_in_the_order_of_the_violations_and_empty_where_there_is_none() -> None:
    status = status_of(InvalidFieldsError([NAME, EFFECT, NAME]))

    assert positions(status) == [
        PolicyViolation(),
        PolicyViolation(pointer="/Statement/0/Effect", line=4, column=9),
        PolicyViolation(),
    ]
    assert fields(status) == [
        ("role_name", "m"),
        ("roles[3].assume_role_policy_document/Statement/0/Effect", "4:9: m"),
        ("role_name", "m"),
    ]


def test_the_document_as_a_whole_has_a_line_but_no_pointer() -> None:
    whole = Violation(pointer="", reason="WRONG_TYPE", message="m", line=1, column=1)

    assert positions(status_of(InvalidPolicyError([whole]))) == [PolicyViolation(line=1, column=1)]


def test_violations_without_a_position_have_no_such_detail() -> None:
    for error in (InvalidFieldsError([NAME]), InvalidPolicyError([EMPTY])):
        status = status_of(error)

        assert positions(status) == []
        assert [description for _, description in fields(status)] == ["m"]


def test_positions_are_part_of_what_is_cut_to_the_room_in_trailers() -> None:
    violations = [Violation(pointer=f"/{n}", reason="R", message="m", line=1, column=n + 1) for n in range(500)]

    status = status_of(InvalidPolicyError(violations))

    info = ErrorInfo()
    status.details[0].Unpack(info)
    shown = len(fields(status))
    assert 20 < shown < 500
    assert [position.column for position in positions(status)] == list(range(1, shown + 1))
    assert info.metadata["shown"] == str(shown)
    assert sum(detail.ByteSize() for detail in status.details) < 4_000


@pytest.mark.parametrize("missing", [{"pointer": ""}, {"line": 0, "column": 0}])
def test_positions_are_cut_to_the_room_although_they_have_a_pointer_or_a_line_alone(missing: dict[str, Any]) -> None:
    status = status_of(InvalidFieldsError([replace(EFFECT, **missing)] * 100))

    assert 20 < len(fields(status)) == len(positions(status)) < 60
    assert sum(detail.ByteSize() for detail in status.details) < 4_000


@pytest.mark.parametrize("place", [0, 5])
def test_positions_are_cut_to_the_room_although_one_violation_has_none(place: int) -> None:
    violations = [EFFECT] * 100
    violations[place] = NAME

    status = status_of(InvalidFieldsError(violations))

    assert 20 < len(fields(status)) == len(positions(status)) < 40
    assert [bool(position.pointer) for position in positions(status)].count(False) == 1
    assert sum(detail.ByteSize() for detail in status.details) < 4_000


# Fifteen times 239 is one byte too many.
@pytest.mark.parametrize(("size", "shown"), [(224, 16), (225, 15), (239, 14)])
def test_a_position_counts_with_its_message_and_56_bytes(size: int, shown: int) -> None:
    # 3,584 bytes are for violations and positions: sixteen times 224.
    text = "x" * (size - 105 - (size > 230))  # the length of a text of 128 bytes takes a byte more
    status = status_of(InvalidPolicyError([Violation(pointer="/n", reason="R", message=text, line=1, column=1)] * 20))

    bad = BadRequest()
    assert any(detail.Unpack(bad) for detail in status.details)
    (position, *_), (violation, *_) = positions(status), bad.field_violations
    assert violation.ByteSize() + position.ByteSize() + 56 == size
    assert (len(bad.field_violations), len(positions(status))) == (shown, shown)


def test_a_text_has_at_most_the_documented_number_of_bytes() -> None:
    announced = re.search(
        r"Texts of more than (\d+) bytes, pointers included, are cut", (DOCS / "errors.md").read_text()
    )
    assert announced
    most = int(announced[1])

    whole, cut = (
        status_of(
            InvalidPolicyError([Violation(pointer="/" + "x" * (size - 1), reason="R", message="m", line=1, column=1)])
        )
        for size in (most, most + 1)
    )

    assert [len(position.pointer.encode()) for position in (*positions(whole), *positions(cut))] == [most, most]
    assert [position.pointer[-1] for position in (*positions(whole), *positions(cut))] == ["x", "…"]


def test_a_name_that_no_message_can_carry_is_spelled_out_in_the_pointer() -> None:
    status = status_of(InvalidPolicyError([Violation(pointer="/\ud800", reason="R", message="m", line=1, column=2)]))

    assert positions(status) == [PolicyViolation(pointer="/\\ud800", line=1, column=2)]


async def test_a_write_with_other_violations_names_the_position_in_the_same_form(service: Served) -> None:
    document = '{"Version": "1",\n "Statement": []}'
    request = CreateRoleRequest(role_name="app", assume_role_policy_document=document)

    alone = await refused(service.roles.CreateRole(request))
    request.role_name = "no_name"
    beside = await refused(service.roles.CreateRole(request))

    (field,) = alone.fields
    assert (field.field, field.description[:5]) == ("assume_role_policy_document/Statement", "2:15:")
    assert beside.fields[-1] == field
