"""Streams that the server ends: what their methods see, and what their clients do not lose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import grpc
import pytest

from rolecall.transport.errors import StreamAgeError, StreamIdleError, StreamStoppedError, WatchTooSlowError
from rolecall.transport.rpc.open_streams import MAX_UNRESUMABLE_SECONDS, OpenStreams
from rolecall.transport.rpc.stats import MethodStats
from rolecall.transport.rpc.streams import MESSAGES_AT_ONCE, BidiStream, ServerStream, StreamEnding
from tests.repository.tree import DOCS

BOUND = 10.0


class Connection:
    """A context of gRPC whose reads and writes wait until the test lets them finish."""

    def __init__(self) -> None:
        self.waiting, self.accepts = asyncio.Event(), asyncio.Event()
        self.messages = list[Any]()
        self.written = list[bytes]()

    async def send_initial_metadata(self, _: object) -> None:
        return

    async def read(self) -> Any:
        if self.messages:
            return self.messages.pop(0)
        return await self._wait()

    async def write(self, message: bytes) -> None:
        await self._wait()
        self.written.append(message)

    async def _wait(self) -> Any:
        self.waiting.set()
        await self.accepts.wait()


class Call:
    """A method that runs in a task of its own, as gRPC runs it."""

    def __init__(self, method: Callable[[Any], Coroutine[Any, Any, object]], make: Callable[[Any], Any]) -> None:
        self.connection = Connection()
        self._method, self._make = method, make
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> BaseException | None:
        self.stream = self._make(self.connection)
        try:
            await self._method(self.stream)
        except BaseException as error:  # noqa: BLE001  (a cancellation is what some tests look for)
            return self.ending.cause(error)
        return None

    @property
    def ending(self) -> StreamEnding:
        ending: StreamEnding = self.stream.ending
        return ending

    async def waits(self) -> None:
        await asyncio.wait_for(self.connection.waiting.wait(), BOUND)

    async def failed_with(self) -> BaseException | None:
        return await asyncio.wait_for(self.task, BOUND)


def stats() -> MethodStats:
    return MethodStats("service", "Method", request_streaming=True, response_streaming=True)


def server_stream(connection: Any) -> ServerStream:
    return ServerStream(connection, stats())


def bidi_stream(connection: Any) -> BidiStream[bytes, bytes]:
    return BidiStream(connection, stats(), decode=bytes.upper, encode=bytes.lower)


async def write_one(stream: ServerStream) -> None:
    await stream.begin()
    await stream.write(b"one")


async def wait_for_event(stream: ServerStream) -> None:
    await stream.begin()
    await stream.context.read()  # any await of the method itself


async def read_one(stream: BidiStream[bytes, bytes]) -> None:
    await stream.read()


async def test_a_server_stream_is_ended_where_its_method_waits() -> None:
    call = Call(wait_for_event, server_stream)
    await call.waits()

    call.ending.end(StreamAgeError(300))

    assert isinstance(await call.failed_with(), StreamAgeError)


async def test_a_message_that_is_being_sent_is_sent_before_the_stream_ends() -> None:
    call = Call(write_one, server_stream)
    await call.waits()

    call.ending.end(StreamAgeError(300))
    call.connection.accepts.set()

    assert isinstance(await call.failed_with(), StreamAgeError)
    assert call.connection.written == [b"one"]


async def test_a_server_stream_counts_the_messages_that_it_has_sent() -> None:
    connection, counted = Connection(), stats()
    connection.accepts.set()
    stream: ServerStream = ServerStream(connection, counted)  # type: ignore[arg-type]

    await stream.begin()
    await stream.write(b"one")
    await stream.write(b"two")

    assert (connection.written, counted.messages_out, counted.messages_in) == ([b"one", b"two"], 2, 0)


async def test_a_server_stream_that_is_ended_before_it_begins_sends_nothing() -> None:
    async def ended_at_once(stream: ServerStream) -> None:
        stream.ending.end(StreamStoppedError())
        await write_one(stream)

    call = Call(ended_at_once, server_stream)

    assert isinstance(await call.failed_with(), StreamStoppedError)
    assert call.connection.written == []


async def test_a_message_that_is_not_accepted_in_time_ends_the_stream() -> None:
    call = Call(write_one, lambda connection: ServerStream(connection, stats(), 0.01))

    error = await call.failed_with()

    assert isinstance(error, WatchTooSlowError)
    assert error.limit_seconds == 0.01


async def test_a_bidi_stream_is_ended_where_it_waits_for_a_message() -> None:
    call = Call(read_one, bidi_stream)
    await call.waits()

    call.ending.end(StreamAgeError(300))

    assert isinstance(await call.failed_with(), StreamAgeError)


async def test_a_bidi_stream_answers_what_it_has_read_before_it_ends() -> None:
    async def answer(stream: BidiStream[bytes, bytes]) -> None:
        while (messages := await stream.read()) is not None:
            await stream.write([*messages])

    call = Call(answer, bidi_stream)
    call.connection.messages = [b"a", b"b"]
    await call.waits()

    call.ending.end(StreamAgeError(300))
    call.connection.accepts.set()

    assert isinstance(await call.failed_with(), StreamAgeError)
    assert (call.connection.written, call.connection.messages) == ([b"a"], [b"b"])


async def test_a_bidi_stream_decodes_and_encodes_its_messages_and_counts_them() -> None:
    connection, counted = Connection(), stats()
    connection.accepts.set()
    connection.messages = [b"a", grpc.aio.EOF]
    stream = BidiStream[bytes, bytes](connection, counted, decode=bytes.upper, encode=bytes.lower)  # type: ignore[arg-type]

    read, end = await stream.read(), await stream.read()
    await stream.write([b"B", b"C"])
    await stream.write([])

    assert ([*(read or ())], end, connection.written) == ([b"A"], None, [b"b", b"c"])
    assert (counted.messages_in, counted.messages_out) == (1, 2)


class Http2Connection(Connection):
    """A context of the HTTP/2 transport, which has the messages that have arrived, and takes many at once."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = list[list[bytes]]()

    def arrived(self, limit: int) -> list[bytes]:
        taken, self.messages = self.messages[:limit], self.messages[limit:]
        return taken

    async def write_all(self, messages: list[bytes]) -> None:
        self.writes.append(messages)


async def test_messages_that_have_arrived_are_read_together_up_to_a_limit_and_written_together() -> None:
    connection, counted = Http2Connection(), stats()
    connection.messages = [b"%d" % number for number in range(MESSAGES_AT_ONCE + 2)]
    stream = BidiStream[bytes, bytes](connection, counted, decode=bytes, encode=bytes)  # type: ignore[arg-type]

    while connection.messages:
        await stream.write([*(await stream.read() or ())])

    assert [len(messages) for messages in connection.writes] == [MESSAGES_AT_ONCE, 2]
    assert b"".join(map(b"".join, connection.writes)) == b"".join(b"%d" % n for n in range(MESSAGES_AT_ONCE + 2))
    assert (counted.messages_in, counted.messages_out) == (MESSAGES_AT_ONCE + 2, MESSAGES_AT_ONCE + 2)


async def test_where_callers_have_a_rate_messages_are_read_one_by_one() -> None:
    connection, paces = Http2Connection(), 0
    connection.messages = [b"a", b"b"]

    async def pace() -> None:
        nonlocal paces
        paces += 1

    stream = BidiStream[bytes, bytes](connection, stats(), decode=bytes, encode=bytes, pace=pace)  # type: ignore[arg-type]

    assert [[*(await stream.read() or ())] for _ in range(2)] == [[b"a"], [b"b"]]
    assert paces == 2


async def test_a_message_that_cannot_be_decoded_does_not_lose_those_before_it() -> None:
    connection = Http2Connection()
    connection.messages = [b"1", b"two"]
    stream = BidiStream[int, bytes](connection, stats(), decode=int, encode=bytes)  # type: ignore[arg-type]

    messages = iter(await stream.read() or ())

    assert next(messages) == 1
    with pytest.raises(ValueError, match="two"):
        next(messages)


@pytest.mark.parametrize(("method", "make"), [(wait_for_event, server_stream), (read_one, bidi_stream)])
async def test_a_client_that_cancels_an_ended_call_sees_its_cancellation(method: Any, make: Any) -> None:
    call = Call(method, make)
    await call.waits()

    call.ending.end(StreamAgeError(300))
    call.task.cancel()

    assert isinstance(await call.failed_with(), asyncio.CancelledError)


async def test_a_client_that_cancels_while_a_message_is_sent_sees_its_cancellation() -> None:
    call = Call(write_one, server_stream)
    await call.waits()

    call.ending.end(StreamAgeError(300))
    call.task.cancel()

    assert isinstance(await call.failed_with(), asyncio.CancelledError)


async def test_another_error_of_the_method_stays_what_it_is() -> None:
    async def fail_when_cancelled(stream: ServerStream) -> None:
        try:
            await wait_for_event(stream)
        except asyncio.CancelledError:
            raise LookupError("mine") from None

    call = Call(fail_when_cancelled, server_stream)
    await call.waits()

    call.ending.end(StreamAgeError(300))

    assert isinstance(await call.failed_with(), LookupError)


async def test_only_the_first_ending_counts() -> None:
    call = Call(wait_for_event, server_stream)
    await call.waits()

    call.ending.end(StreamAgeError(300))
    call.ending.end(StreamStoppedError())

    assert isinstance(await call.failed_with(), StreamAgeError)


class Ending(StreamEnding):
    """An ending that notes the errors it was given."""

    __slots__ = ("errors",)

    def __init__(self, *, ends_when_idle: bool = False) -> None:
        super().__init__(ends_when_idle=ends_when_idle)
        self.errors = list[Exception]()

    def end(self, error: Exception) -> None:
        self.errors.append(error)


async def test_a_stream_is_ended_when_it_has_lasted_as_long_as_allowed() -> None:
    open_streams, ending = OpenStreams(max_seconds=300), Ending()

    with open_streams.track(ending, 1_000.0):
        open_streams.sweep(1_299.9)
        before = list(ending.errors)
        open_streams.sweep(1_300.0)

    assert before == []
    assert [str(error) for error in ending.errors] == [str(StreamAgeError(300))]


@pytest.mark.parametrize("max_seconds", [300, MAX_UNRESUMABLE_SECONDS + 300])
async def test_a_stream_that_cannot_be_resumed_may_last_longer(max_seconds: float) -> None:
    open_streams, ending = OpenStreams(max_seconds=max_seconds), Ending()
    ending.unresumable = True
    limit = max(max_seconds, MAX_UNRESUMABLE_SECONDS)

    with open_streams.track(ending, 0.0):
        open_streams.sweep(limit - 0.1)
        before = list(ending.errors)
        open_streams.sweep(limit)

    assert (before, len(ending.errors)) == ([], 1)


async def test_all_open_streams_end_when_the_server_stops_and_so_do_later_ones() -> None:
    open_streams, first, second, later = OpenStreams(), Ending(), Ending(), Ending()

    with open_streams.track(first, 0.0), open_streams.track(second, 0.0):
        opened = len(open_streams)
        open_streams.stop()
    with open_streams.track(later, 0.0):
        pass

    assert (opened, len(open_streams)) == (2, 0)
    assert [[type(error) for error in ending.errors] for ending in (first, second, later)] == [[StreamStoppedError]] * 3


async def test_streams_end_by_default_after_the_documented_times() -> None:
    page = (DOCS / "freshness.md").read_text()
    open_streams, plain, unresumable, idle = OpenStreams(), Ending(), Ending(), Ending(ends_when_idle=True)
    unresumable.unresumable = idle.interruptible = True

    with open_streams.track(plain, 0.0), open_streams.track(unresumable, 0.0), open_streams.track(idle, 0.0):
        for now in (10.0, 69.9):
            open_streams.sweep(now)
        not_idle = len(idle.errors)
        open_streams.sweep(70.0)
        ended_idle = open_streams.ended_idle
        open_streams.sweep(299.9)
        before = [len(ending.errors) for ending in (plain, unresumable)]
        open_streams.sweep(300.0)
        at_five_minutes = [len(ending.errors) for ending in (plain, unresumable)]
        open_streams.sweep(3_599.9)
        in_the_hour = len(unresumable.errors)
        open_streams.sweep(3_600.0)

    assert (not_idle, ended_idle) == (0, 1)
    assert (before, at_five_minutes) == ([0, 0], [1, 0])
    assert (in_the_hour, len(unresumable.errors)) == (0, 1)
    assert [str(error) for error in idle.errors[:1]] == [str(StreamIdleError(60))]
    assert "The server ends the stream of a client that does not read for thirty seconds" in page
    assert server_stream(Connection())._timeout == 30.0
