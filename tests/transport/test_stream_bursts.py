"""Messages of a stream that have arrived together: no answer waits for a slower one, and none is lost with a message that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import patch

import pytest
from google.protobuf.message import DecodeError

from rolecall.engine.decision_point import DecisionPoint, LongWorkError
from rolecall.roles.accounts import Accounts
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall.transport.codecs.raw import RawStreamRequest
from rolecall.transport.rpc.streams import BidiStream
from rolecall.transport.services.batch import DecisionIds
from rolecall.transport.services.stream import StreamedChecks
from rolecall_client.v1 import decision_pb2 as pb
from tests.callers.permitted import callers_of
from tests.engine.world import ACCOUNT, ALICE, allow, document, point, role


class Burst(BidiStream[Any, bytes]):
    """A stream whose messages have all arrived. It stores the numbers of the responses in each write."""

    def __init__(self, *messages: bytes) -> None:
        self._bursts = iter([messages])
        self.ending: Any = None
        self.written = list[list[int]]()

    async def read(self) -> Iterator[Any] | None:
        for messages in self._bursts:
            return map(RawStreamRequest.FromString, messages)
        return None

    async def write(self, messages: Sequence[bytes]) -> None:
        self.written.append([pb.StreamCheckAssumeRoleResponse.FromString(one).sequence for one in messages])


class AlwaysFresh:
    """A state without age."""

    def staleness(self) -> int:
        return 0


def message(sequence: int) -> bytes:
    query = pb.AssumeRoleQuery(principal=ALICE, role=f"{ACCOUNT}/app")
    return pb.StreamCheckAssumeRoleRequest(sequence=sequence, query=query).SerializeToString()


async def answer(burst: Burst, respond: Any, *, long: int = 0) -> None:
    """Answer the messages of a burst, of which the one at the position `long` needs long work."""
    decider = point(role(document(allow())))
    callers, check, positions = callers_of(decider, QueryDecoder(Accounts())), decider.check_version, iter(range(1, 99))

    def checked(*args: Any, **options: Any) -> Any:
        if next(positions) == long:
            raise LongWorkError(args[1])
        return check(*args, **options)

    fresh, unused = AlwaysFresh(), None
    parts: Any = decider, fresh, callers.rights, callers.streams, DecisionIds()
    with patch.object(DecisionPoint, "check_version", side_effect=checked):
        await StreamedChecks(*parts, answer_long=unused, calls=None).answer(burst, unused, respond)  # type: ignore[arg-type]


async def not_asked(*_: object) -> bytes:
    raise AssertionError("every message can be answered at once")


async def test_messages_that_arrive_together_are_answered_together_and_in_order() -> None:
    burst = Burst(*map(message, (3, 1, 2)))

    await answer(burst, not_asked)

    assert burst.written == [[3, 1, 2]]


async def test_what_is_answered_does_not_wait_for_what_takes_longer() -> None:
    burst, waiting, done = Burst(*map(message, (1, 2, 3, 4))), asyncio.Event(), asyncio.Event()

    async def respond(sequence: int, *_: object) -> bytes:
        waiting.set()
        await done.wait()
        return pb.StreamCheckAssumeRoleResponse(sequence=sequence).SerializeToString()

    answering = asyncio.create_task(answer(burst, respond, long=3))
    await asyncio.wait_for(waiting.wait(), 10)
    before = [*burst.written]
    done.set()
    await answering

    assert (before, burst.written) == ([[1, 2]], [[1, 2], [3, 4]])


async def test_a_message_that_ends_the_stream_does_not_take_the_answers_before_it_along() -> None:
    burst = Burst(message(1), message(2), b"\xff\xff", message(4))

    with pytest.raises(DecodeError):
        await answer(burst, not_asked)

    assert burst.written == [[1, 2]]


async def test_no_answer_is_sent_twice_when_a_write_fails() -> None:
    class Closed(Burst):
        async def write(self, messages: Sequence[bytes]) -> None:
            await super().write(messages)
            if messages:
                raise ConnectionError

    burst = Closed(*map(message, (1, 2, 3)))

    with pytest.raises(ConnectionError):
        await answer(burst, not_asked, long=3)

    assert burst.written == [[1, 2], []]
