"""Results of a batch as bytes.

Filling a message for each result would be most of the cost of a batch. Instead the encoded decision, which results share, is
copied, and the fields that differ are written behind it.
"""

from __future__ import annotations

from collections.abc import Callable

from google.rpc.status_pb2 import Status

from rolecall.engine.decision import Answer, Decision, ServedFrom
from rolecall.transport.codecs.decision import duration, encode_decision, remaining
from rolecall.transport.codecs.field_bytes import BYTES, VARINT, tag, varint
from rolecall_client.v1 import decision_pb2 as pb

_ALL_BITS = (1 << 64) - 1

_DECISION = tag(pb.BatchCheckResult, "decision", BYTES)
_STREAMED_DECISION = tag(pb.StreamCheckAssumeRoleResponse, "decision", BYTES)
_SEQUENCE = tag(pb.StreamCheckAssumeRoleResponse, "sequence", VARINT)
_TOKEN = tag(pb.CheckAssumeRoleResponse, "consistency_token", BYTES)
_DECISION_ID = tag(pb.Decision, "decision_id", BYTES)
_REVISION = tag(pb.Decision, "revision", VARINT)
_VALID_FOR = tag(pb.Decision, "valid_for", BYTES)
_SERVED_FROM = {
    served: tag(pb.Decision, "served_from", VARINT) + varint(pb.ServedFrom.Value(f"SERVED_FROM_{served}"))
    for served in ServedFrom
}


class BatchAnswers:
    """Encodes the results of one batch, which share a revision and a staleness (microseconds).

    `tag` is that of the decision in the message of a result.
    """

    def __init__(self, *, revision: int, staleness: int, tag: bytes = _DECISION) -> None:
        self._tag = tag
        shared = _REVISION + varint(revision)
        if staleness:
            age = pb.Decision()
            age.staleness.FromMicroseconds(staleness)
            shared += age.SerializeToString()
        self._shared = shared
        self._frames: dict[tuple[int, int, ServedFrom], tuple[bytes, bytes]] = {}

    def result(self, answer: Answer, decision_id: bytes, now: int) -> bytes:
        """Return the bytes of a `BatchCheckResult` with a decision that is given at the time `now`, in microseconds."""
        decision, served_from, encoded = answer
        if not encoded:
            encoded = encode_decision(decision)
        if decision.valid_until is not None:
            encoded += _valid_for(decision, now)
        size = (len(encoded), len(decision_id), served_from)
        start, end = self._frames.get(size) or self._frame(*size)
        return b"".join((start, encoded, end, decision_id))

    def _frame(self, encoded: int, decision_id: int, served_from: ServedFrom) -> tuple[bytes, bytes]:
        """Return what precedes an encoded decision of that length, and what comes between it and an id of that length."""
        end = self._shared + _SERVED_FROM[served_from] + _DECISION_ID + varint(decision_id)
        frame = (self._tag + varint(encoded + len(end) + decision_id), end)
        self._frames[encoded, decision_id, served_from] = frame
        return frame


def _valid_for(decision: Decision, now: int) -> bytes:
    encoded = duration(remaining(decision, now)).SerializeToString()
    return _VALID_FOR + varint(len(encoded)) + encoded


class CheckAnswers:
    """Encodes the answers to single checks. Most are of the same revision and staleness (microseconds) as the one before."""

    def __init__(self) -> None:
        self._last: tuple[int, int, str] = (-1, -1, "")
        self._result: Callable[[Answer, bytes, int], bytes] = BatchAnswers(revision=0, staleness=0).result
        self._token = b""

    def response(
        self, answer: Answer, decision_id: bytes, now: int, *, revision: int, staleness: int, token: str
    ) -> bytes:
        """Return the bytes of a `CheckAssumeRoleResponse` that is given at the time `now`, in microseconds."""
        if self._last != (revision, staleness, token):
            self._last = (revision, staleness, token)
            # The decision is the same field, of the same number, in a result of a batch.
            self._result = BatchAnswers(revision=revision, staleness=staleness).result
            encoded = token.encode()
            self._token = _TOKEN + varint(len(encoded)) + encoded
        return self._result(answer, decision_id, now) + self._token


class StreamAnswers:
    """Encodes the answers to the messages of streams, as `CheckAnswers` does those to single checks."""

    def __init__(self) -> None:
        self._last = (-1, -1)
        self._result: Callable[[Answer, bytes, int], bytes] = BatchAnswers(revision=0, staleness=0).result

    def response(
        self, sequence: int, answer: Answer, decision_id: bytes, now: int, *, revision: int, staleness: int
    ) -> bytes:
        """Return the bytes of a `StreamCheckAssumeRoleResponse` that is given at the time `now`, in microseconds."""
        if self._last != (revision, staleness):
            self._last = (revision, staleness)
            self._result = BatchAnswers(revision=revision, staleness=staleness, tag=_STREAMED_DECISION).result
        result = self._result(answer, decision_id, now)
        # Zero is not written, and a negative number is written as the unsigned one of the same 64 bits.
        return _SEQUENCE + varint(sequence & _ALL_BITS) + result if sequence else result


def refusal(status: Status) -> bytes:
    """Return the bytes of a `BatchCheckResult` with the error of a query that could not be answered."""
    return pb.BatchCheckResult(error=status).SerializeToString()
