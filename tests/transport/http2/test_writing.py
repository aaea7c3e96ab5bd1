"""How a call answers and ends, step by step, with a connection that writes down what is done with it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from grpc.aio import AbortError

from rolecall.transport.http2.call import Call
from rolecall.transport.http2.request_head import RequestHead
from tests.transport.http2.test_request_head import GRPC

OK = [(b"grpc-status", b"0")]
STARTED = ("respond", b"200", False)


class Connection:
    """A connection that is the parts of itself. What its client has not accepted is `waiting`."""

    def __init__(self) -> None:
        self.done = list[Any]()
        self.paused, self.waiting = False, 0
        self.call: Any = None
        self.headers = dict[bytes, bytes]()

    @property
    def session(self) -> Any:
        return self

    outgoing = keepalive = session

    def respond(self, stream: int, headers: Any, *, end_stream: bool = False) -> None:
        self.done.append(("respond", dict(headers)[b":status"], end_stream))
        self.headers = dict(headers)

    def send(self, stream: int, data: bytes) -> None:
        self.done.append(("send", stream, data))

    def end(self, stream: int, trailers: Any) -> None:
        self.done.append(("end", stream, [*trailers]))

    def queued(self, stream: int) -> int:
        assert stream == 7
        return self.waiting

    async def accepted(self, stream: int, limit: int) -> None:
        self.done.append(("accepted", stream, limit))
        if self.call:
            self.call.close()

    def answered(self) -> None:
        self.done.append("answered")

    def flush_soon(self) -> None:
        self.done.append("flush")

    def remove(self, call: Call) -> None:
        self.done.append("remove")

    def on_finished(self, call: Call) -> None:
        assert call.over
        self.done.append("finished")


@pytest.fixture
def connection() -> Any:
    return Connection()


@pytest.fixture
def call(connection: Any) -> Call:
    return Call(connection, 7, RequestHead([*GRPC.items()], 10_000), None)


async def test_messages_start_the_answer_and_are_sent_soon(connection: Connection, call: Call) -> None:
    await call.write(b"a")
    await call.write_all([b"b", b"c"])

    framed = [b"\0\0\0\0\1" + one for one in (b"a", b"b", b"c")]
    first, others = ("send", 7, framed[0]), ("send", 7, framed[1] + framed[2])
    assert connection.done == [STARTED, first, "answered", "flush", others, "answered", "flush"]


@pytest.mark.parametrize(
    ("paused", "waiting", "waits"), [(False, 65_536, False), (False, 65_537, True), (True, 0, True), (True, 9, True)]
)
async def test_a_message_waits_for_a_client_that_does_not_read_or_has_sixty_four_kibibytes_to_accept(
    connection: Connection, call: Call, paused: bool, waiting: int, waits: bool
) -> None:
    connection.paused, connection.waiting = paused, waiting

    await call.write(b"a")

    assert connection.done[-2:] == (["flush", ("accepted", 7, 65_536)] if waits else ["answered", "flush"])


async def test_a_method_that_writes_to_a_call_that_is_over_is_cancelled(connection: Connection, call: Call) -> None:
    call.close()

    with pytest.raises(asyncio.CancelledError):
        await call.write(b"a")

    assert connection.done == ["remove"]


async def test_a_method_whose_call_ends_while_its_message_waits_is_cancelled(
    connection: Connection, call: Call
) -> None:
    connection.paused, connection.call = True, call

    with pytest.raises(asyncio.CancelledError):
        await call.write(b"a")


def test_a_single_message_is_answered_with_nothing_else(connection: Connection, call: Call) -> None:
    call.answer(b"abc")

    sent = ("send", 7, b"\0\0\0\0\3abc")
    assert connection.done == [STARTED, sent, ("end", 7, OK), "remove", "finished"]


def test_a_single_message_after_the_headers_does_not_repeat_them(connection: Connection, call: Call) -> None:
    call._start()

    call.answer(b"abc")

    sent = ("send", 7, b"\0\0\0\0\3abc")
    assert connection.done == [STARTED, sent, ("end", 7, OK), "remove", "finished"]


def test_a_stream_without_messages_has_headers_and_trailers(connection: Connection, call: Call) -> None:
    call.finish_stream()

    assert connection.done == [STARTED, ("end", 7, OK), "remove", "finished"]


async def test_headers_are_sent_soon_and_not_after_the_end(connection: Connection, call: Call) -> None:
    await call.send_initial_metadata(())
    call.finish(0)
    of: Any = connection
    late = Call(of, 7, RequestHead([*GRPC.items()], 10_000), None)
    late.close()
    await late.send_initial_metadata(())

    started = [STARTED, "flush", ("end", 7, OK), "remove", "finished"]
    assert connection.done == [*started, "remove", "flush"]


def test_a_call_that_has_not_started_ends_with_its_headers_and_once(connection: Connection, call: Call) -> None:
    call.finish(5, "m")
    call.finish(0)
    call.close()

    assert connection.done == [("respond", b"200", True), "remove", "finished"]


@pytest.mark.parametrize("with_status", [False, True])
async def test_a_method_that_aborts_its_call_ends_with_an_error_and_its_client_gets_the_whole_status(
    connection: Connection, call: Call, with_status: bool
) -> None:
    status: Any = SimpleNamespace(
        code=grpc.StatusCode.NOT_FOUND, details="m", trailing_metadata=(("x-a", "1"), ("b-bin", b"\0\xff"))
    )

    parts = (status.code, status.details, status.trailing_metadata)

    with pytest.raises(AbortError):
        await (call.abort_with_status(status) if with_status else call.abort(*parts))

    assert connection.done == [("respond", b"200", True), "remove", "finished"]
    assert connection.headers == {
        b":status": b"200",
        b"content-type": b"application/grpc",
        b"grpc-accept-encoding": b"identity,deflate,gzip",
        b"grpc-status": b"5",
        b"grpc-message": b"m",
        b"x-a": b"1",
        b"b-bin": b"AP8",
    }
    assert (call.code(), call.details()) == (grpc.StatusCode.NOT_FOUND, "m")


async def test_a_status_without_details_is_its_code_alone(connection: Connection, call: Call) -> None:
    of: Any = connection
    finished = Call(of, 7, RequestHead([*GRPC.items()], 10_000), None)

    with pytest.raises(AbortError):
        await call.abort(grpc.StatusCode.NOT_FOUND)
    aborted = connection.headers
    finished.finish(5)

    assert [*aborted] == [b":status", b"content-type", b"grpc-accept-encoding", b"grpc-status"]
    assert connection.headers == aborted


class Part:
    """A timer, or the messages of a client."""

    def __init__(self, done: list[Any]) -> None:
        self._done = done

    def cancel(self) -> None:
        self._done.append("no deadline")

    def end(self) -> None:
        self._done.append("no messages")


def test_the_end_of_a_call_ends_its_deadline_and_its_messages_before_it_is_said(
    connection: Connection, call: Any
) -> None:
    call._timer = call.incoming = Part(connection.done)
    call.add_done_callback(lambda one: connection.done.append(("called", one)))

    call.close()
    call.close()

    assert connection.done == ["no deadline", "no messages", "remove", ("called", call)]


async def test_a_method_that_ends_its_call_is_not_cancelled_and_any_other_is(
    connection: Connection, call: Call
) -> None:
    async def end(of: Call) -> str:
        of.cancel_task()
        await asyncio.sleep(0)
        return "done"

    async def wait() -> None:
        await asyncio.Event().wait()

    call.cancel_task()  # a call without a task
    call.task = own = asyncio.create_task(end(call))  # type: ignore[assignment]
    await asyncio.wait([own], timeout=5)
    other = Call(connection, 7, RequestHead([*GRPC.items()], 10_000), None)  # type: ignore[arg-type]
    other.task = waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    other.cancel_task()
    gone = Call(connection, 7, RequestHead([*GRPC.items()], 10_000), None)  # type: ignore[arg-type]
    gone.task = left = asyncio.create_task(wait())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([waiting, left], timeout=5)

    assert (own.cancelled(), waiting.cancelled(), left.cancelled()) == (False, True, True)
    assert (call.over, other.over, gone.over) == (False, False, True)


def test_a_new_call_has_no_messages_and_no_status_to_change(connection: Connection, call: Call) -> None:
    assert (call.over, call.started, call.ended_by_client, call.done(), call.expired) == (False,) * 5
    assert (call.arrived(5), call.time_remaining()) == ([], None)
    assert (call.code(), call.details(), call.trailing_metadata()) == (grpc.StatusCode.OK, "", ())
