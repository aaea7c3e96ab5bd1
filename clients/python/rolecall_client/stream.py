"""Pipelined checks: many queries on one stream, answered in order, and continued on a new one when the server ends it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from queue import SimpleQueue

from rolecall_client.agent import AgentStream, is_unanswered
from rolecall_client.calls import Stream
from rolecall_client.errors import RolecallError, UnavailableError
from rolecall_client.v1 import decision_pb2 as d

DEFAULT_IN_FLIGHT = 256
MAX_ATTEMPTS = 4
BACKOFF_SECONDS = 0.05

Answers = Stream[d.StreamCheckAssumeRoleResponse] | AgentStream

Open = Callable[[Iterator[d.StreamCheckAssumeRoleRequest]], Answers]
"""Opens a stream that sends the messages of an iterator, from a thread of gRPC."""


class Pipeline:
    """Sends queries on streams, at most `in_flight` ahead of the answers. The caller's own thread reads their iterator.

    The first stream is one of the agent, if there is one. When it ends early, all others are those of the service.
    """

    def __init__(
        self,
        open_stream: Open,
        queries: Iterable[d.AssumeRoleQuery],
        in_flight: int,
        *,
        open_at_agent: Open | None = None,
    ) -> None:
        self._open, self._open_at_agent, self._in_flight = open_stream, open_at_agent, max(1, in_flight)
        self._source = enumerate(queries)
        self._unanswered: deque[d.StreamCheckAssumeRoleRequest] = deque()

    def answers(self) -> Iterator[d.StreamCheckAssumeRoleResponse]:
        """Yield an answer for each query; raise `RolecallError` when several streams in succession return none."""
        if self._open_at_agent is not None and self._read_ahead():
            yield from self._at_agent(self._open_at_agent)
        attempts = 0
        while self._read_ahead() or self._unanswered:
            try:
                for answer in self._on_one_stream(self._open):
                    attempts = 0
                    yield answer
            except RolecallError as error:
                attempts += 1
                if error.code != "UNAVAILABLE" or attempts == MAX_ATTEMPTS:
                    raise
                time.sleep(BACKOFF_SECONDS * 3 ** (attempts - 1))

    def _at_agent(self, open_stream: Open) -> Iterator[d.StreamCheckAssumeRoleResponse]:
        """Yield what the agent answers, until every query is answered or the agent does not answer."""
        try:
            yield from self._on_one_stream(open_stream)
        except RolecallError as error:
            if not is_unanswered(error):
                raise

    def _on_one_stream(self, open_stream: Open) -> Iterator[d.StreamCheckAssumeRoleResponse]:
        """Send the unanswered queries and then the following ones, until every query is answered."""
        to_send: SimpleQueue[d.StreamCheckAssumeRoleRequest | None] = SimpleQueue()
        for message in self._unanswered:
            to_send.put(message)
        stream = open_stream(iter(to_send.get, None))
        try:
            while self._unanswered:
                answer = _next(stream)
                self._unanswered.popleft()
                yield answer
                for message in self._read_ahead():
                    to_send.put(message)
        finally:
            to_send.put(None)
            _close(stream, in_order=not self._unanswered)

    def _read_ahead(self) -> list[d.StreamCheckAssumeRoleRequest]:
        read = [
            d.StreamCheckAssumeRoleRequest(sequence=sequence, query=query)
            for _, (sequence, query) in zip(range(self._in_flight - len(self._unanswered)), self._source, strict=False)
        ]
        self._unanswered += read
        return read


def _next(stream: Answers) -> d.StreamCheckAssumeRoleResponse:
    try:
        return next(stream)
    except StopIteration:
        raise UnavailableError("UNAVAILABLE", "the stream ended before every query was answered") from None


def _close(stream: Answers, *, in_order: bool) -> None:
    """End a stream. If every query is answered, wait for its status and ignore it, else cancel it."""
    if not in_order:
        stream.cancel()
        return
    with suppress(RolecallError):
        next(stream, None)
