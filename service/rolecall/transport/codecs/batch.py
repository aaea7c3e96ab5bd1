"""Results of a batch as bytes.

Filling a message for each result would be most of the cost of a batch. Instead the encoded decision, which results share, is
copied, and the fields that differ are written behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from google.rpc.status_pb2 import Status

from rolecall.engine.decision import Answer, ServedFrom
from rolecall.transport.codecs.decision import encode_decision
from rolecall_client.v1 import decision_pb2 as pb

_VARINT, _BYTES = 0, 2
_ALL_BITS = (1 << 64) - 1


_Message: TypeAlias = (
    "type[pb.Decision | pb.BatchCheckResult | pb.CheckAssumeRoleResponse | pb.StreamCheckAssumeRoleResponse]"
)


def _tag(message: _Message, field: str, kind: int) -> bytes:
    return _varint(message.DESCRIPTOR.fields_by_name[field].number << 3 | kind)


@lru_cache(maxsize=1_024)
def _varint(number: int) -> bytes:
    """varint = groups of seven bits, low ones first, one a byte; the high bit says that another follows"""
    if number < 0x80:
        return bytes((number,))
    return bytes((number & 0x7F | 0x80,)) + _varint(number >> 7)


_DECISION = _tag(pb.BatchCheckResult, "decision", _BYTES)
_STREAMED_DECISION = _tag(pb.StreamCheckAssumeRoleResponse, "decision", _BYTES)
_SEQUENCE = _tag(pb.StreamCheckAssumeRoleResponse, "sequence", _VARINT)
_TOKEN = _tag(pb.CheckAssumeRoleResponse, "consistency_token", _BYTES)
_DECISION_ID = _tag(pb.Decision, "decision_id", _BYTES)
_REVISION = _tag(pb.Decision, "revision", _VARINT)
_SERVED_FROM = {
    served: _tag(pb.Decision, "served_from", _VARINT) + _varint(pb.ServedFrom.Value(f"SERVED_FROM_{served}"))
    for served in ServedFrom
}


class BatchAnswers:
    """Encodes the results of one batch, which share a revision and a staleness (microseconds).

    `tag` is that of the decision in the message of a result.
    """

    def __init__(self, *, revision: int, staleness: int, tag: bytes = _DECISION) -> None:
        self._tag = tag
        shared = _REVISION + _varint(revision)
        if staleness:
            age = pb.Decision()
            age.staleness.FromMicroseconds(staleness)
            shared += age.SerializeToString()
        self._shared = shared
        self._frames: dict[tuple[int, int, ServedFrom], tuple[bytes, bytes]] = {}

    def result(self, answer: Answer, decision_id: bytes) -> bytes:
        """Return the bytes of a `BatchCheckResult` with a decision."""
        decision, served_from, encoded = answer
        if not encoded:
            encoded = encode_decision(decision)
        size = (len(encoded), len(decision_id), served_from)
        start, end = self._frames.get(size) or self._frame(*size)
        return b"".join((start, encoded, end, decision_id))

    def _frame(self, encoded: int, decision_id: int, served_from: ServedFrom) -> tuple[bytes, bytes]:
        """Return what precedes an encoded decision of that length, and what comes between it and an id of that length."""
        end = self._shared + _SERVED_FROM[served_from] + _DECISION_ID + _varint(decision_id)
        frame = (self._tag + _varint(encoded + len(end) + decision_id), end)
        self._frames[encoded, decision_id, served_from] = frame
        return frame


class CheckAnswers:
    """Encodes the answers to single checks. Most are of the same revision and staleness (microseconds) as the one before."""

    def __init__(self) -> None:
        self._last: tuple[int, int, str] = (-1, -1, "")
        self._result: Callable[[Answer, bytes], bytes] = BatchAnswers(revision=0, staleness=0).result
        self._token = b""

    def response(self, answer: Answer, decision_id: bytes, *, revision: int, staleness: int, token: str) -> bytes:
        """Return the bytes of a `CheckAssumeRoleResponse`."""
        if self._last != (revision, staleness, token):
            self._last = (revision, staleness, token)
            # The decision is the same field, of the same number, in a result of a batch.
            self._result = BatchAnswers(revision=revision, staleness=staleness).result
            encoded = token.encode()
            self._token = _TOKEN + _varint(len(encoded)) + encoded
        return self._result(answer, decision_id) + self._token


class StreamAnswers:
    """Encodes the answers to the messages of streams, as `CheckAnswers` does those to single checks."""

    def __init__(self) -> None:
        self._last = (-1, -1)
        self._result: Callable[[Answer, bytes], bytes] = BatchAnswers(revision=0, staleness=0).result

    def response(self, sequence: int, answer: Answer, decision_id: bytes, *, revision: int, staleness: int) -> bytes:
        """Return the bytes of a `StreamCheckAssumeRoleResponse`."""
        if self._last != (revision, staleness):
            self._last = (revision, staleness)
            self._result = BatchAnswers(revision=revision, staleness=staleness, tag=_STREAMED_DECISION).result
        result = self._result(answer, decision_id)
        # Zero is not written, and a negative number is written as the unsigned one of the same 64 bits.
        return _SEQUENCE + _varint(sequence & _ALL_BITS) + result if sequence else result


def refusal(status: Status) -> bytes:
    """Return the bytes of a `BatchCheckResult` with the error of a query that could not be answered."""
    return pb.BatchCheckResult(error=status).SerializeToString()
