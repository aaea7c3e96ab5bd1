"""The messages of the interop tests of gRPC, with the fields that the test service reads or sets.

They are declared here, in a pool of their own: generated from a package `grpc.testing` they would hide Python's `grpc`.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

PACKAGE = "interop"

# Each field: its number, and its type; `*` in front of a type: repeated.
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "Flag": {"value": (1, "bool")},
    "Payload": {"body": (2, "bytes")},
    "Status": {"code": (1, "int32"), "message": (2, "string")},
    "SimpleRequest": {
        "response_size": (2, "int32"),
        "payload": (3, "Payload"),
        "response_compressed": (6, "Flag"),
        "response_status": (7, "Status"),
        "expect_compressed": (8, "Flag"),
    },
    "SimpleResponse": {"payload": (1, "Payload")},
    "InputRequest": {"payload": (1, "Payload"), "expect_compressed": (2, "Flag")},
    "InputResponse": {"aggregated_payload_size": (1, "int32")},
    "Parameters": {"size": (1, "int32"), "interval_us": (2, "int32"), "compressed": (3, "Flag")},
    "OutputRequest": {"response_parameters": (2, "*Parameters"), "response_status": (7, "Status")},
    "OutputResponse": {"payload": (1, "Payload")},
}
_SCALARS = {
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "string": FieldDescriptorProto.TYPE_STRING,
}


def _field(name: str, number: int, kind: str) -> FieldDescriptorProto:
    label = FieldDescriptorProto.LABEL_REPEATED if kind.startswith("*") else FieldDescriptorProto.LABEL_OPTIONAL
    kind = kind.lstrip("*")
    if kind in _SCALARS:
        return FieldDescriptorProto(name=name, number=number, label=label, type=_SCALARS[kind])
    return FieldDescriptorProto(
        name=name, number=number, label=label, type=FieldDescriptorProto.TYPE_MESSAGE, type_name=f".{PACKAGE}.{kind}"
    )


def _file() -> FileDescriptorProto:
    messages = [
        DescriptorProto(name=name, field=[_field(field, *of) for field, of in fields.items()])
        for name, fields in _MESSAGES.items()
    ]
    return FileDescriptorProto(name="interop.proto", package=PACKAGE, syntax="proto3", message_type=messages)


_POOL = DescriptorPool()
_POOL.Add(_file())


def _class(name: str) -> Any:
    return GetMessageClass(_POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))


Payload, Status = _class("Payload"), _class("Status")
SimpleRequest, SimpleResponse = _class("SimpleRequest"), _class("SimpleResponse")
InputRequest, InputResponse = _class("InputRequest"), _class("InputResponse")
OutputRequest, OutputResponse = _class("OutputRequest"), _class("OutputResponse")
