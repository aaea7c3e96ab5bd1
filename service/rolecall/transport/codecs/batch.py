"""Answers as bytes.

Filling a message for each result would be most of the cost of a batch. Instead the encoded decision, which results share, is
copied, and the fields that differ are written behind it. The response to a batch is its results and the token, one after another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeAlias

from google.rpc.status_pb2 import Status

from rolecall.engine.decision import Answer, ServedFrom
from rolecall.transport.codecs.decision import duration, encode_decision, remaining_millis
from rolecall.transport.codecs.field_bytes import BYTES, VARINT, sized, tag, varint
from rolecall_client.v1 import decision_pb2 as pb

_ALL_BITS = (1 << 64) - 1

_RESULT = tag(pb.BatchCheckAssumeRoleResponse, "results", BYTES)
_BATCH_TOKEN = tag(pb.BatchCheckAssumeRoleResponse, "consistency_token", BYTES)
_DECISION = tag(pb.BatchCheckResult, "decision", BYTES)
_STREAMED_DECISION = tag(pb.StreamCheckAssumeRoleResponse, "decision", BYTES)
_SEQUENCE = tag(pb.StreamCheckAssumeRoleResponse, "sequence", VARINT)
_TOKEN = tag(pb.CheckAssumeRoleResponse, "consistency_token", BYTES)
_DECISION_ID = tag(pb.Decision, "decision_id", BYTES)
_REVISION = tag(pb.Decision, "revision", VARINT)
_STALENESS = tag(pb.Decision, "staleness", BYTES)
_SERVED_FROM = {
    served: tag(pb.Decision, "served_from", VARINT) + varint(pb.ServedFrom.Value(f"SERVED_FROM_{served}"))
    for served in ServedFrom
}
_SERVED_FROM_BYTES = 2  # each of them: a tag and a number of one byte


_Frame: TypeAlias = tuple[bytes, bytes]
"""What precedes an encoded decision of a length, and what comes between `served_from` and an id of a length."""


class BatchAnswers:
    """Encodes the results of one batch, which share a revision and a staleness (microseconds).

    `before` is what precedes the length of the decision in each result: the tag of that field, and fields before it. `within` is
    the tag of the field that a result is the value of; empty if it is a message of its own.
    """

    def __init__(self, *, revision: int, staleness: int, before: bytes = _DECISION, within: bytes = _RESULT) -> None:
        self._before, self._within = before, within
        shared = _REVISION + varint(revision)
        if staleness:
            shared += sized(_STALENESS, duration(staleness).SerializeToString())
        self._shared = shared
        self._frames: dict[int, _Frame] = {}

    def result(self, answer: Answer, decision_id: bytes, now: int) -> bytes:
        """Return a result of a `BatchCheckAssumeRoleResponse` with a decision that is given at the time `now`, in microseconds."""
        decision, served_from, encoded = answer
        if not encoded:
            encoded = encode_decision(decision)
        if decision.valid_until is not None:
            encoded += _valid_for(remaining_millis(decision, now))
        # One number for both lengths, which is found sooner than a tuple; an id never is as long as 65,536 bytes.
        sizes = len(encoded) << 16 | len(decision_id)
        start, end = self._frames.get(sizes) or self._frame(sizes)
        return b"".join((start, encoded, _SERVED_FROM[served_from], end, decision_id))

    def _frame(self, sizes: int) -> _Frame:
        encoded, decision_id = sizes >> 16, sizes & 0xFFFF
        end = self._shared + _DECISION_ID + varint(decision_id)
        rest = encoded + _SERVED_FROM_BYTES + len(end) + decision_id
        start = self._before + varint(rest)
        if self._within:
            start = self._within + varint(len(start) + rest) + start
        frame = self._frames[sizes] = (start, end)
        return frame


@lru_cache(maxsize=1_024)
def _valid_for(millis: int) -> bytes:
    return pb.Decision(valid_for=duration(millis * 1_000)).SerializeToString()


class CheckAnswers:
    """Encodes the answers to single checks. Most are of the same revision and staleness (microseconds) as the one before."""

    def __init__(self) -> None:
        self._last: tuple[int, int, str] | None = None
        self._result: Callable[[Answer, bytes, int], bytes]

    def response(
        self, answer: Answer, decision_id: bytes, now: int, *, revision: int, staleness: int, token: str
    ) -> bytes:
        """Return the bytes of a `CheckAssumeRoleResponse` that is given at the time `now`, in microseconds."""
        if self._last != (revision, staleness, token):
            self._last = (revision, staleness, token)
            # The decision is the same field, of the same number, in a result of a batch.
            before = sized(_TOKEN, token.encode()) + _DECISION
            self._result = BatchAnswers(revision=revision, staleness=staleness, before=before, within=b"").result
        return self._result(answer, decision_id, now)


class StreamAnswers:
    """Encodes the answers to the messages of streams, as `CheckAnswers` does those to single checks."""

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None
        self._result: Callable[[Answer, bytes, int], bytes]

    def response(
        self, sequence: int, answer: Answer, decision_id: bytes, now: int, *, revision: int, staleness: int
    ) -> bytes:
        """Return the bytes of a `StreamCheckAssumeRoleResponse` that is given at the time `now`, in microseconds."""
        if self._last != (revision, staleness):
            self._last = (revision, staleness)
            answers = BatchAnswers(revision=revision, staleness=staleness, before=_STREAMED_DECISION, within=b"")
            self._result = answers.result
        result = self._result(answer, decision_id, now)
        # Zero is not written, and a negative number is written as the unsigned one of the same 64 bits.
        return _SEQUENCE + varint(sequence & _ALL_BITS) + result if sequence else result


def refusal(status: Status) -> bytes:
    """Return a result of a `BatchCheckAssumeRoleResponse` with the error of a query that could not be answered."""
    return batch_result(pb.BatchCheckResult(error=status))


def batch_result(message: pb.BatchCheckResult) -> bytes:
    """Return a result of a `BatchCheckAssumeRoleResponse` as it is in one."""
    return sized(_RESULT, message.SerializeToString())


def batch_response(results: Iterable[bytes], token: str) -> bytes:
    """Return the bytes of a `BatchCheckAssumeRoleResponse` with results as they are in one."""
    return b"".join((*results, sized(_BATCH_TOKEN, token.encode()) if token else b""))
