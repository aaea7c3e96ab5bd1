"""Results of a batch as bytes.

Filling a message for each result would be most of the cost of a batch. Instead the encoded decision, which results share, is
copied, and the fields that differ are written behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from google.rpc.status_pb2 import Status

from rolecall.engine.decision import Answer, ServedFrom
from rolecall.transport.codecs.decision import encode_decision
from rolecall_client.v1 import decision_pb2 as pb

_VARINT, _BYTES = 0, 2


def _tag(message: type[pb.Decision | pb.BatchCheckResult | pb.CheckAssumeRoleResponse], field: str, kind: int) -> bytes:
    return _varint(message.DESCRIPTOR.fields_by_name[field].number << 3 | kind)


@lru_cache(maxsize=1_024)
def _varint(number: int) -> bytes:
    """varint = groups of seven bits, low ones first, one a byte; the high bit says that another follows"""
    if number < 0x80:
        return bytes((number,))
    return bytes((number & 0x7F | 0x80,)) + _varint(number >> 7)


_DECISION = _tag(pb.BatchCheckResult, "decision", _BYTES)
_TOKEN = _tag(pb.CheckAssumeRoleResponse, "consistency_token", _BYTES)
_DECISION_ID = _tag(pb.Decision, "decision_id", _BYTES)
_REVISION = _tag(pb.Decision, "revision", _VARINT)
_SERVED_FROM = {
    served: _tag(pb.Decision, "served_from", _VARINT) + _varint(pb.ServedFrom.Value(f"SERVED_FROM_{served}"))
    for served in ServedFrom
}


class BatchAnswers:
    """Encodes the results of one batch, which share a revision and a staleness (microseconds)."""

    def __init__(self, *, revision: int, staleness: int) -> None:
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
        frame = (_DECISION + _varint(encoded + len(end) + decision_id), end)
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


def refusal(status: Status) -> bytes:
    """Return the bytes of a `BatchCheckResult` with the error of a query that could not be answered."""
    return pb.BatchCheckResult(error=status).SerializeToString()
