"""Pipelined checks: many questions on one stream, answered in order, carried over to another when the server ends one."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

import grpc

from rolecall_client.errors import RolecallError, error_of_call
from rolecall_client.v1 import decision_pb2 as d

DEFAULT_IN_FLIGHT = 256
MAX_ATTEMPTS = 4
BACKOFF_SECONDS = 0.05

Open = Callable[[Iterator[d.StreamCheckAssumeRoleRequest]], Any]
"""Opens a stream on which the messages of an iterator are sent, by a thread of gRPC's."""


class Pipeline:
    """Puts queries on streams. The caller's iterator is read by the caller's own thread, `in_flight` ahead of the answers."""

    def __init__(self, open_stream: Open, queries: Iterable[d.AssumeRoleQuery], in_flight: int) -> None:
        self._open, self._in_flight = open_stream, max(1, in_flight)
        self._source = enumerate(queries)
        self._unanswered: deque[d.StreamCheckAssumeRoleRequest] = deque()

    def answers(self) -> Iterator[d.StreamCheckAssumeRoleResponse]:
        """Yield an answer for each query; raise `RolecallError` when not even a new stream gets one."""
        attempts = 0
        while self._read_ahead() or self._unanswered:
            try:
                for answer in self._on_one_stream():
                    attempts = 0
                    yield answer
            except RolecallError as error:
                attempts += 1
                if error.code != "UNAVAILABLE" or attempts == MAX_ATTEMPTS:
                    raise
                time.sleep(BACKOFF_SECONDS * 3 ** (attempts - 1))

    def _on_one_stream(self) -> Iterator[d.StreamCheckAssumeRoleResponse]:
        """Put what is unanswered, then whatever follows, until all is answered."""
        to_send: SimpleQueue[d.StreamCheckAssumeRoleRequest | None] = SimpleQueue()
        for message in self._unanswered:
            to_send.put(message)
        stream = self._open(iter(to_send.get, None))
        try:
            while self._unanswered:
                answer = _next(stream)
                self._unanswered.popleft()
                yield answer
                for message in self._read_ahead():
                    to_send.put(message)
        finally:
            to_send.put(None)
            _leave(stream, in_order=not self._unanswered)

    def _read_ahead(self) -> list[d.StreamCheckAssumeRoleRequest]:
        read = [
            d.StreamCheckAssumeRoleRequest(sequence=sequence, query=query)
            for _, (sequence, query) in zip(range(self._in_flight - len(self._unanswered)), self._source, strict=False)
        ]
        self._unanswered += read
        return read


def _next(stream: Any) -> d.StreamCheckAssumeRoleResponse:  # noqa: ANN401 - gRPC's calls have no public type
    try:
        answer: d.StreamCheckAssumeRoleResponse = next(stream)
    except grpc.RpcError as error:
        raise error_of_call(error) from error
    except StopIteration:
        raise RolecallError("UNAVAILABLE", "the stream ended before every query was answered") from None
    return answer


def _leave(stream: Any, *, in_order: bool) -> None:  # noqa: ANN401
    """End a stream: when all is answered its status is of no interest, and otherwise it is not waited for."""
    if not in_order:
        stream.cancel()
        return
    with suppress(grpc.RpcError):
        next(stream, None)
