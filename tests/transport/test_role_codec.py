"""Every field of a write request reaches its command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from rolecall.transport.codecs import role as codec
from rolecall_client.v1 import role_pb2 as pb

AUTHORS = {"request_id", "change_reason"}
"""Fields that belong to the author of a write, not to its command."""

WRITES: dict[type[Message], Callable[[Any], object]] = {
    pb.CreateRoleRequest: codec.create_role,
    pb.UpdateRoleRequest: codec.update_role,
    pb.DeleteRoleRequest: codec.delete_role,
    pb.RollbackRoleRequest: codec.rollback_role,
}


def complete(kind: type[Message]) -> Any:
    """Return a message in which every field has a value."""
    message: Any = kind()
    for field in kind.DESCRIPTOR.fields:
        match field:
            case FieldDescriptor(message_type=entry) if entry is not None and entry.GetOptions().map_entry:
                getattr(message, field.name)["key"] = "value"
            case FieldDescriptor(message_type=inner) if inner is not None:
                getattr(message, field.name).paths.extend(codec.UPDATE_PATHS)
            case FieldDescriptor(cpp_type=FieldDescriptor.CPPTYPE_STRING):
                setattr(message, field.name, field.name)
            case FieldDescriptor(cpp_type=FieldDescriptor.CPPTYPE_BOOL):
                setattr(message, field.name, True)
            case _:
                setattr(message, field.name, 5_000)
    return message


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        pytest.param(kind, field.name, id=f"{kind.DESCRIPTOR.name}-{field.name}")
        for kind in WRITES
        for field in kind.DESCRIPTOR.fields
        if field.name not in AUTHORS
    ],
)
def test_a_field_of_a_request_reaches_the_command(kind: type[Message], field: str) -> None:
    message, other = complete(kind), complete(kind)
    if field == "update_mask":
        other.update_mask.paths.remove("description")
    else:
        other.ClearField(field)

    assert WRITES[kind](other) != WRITES[kind](message)
