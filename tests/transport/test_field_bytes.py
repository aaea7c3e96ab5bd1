"""The parts of fields as bytes are those that protobuf writes."""

from __future__ import annotations

import pytest

from rolecall.transport.codecs.field_bytes import BYTES, VARINT, sized, tag, varint
from rolecall_client.v1 import decision_pb2 as pb, role_pb2


@pytest.mark.parametrize("number", [1, 126, 127, 128, 129, 255, 256, 16_383, 16_384, (1 << 32) + 5, (1 << 63) - 1])
def test_a_number_is_written_as_protobuf_writes_it(number: int) -> None:
    message = pb.Decision(revision=number).SerializeToString()

    assert tag(pb.Decision, "revision", VARINT) + varint(number) == message


def test_the_largest_number_has_ten_bytes_and_zero_has_one() -> None:
    negative = pb.StreamCheckAssumeRoleResponse(sequence=-1).SerializeToString()

    assert tag(pb.StreamCheckAssumeRoleResponse, "sequence", VARINT) + varint((1 << 64) - 1) == negative
    assert varint((1 << 64) - 1) == b"\xff" * 9 + b"\x01"
    assert varint(0) == b"\x00"


@pytest.mark.parametrize("length", [1, 127, 128, 300, 16_384])
def test_a_text_is_written_with_its_length(length: int) -> None:
    message = pb.Decision(decision_id="x" * length).SerializeToString()

    assert sized(tag(pb.Decision, "decision_id", BYTES), b"x" * length) == message


@pytest.mark.parametrize("field", [field.name for field in role_pb2.Role.DESCRIPTOR.fields])
def test_the_tag_of_a_field_is_its_number_and_the_kind_of_its_value(field: str) -> None:
    number = role_pb2.Role.DESCRIPTOR.fields_by_name[field].number

    assert [tag(role_pb2.Role, field, kind) for kind in (VARINT, BYTES)] == [
        bytes([number * 8]),
        bytes([number * 8 + 2]),
    ]
