"""Messages whose queries are read and written as bytes.

On the wire a message within another is a length and its bytes. So a copy of a message class, in which a field has the type
`bytes` instead of its message type, reads and writes the very same messages without parsing that field. A query that
recurs is then found in the cache by its bytes.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import Default
from google.protobuf.message_factory import GetMessageClass

from rolecall_client.v1 import decision_pb2 as pb

_PACKAGE = "rolecall.raw"

_QUERY_TAG = pb.CheckAssumeRoleRequest.DESCRIPTOR.fields_by_name["query"].number << 3 | 2
_MORE = 0x80  # the bit of a byte of a varint that another byte follows
_SHORT_HEADER, _LONG_HEADER = 2, 3


def _raw(message: Any, name: str) -> Any:
    """Return a message class like `message`, in which the field `name` holds a list of bytes."""
    raw = FileDescriptorProto(name=f"{_PACKAGE}/{message.DESCRIPTOR.name}.proto", package=_PACKAGE, syntax="proto3")
    raw.dependency.append(message.DESCRIPTOR.file.name)
    copied = raw.message_type.add()
    message.DESCRIPTOR.CopyToProto(copied)
    field = next(field for field in copied.field if field.name == name)
    field.type, field.label = FieldDescriptorProto.TYPE_BYTES, FieldDescriptorProto.LABEL_REPEATED
    field.ClearField("type_name")
    pool = Default()
    pool.AddSerializedFile(raw.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{copied.name}"))


RawCheckRequest = _raw(pb.CheckAssumeRoleRequest, "query")
RawStreamRequest = _raw(pb.StreamCheckAssumeRoleRequest, "query")
RawBatchRequest = _raw(pb.BatchCheckAssumeRoleRequest, "queries")


def lone_query(data: bytes) -> bytes | None:
    """Return the query of a `CheckAssumeRoleRequest` as bytes if that is all there is in it, else None.

    query = tag of field 1, length in one or two bytes, that many bytes
    """
    size = len(data)
    if size < _SHORT_HEADER or data[0] != _QUERY_TAG:
        return None
    length = data[1]
    if length < _MORE:
        return data[_SHORT_HEADER:] if length == size - _SHORT_HEADER else None
    if size < _LONG_HEADER or data[2] >= _MORE or length - _MORE + (data[2] << 7) != size - _LONG_HEADER:
        return None
    return data[_LONG_HEADER:]


def query_bytes(message: Any) -> bytes:
    """Return the query of a `RawCheckRequest` or `RawStreamRequest` as bytes."""
    queries = message.query
    # A message field that occurs twice is merged, which joining the bytes amounts to.
    return queries[0] if len(queries) == 1 else b"".join(queries)
