"""How the method of a call is run, and what is done when it fails, with a connection that writes down what is done with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from rolecall.transport.http2.call import Call
from rolecall.transport.http2.framing import frame
from rolecall.transport.http2.methods import Method
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.receiving import begin_call, receive_data, start_call
from rolecall.transport.http2.request_head import RequestHead
from rolecall.transport.http2.session import SessionError
from tests.transport.http2.test_request_head import GRPC

INTERNAL = 0x2
ANSWERED = ["respond", ("send", frame(b"answer")), "end", "removed", "finished"]


class Connection:
    """A connection that is the parts of itself; its `method` is that of every call."""

    def __init__(self) -> None:
        self.options = ConnectionOptions(max_message_bytes=100)
        self.done = list[Any]()
        self.calls, self.begun, self.head = dict[int, Call](), list[Call](), None
        self.closed = self.paused = False
        self.method = Method(run=self.run, response_streaming=False, generates=False)
        self.messages = list[bytes]()

    @property
    def server(self) -> Any:
        return self

    session = memory = keepalive = outgoing = methods = server

    def at(self, path: bytes) -> Method:
        assert path == b"/s/M"
        return self.method

    async def run(self, messages: AsyncIterator[bytes], call: Call) -> bytes:
        async for message in messages:
            self.messages.append(message)
        return b"answer"

    # --- the session ---

    def queued(self, stream: int | None = None) -> int:
        return 0

    def respond(self, stream: int, headers: Any, *, end_stream: bool = False) -> None:
        if self.closed:
            raise SessionError
        self.done.append("respond" if not end_stream else ("status", dict(headers)[b"grpc-status"]))

    def send(self, stream: int, data: bytes) -> None:
        self.done.append(("send", data))

    def end(self, stream: int, trailers: Any) -> None:
        self.done.append("end")

    def reset(self, stream: int, code: int) -> None:
        self.done.append(("reset", stream, code))

    def consumed(self, size: int, stream: int) -> None:
        if self.closed:
            raise SessionError
        self.done.append(("consumed", size, stream))

    # --- the memory, and the rest of the connection ---

    def hold(self, call: Call, size: int) -> None:
        self.done.append(("hold", size))

    def begin(self, call: Call) -> None:
        self.done.append("memory")

    def answered(self) -> None:
        self.done.append("pings")

    def flush_soon(self) -> None:
        self.done.append("flush")

    def on_finished(self, call: Call) -> None:
        self.done.append("finished")

    def remove(self, call: Call) -> None:
        self.done.append("removed")

    def taken(self) -> list[Any]:
        """Return what was done since the last time."""
        done, self.done = self.done, []
        return done


@pytest.fixture
async def connection() -> Any:
    return Connection()


def made(connection: Any, method: Method | None = None) -> Call:
    connection.method = method or connection.method
    return Call(connection, 7, RequestHead([*GRPC.items()], 10_000), connection.method)


def immediate(message: bytes, context: Any) -> bytes | None:
    return None if message == b"later" else b"answer"


def answering_at_once(connection: Any) -> Method:
    return Method(run=connection.run, response_streaming=False, generates=False, at_once=immediate)


async def ended(call: Call) -> None:
    assert call.task
    await asyncio.wait([call.task], timeout=5)


async def test_what_a_method_has_read_opens_the_window_and_is_noted_and_sent_soon(connection: Any) -> None:
    call = made(connection)
    start_call(call)

    receive_data(connection, call, frame(b"abc"), end=False)
    arrived = connection.taken()
    receive_data(connection, call, frame(b"d")[:4], end=False)
    await asyncio.sleep(0)

    assert arrived == ["memory", ("hold", 3)]
    # What is left is the part of the second message.
    assert connection.taken() == [("hold", 7), ("consumed", 12, 7), ("hold", 4), "pings", "flush"]
    connection.closed = True
    receive_data(connection, call, b"\1d", end=True)
    await ended(call)
    assert connection.messages == [b"abc", b"d"]
    assert connection.taken() == [("hold", 1), ("reset", 7, INTERNAL), "flush", "removed"]


@pytest.mark.parametrize("end", [False, True])
async def test_a_call_begins_at_once_unless_its_message_may_be_answered_at_once(connection: Any, end: bool) -> None:
    started = list[bool]()

    for stream, method in ((1, connection.method), (3, answering_at_once(connection))):
        connection.method = method
        begin_call(connection, stream, [*GRPC.items()], end=end)
        started.append(connection.calls[stream].task is not None)
    waiting = [*connection.begun]
    for call in connection.calls.values():
        if call.task:
            call.task.cancel()
            await ended(call)

    # Without a message nothing can be answered at once, so the method answers that there is none.
    assert started == [True, end]
    assert waiting == ([] if end else [connection.calls[3]])
    assert [call.ended_by_client for call in connection.calls.values()] == [end, end]


async def test_a_message_that_is_answered_at_once_opens_the_window_and_needs_no_task(connection: Any) -> None:
    call = made(connection, answering_at_once(connection))

    receive_data(connection, call, frame(b"now"), end=True)

    assert (call.task, call.incoming, call.ended_by_client) == (None, None, True)
    assert connection.done == [("consumed", 8, 7), *ANSWERED]


@pytest.mark.parametrize(
    ("data", "end"), [(frame(b"later"), True), (frame(b"now"), False), (frame(b"a") * 2, True), (b"\1\0\0\0\1x", True)]
)
async def test_any_other_message_is_left_to_the_method(connection: Any, data: bytes, end: bool) -> None:
    call = made(connection, answering_at_once(connection))

    receive_data(connection, call, data, end=end)

    assert call.task
    assert "respond" not in connection.done
    call.task.cancel()
    await ended(call)


@pytest.mark.parametrize("end", [False, True])
@pytest.mark.parametrize(("data", "code"), [(b"\0\0\0\0\x65", b"8"), (b"\2\0\0\0\1x", b"13")])
async def test_data_that_cannot_be_read_ends_the_call_and_its_method(
    connection: Any, data: bytes, code: bytes, end: bool
) -> None:
    call = made(connection, answering_at_once(connection))

    receive_data(connection, call, data, end=end)
    await ended(call)

    assert call.task
    assert (call.task.cancelled(), call.over, connection.messages) == (True, True, [])
    done = [step for step in connection.done if step not in ("memory", "pings", "flush")]
    assert done[0] == ("status", code)
    assert done[-2:] == ["removed", "finished"]


@pytest.mark.parametrize("over", [False, True])
@pytest.mark.parametrize("kind", ["one", "sent", "generated"])
async def test_a_method_that_returns_ends_its_call_unless_it_is_over(connection: Any, kind: str, over: bool) -> None:
    async def one(messages: Any, context: Call) -> bytes:
        if over:
            context.close()
        return b"answer"

    async def sent(messages: Any, context: Call) -> None:
        await context.write(b"answer")
        if over:
            context.close()

    async def generated(messages: Any, context: Call) -> AsyncIterator[bytes]:
        yield b"answer"
        if over:
            context.close()

    run: Any = {"one": one, "sent": sent, "generated": generated}[kind]
    call = made(connection, Method(run=run, response_streaming=kind != "one", generates=kind == "generated"))
    start_call(call)

    await ended(call)

    done = [step for step in connection.done if step not in ("memory", "pings", "flush")]
    answer = [] if over and kind == "one" else ANSWERED[:2]
    assert done == [*answer, *(["removed"] if over else ANSWERED[2:])]
    assert not call.task.cancelled() if call.task else False


async def test_a_method_that_fails_ends_its_call_and_its_own_task_is_not_cancelled(connection: Any) -> None:
    error = LookupError("why")

    async def broken(messages: Any, context: Call) -> bytes:
        raise error

    facts = list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, found: facts.append(found))
    call = made(connection, Method(run=broken, response_streaming=False, generates=False))
    start_call(call)

    await ended(call)

    assert call.task
    assert (call.task.cancelled(), call.task.exception()) == (False, None)
    assert connection.done == ["memory", ("status", b"2"), "removed", "finished"]
    message = "a call failed outside of its error boundary"
    assert facts == [{"message": message, "exception": error, "task": call.task}]


@pytest.mark.parametrize("over", [False, True])
async def test_a_method_that_is_cancelled_stays_so_and_its_client_learns_it_unless_its_call_is_over(
    connection: Any, over: bool
) -> None:
    call = made(connection)
    start_call(call)
    await asyncio.sleep(0)
    if over:
        call.close()

    assert call.task
    call.task.cancel()
    await ended(call)

    assert call.task.cancelled()
    assert connection.done == ["memory", *([] if over else [("status", b"1")]), "removed", *["finished"] * (not over)]


async def test_a_call_whose_client_gives_it_no_time_is_over_at_its_deadline(connection: Any) -> None:
    call = Call(connection, 7, RequestHead([*GRPC.items(), (b"grpc-timeout", b"1n")], 10_000), connection.method)
    late = Call(connection, 7, RequestHead([*GRPC.items(), (b"grpc-timeout", b"1n")], 10_000), connection.method)
    for one in (call, late):
        start_call(one)
    late.close()
    before = connection.taken()

    await ended(call)

    assert before == ["memory", "memory", "removed"]
    assert connection.done == [("status", b"4"), "removed", "finished"]
    assert late.task
    late.task.cancel()
    await ended(late)
