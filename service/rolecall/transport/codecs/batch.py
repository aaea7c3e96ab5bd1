"""A batch on the wire, its queries and results as bytes.

A protobuf message within another is on the wire what bytes are. So `RawRequest` and `RawResponse` read and write the very same
messages as `BatchCheckAssumeRoleRequest` and its response, but hand out each query, and take each result, as it stands: a query
that recurs is known by its bytes, and of an answer only what differs from others is written anew. Filling messages for each item
was most of what a batch cost.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import Default
from google.protobuf.message_factory import GetMessageClass
from google.rpc.status_pb2 import Status

from rolecall.engine.decision import Answer, ServedFrom
from rolecall.transport.codecs.decision import encode
from rolecall_client.v1 import decision_pb2 as pb

_VARINT, _BYTES = 0, 2
_RAW_PACKAGE = "rolecall.raw"


def _raw(message: Any, items: str) -> Any:
    """Return a message class like `message`, whose repeated field `items` holds each message as its bytes."""
    raw = FileDescriptorProto(
        name=f"{_RAW_PACKAGE}/{message.DESCRIPTOR.name}.proto", package=_RAW_PACKAGE, syntax="proto3"
    )
    raw.dependency.append(message.DESCRIPTOR.file.name)
    copied = raw.message_type.add()
    message.DESCRIPTOR.CopyToProto(copied)
    for field in copied.field:
        if field.name == items:
            field.type = FieldDescriptorProto.TYPE_BYTES
            field.ClearField("type_name")
    pool = Default()
    pool.AddSerializedFile(raw.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName(f"{_RAW_PACKAGE}.{copied.name}"))


RawRequest = _raw(pb.BatchCheckAssumeRoleRequest, "queries")
RawResponse = _raw(pb.BatchCheckAssumeRoleResponse, "results")


def _tag(message: type[pb.Decision | pb.BatchCheckResult], field: str, kind: int) -> bytes:
    return _varint(message.DESCRIPTOR.fields_by_name[field].number << 3 | kind)


@lru_cache(maxsize=8_192)
def _varint(number: int) -> bytes:
    """varint = seven bits a byte, the low ones first; the high bit says that more follow"""
    if number < 0x80:
        return bytes((number,))
    return bytes((number & 0x7F | 0x80,)) + _varint(number >> 7)


_DECISION = _tag(pb.BatchCheckResult, "decision", _BYTES)
_DECISION_ID = _tag(pb.Decision, "decision_id", _BYTES)
_REVISION = _tag(pb.Decision, "revision", _VARINT)
_SERVED_FROM = {
    served: _tag(pb.Decision, "served_from", _VARINT) + _varint(pb.ServedFrom.Value(f"SERVED_FROM_{served}"))
    for served in ServedFrom
}


class BatchAnswers:
    """Writes the results of one batch. All of them share a revision and a staleness (microseconds)."""

    def __init__(self, *, revision: int, staleness: int) -> None:
        shared = _REVISION + _varint(revision)
        if staleness:
            age = pb.Decision()
            age.staleness.FromMicroseconds(staleness)
            shared += age.SerializeToString()
        self._shared = shared
        self._frames: dict[tuple[int, int, ServedFrom], tuple[bytes, bytes]] = {}

    def result(self, answer: Answer, decision_id: bytes) -> bytes:
        """Return the bytes of a `BatchCheckResult` with a decision: what others share with it, and behind that what differs."""
        decision, served_from = answer
        encoded = decision.encoded
        if encoded is None:
            encoded = decision.encoded = encode(decision)
        size = (len(encoded), len(decision_id), served_from)
        start, end = self._frames.get(size) or self._frame(*size)
        return b"".join((start, encoded, end, decision_id))

    def _frame(self, shared: int, differing: int, served_from: ServedFrom) -> tuple[bytes, bytes]:
        """Return what stands before the shared bytes of a result, and between them and its id."""
        end = self._shared + _SERVED_FROM[served_from] + _DECISION_ID + _varint(differing)
        frame = (_DECISION + _varint(shared + len(end) + differing), end)
        self._frames[shared, differing, served_from] = frame
        return frame


def refusal(status: Status) -> bytes:
    """Return the bytes of a `BatchCheckResult` that says why a query could not be answered."""
    return pb.BatchCheckResult(error=status).SerializeToString()
