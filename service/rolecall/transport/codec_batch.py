"""The answers of a batch on the wire, written as bytes.

A protobuf message is its fields one after another, so what answers share is encoded once, kept with the decision, and what
differs is put behind it. That costs a third of filling a message for each answer, which is most of what a batch costs. The
whole is read back by protobuf before it leaves, so nothing malformed can.
"""

from __future__ import annotations

from functools import lru_cache

from google.rpc.status_pb2 import Status

from rolecall.engine.decision import Answer, ServedFrom
from rolecall.transport.codec_decision import encode
from rolecall_client.v1 import decision_pb2 as pb

_VARINT, _BYTES = 0, 2


def _tag(
    message: type[pb.Decision | pb.BatchCheckResult | pb.BatchCheckAssumeRoleResponse], field: str, kind: int
) -> bytes:
    return _varint(message.DESCRIPTOR.fields_by_name[field].number << 3 | kind)


@lru_cache(maxsize=8_192)
def _varint(number: int) -> bytes:
    """varint = seven bits a byte, the low ones first; the high bit says that more follow"""
    if number < 0x80:
        return bytes((number,))
    return bytes((number & 0x7F | 0x80,)) + _varint(number >> 7)


_RESULT = _tag(pb.BatchCheckAssumeRoleResponse, "results", _BYTES)
_DECISION = _tag(pb.BatchCheckResult, "decision", _BYTES)
_DECISION_ID = _tag(pb.Decision, "decision_id", _BYTES)
_REVISION = _tag(pb.Decision, "revision", _VARINT)
_SERVED_FROM = {
    served: _tag(pb.Decision, "served_from", _VARINT) + _varint(pb.ServedFrom.Value(f"SERVED_FROM_{served}"))
    for served in ServedFrom
}


class BatchAnswers:
    """Collects the results of one batch, in order. All of them share a revision and a staleness (microseconds)."""

    def __init__(self, *, revision: int, staleness: int) -> None:
        self._parts: list[bytes] = []
        shared = _REVISION + _varint(revision)
        if staleness:
            age = pb.Decision()
            age.staleness.FromMicroseconds(staleness)
            shared += age.SerializeToString()
        self._ends = {served: shared + served_from + _DECISION_ID for served, served_from in _SERVED_FROM.items()}

    def add(self, answer: Answer, decision_id: bytes) -> None:
        """Add a decision."""
        decision, served_from = answer
        encoded = decision.encoded
        if encoded is None:
            encoded = decision.encoded = encode(decision)
        end, spelled = self._ends[served_from], _length(decision_id)
        length = len(encoded) + len(end) + len(spelled) + len(decision_id)
        inner = _varint(length)
        outer = _varint(len(_DECISION) + len(inner) + length)
        self._parts += (_RESULT, outer, _DECISION, inner, encoded, end, spelled, decision_id)

    def refuse(self, status: Status) -> None:
        """Add the reason why a query could not be answered."""
        result = pb.BatchCheckResult(error=status).SerializeToString()
        self._parts += (_RESULT, _length(result), result)

    def response(self, consistency_token: str) -> pb.BatchCheckAssumeRoleResponse:
        """Return the message of all results."""
        response = pb.BatchCheckAssumeRoleResponse.FromString(b"".join(self._parts))
        response.consistency_token = consistency_token
        return response


def _length(data: bytes) -> bytes:
    return _varint(len(data))
